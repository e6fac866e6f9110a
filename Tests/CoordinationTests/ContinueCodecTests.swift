import Coordination
import Testing

/// What runs that are continued as new ones added to the stored formats: version 6 of definitions
/// and runs, 4 of histories.
@Suite struct ContinueCodecTests {
    // Written to disk by someone's server: never change these.
    static let goldenDefinition =
        "06016e01310000000101630000000001e0d40306d00f0000000000000040c09a0c001301770200"
        + "00"
    static let goldenRun =
        "0689808080c0e08081010089808080c0e0808101000203000000010b00000000ff887a000000000000"
        + "084c00"
    static let goldenHistory = "040202d00f001f89808080c0e08081014c001e4e"

    @Test func `definitions are written as version 6 always was`() throws {
        var step = StepDefinition(id: "c", agentType: "", operation: "")
        step.kind = .continueAsNew(ContinueSpec(workflow: "w", version: .keep))
        let definition = WorkflowDefinition(name: "n", version: "1", steps: [step])
        #expect(CodecTests.hex(DefinitionCodec.encode(definition)) == Self.goldenDefinition)
        #expect(try DefinitionCodec.decode(CodecTests.bytes(Self.goldenDefinition)) == definition)
    }

    @Test func `runs are written as version 6 always was`() throws {
        let plan = try WorkflowPlan(ContractCodecTests.definition)
        var state = RunState(
            id: RunID(serial: Serial(rawValue: 77)), namespace: .default, workflowID: "w",
            plan: plan, planID: CodecTests.payload, input: CodecTests.payload, inputBytes: 3,
            startedMillis: 1_000_000)
        state.setPredecessor(RunID(serial: Serial(rawValue: 76)))
        var machine = RunMachine(state)
        var out = RunOutput()
        machine.started(at: 1_000_000, into: &out)
        #expect(
            out.events.map(\.kind) == [
                .runTookOver(
                    input: CodecTests.payload, from: RunID(serial: Serial(rawValue: 76)))
            ])
        #expect(CodecTests.hex(RunCodec.encode(machine.state)) == Self.goldenRun)
        let read = try RunCodec.decode(
            CodecTests.bytes(Self.goldenRun), CodecTests.columns(machine.state), plan: plan)
        #expect(read.extra == machine.state.extra && read.steps == machine.state.steps)
    }

    @Test func `what version 4 of histories wrote is read for ever`() throws {
        let run = { RunID(serial: Serial(rawValue: $0)) }
        let history = [
            HistoryEvent(
                sequence: 1, atMillis: 1_000,
                kind: .runTookOver(input: CodecTests.payload, from: run(76))),
            HistoryEvent(sequence: 2, atMillis: 1_000, kind: .runContinued(as: run(78))),
        ]
        #expect(try HistoryCodec.decode(CodecTests.bytes(Self.goldenHistory)) == history)
    }
}
