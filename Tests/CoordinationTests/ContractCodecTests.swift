import Coordination
import Testing

/// What conditions and contracts added to the stored formats: version 3 of definitions, 4 of runs.
@Suite struct ContractCodecTests {
    static let definition: WorkflowDefinition = {
        var look = StepDefinition(id: "look", agentType: "t", operation: "o")
        look.when = "input.n > 1"
        look.outputSchema = #"{"type":"object"}"#
        var definition = WorkflowDefinition(name: "n", version: "1", steps: [look])
        definition.inputSchema = #"{"type":"object"}"#
        return definition
    }()

    // Written to disk by someone's server: never change these.
    static let goldenDefinition =
        "03016e013100000001046c6f6f6b0174016f000001e0d40306d00f0000000000000040c09a0c0006"
        + "0b696e7075742e6e203e203107117b2274797065223a226f626a656374227d0002117b227479706522"
        + "3a226f626a656374227d00"
    static let goldenEvaluating =
        "0489808080c0e080810189808080c0e08081010002030000010b00000000ff887a00000000000000"
    static let goldenUnchecked = "0489808080c0e080810189808080c0e080810100020300000101000700"

    private static func state(isUnchecked: Bool) throws -> RunState {
        let plan = try WorkflowPlan(definition)
        var state = RunState(
            id: RunID(serial: Serial(rawValue: 77)), namespace: .default, workflowID: "w",
            plan: plan, planID: CodecTests.payload, input: CodecTests.payload, inputBytes: 3,
            startedMillis: 1_000_000)
        if isUnchecked { state.leaveInputUnchecked() }
        var machine = RunMachine(state)
        var out = RunOutput()
        machine.started(at: 1_000_000, into: &out)
        return machine.state
    }

    @Test func `what version 3 of definitions wrote is read for ever`() throws {
        let read = try DefinitionCodec.decode(CodecTests.bytes(Self.goldenDefinition))
        #expect(read == Self.definition)
    }

    static let goldenModes =
        "04016e013100000001046c6f6f6b0174016f000001e0d40306d00f0000000000000040c09a0c0006"
        + "0b696e7075742e6e203e203107117b2274797065223a226f626a656374227d110001020002117b22"
        + "74797065223a226f626a656374227d00"
    static let goldenHistory = "030102d00f001d0173010102"

    static let goldenLoop =
        "05016e01310000000101630000000001e0d40306d00f0000000000000040c09a0c0004017701120c"
        + "6f75747075742e6e203d2031030000"

    @Test func `what version 5 of definitions wrote is read for ever`() throws {
        var step = StepDefinition(id: "c", agentType: "", operation: "")
        step.kind = .child(
            ChildSpec(workflow: "w", loop: ChildLoop(until: "output.n = 1", times: 3)))
        let definition = WorkflowDefinition(name: "n", version: "1", steps: [step])
        #expect(try DefinitionCodec.decode(CodecTests.bytes(Self.goldenLoop)) == definition)
    }

    @Test func `what version 4 of definitions wrote is read for ever`() throws {
        var definition = Self.definition
        definition.steps[0].modes = ModeBehavior(degraded: .hold, emergency: .cached)
        #expect(try DefinitionCodec.decode(CodecTests.bytes(Self.goldenModes)) == definition)
    }

    static let goldenAttributes =
        "0589808080c0e0808101040161010178016202000000000000044001630301640489808080c0e080"
        + "81010002030000010b00000000ff887a00000000000000"

    @Test func `what version 5 of runs wrote is read for ever`() throws {
        var state = try Self.state(isUnchecked: false)
        state.setAttributes([
            RunAttribute(name: "a", value: .text("x")),
            RunAttribute(name: "b", value: .number(2.5)),
            RunAttribute(name: "c", value: .flag(false)),
            RunAttribute(name: "d", value: .flag(true)),
        ])
        let read = try RunCodec.decode(
            CodecTests.bytes(Self.goldenAttributes), CodecTests.columns(state), plan: state.plan)
        #expect(read.extra == state.extra)
        let alone = try RunCodec.attributes(of: CodecTests.bytes(Self.goldenAttributes))
        #expect(alone == state.extra.value.attributes)
    }

    @Test func `what version 3 of histories wrote is read for ever`() throws {
        let history = [
            HistoryEvent(
                sequence: 1, atMillis: 1_000,
                kind: .stepModeApplied(
                    step: "s", attempt: 1, behavior: .hold, mode: .emergency))
        ]
        #expect(try HistoryCodec.decode(CodecTests.bytes(Self.goldenHistory)) == history)
    }

    @Test(arguments: [(false, goldenEvaluating), (true, goldenUnchecked)])
    func `what version 4 of runs wrote is read for ever`(
        isUnchecked: Bool, golden: String
    ) throws {
        let state = try Self.state(isUnchecked: isUnchecked)
        let read = try RunCodec.decode(
            CodecTests.bytes(golden), CodecTests.columns(state), plan: state.plan)
        #expect(read.steps == state.steps)
        #expect(read.extra == state.extra)
        #expect(read.steps[0].state == (isUnchecked ? .pending : .evaluating))
        // After a restart somebody looks again.
        var machine = RunMachine(read)
        var out = RunOutput()
        machine.recovered(at: 1_000_001, into: &out)
        #expect(out.actions == [isUnchecked ? .checkInput : .evaluate(step: 0)])
    }
}
