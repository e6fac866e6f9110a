import Coordination
import Testing

/// What came after the first versions of the stored formats.
@Suite struct LaterCodecTests {
    static let payload = CodecTests.payload
    static let failure = CodecTests.failure

    static let history = [
        HistoryEventKind.signalReceived(name: "go", payload: payload),
        .stepWaiting(step: "w", attempt: 1, until: 2_000),
        .approvalDecided(
            step: "a", decision: .reject, by: "ann", comment: "no", payload: payload),
        .runPaused(reason: "p"), .runResumed(reason: "r"), .runTerminated(reason: "t"),
        .runRetried(reason: "again"), .runCompensating(reason: "c"),
        .stepFellBack(step: "f", failure: failure),
        .stepParked(step: "p", attempt: 2, failure: failure), .stepRequeued(step: "p"),
        .childStarted(step: "c", attempt: 1, child: RunID(serial: payload.serial)),
        .eventPublished(step: "e", eventType: "order.made", receivers: 3),
        .listStarted(step: "l", attempt: 1, elements: 7), .runQueued,
        .childEnded(
            step: "c", attempt: 1, child: RunID(serial: payload.serial), status: .failed),
    ].enumerated().map { index, kind in
        HistoryEvent(sequence: Int64(index) + 1, atMillis: 1_000, kind: kind)
    }

    static let definition: WorkflowDefinition = {
        var call = StepDefinition(id: "call", agentType: "t", operation: "o")
        call.scheduleToStartMillis = 1
        call.scheduleToCloseMillis = 2
        call.heartbeatMillis = 3
        call.onExhausted = .deadLetter
        call.fallback = StepWork(agentType: "t", operation: "other")
        call.compensation = StepWork(
            agentType: "t", operation: "undo", inputTemplate: "${steps.call.output}")
        call.priority = 1
        call.concurrency = ConcurrencyKey(key: "k", limit: 4)
        call.rate = RateKey(key: "r", limit: 5, perMillis: 6)
        var wait = StepDefinition(id: "wait", agentType: "", operation: "")
        wait.kind = .wait(WaitSpec(signal: "go", millis: 9))
        var approval = StepDefinition(id: "ask", agentType: "", operation: "")
        approval.kind = .approval(
            ApprovalSpec(
                assignees: ["ann"], prompt: "?", millis: 8, defaultDecision: .approve,
                formSchema: "{}"))
        var publish = StepDefinition(id: "tell", agentType: "", operation: "")
        publish.kind = .publish(eventType: "order.made")
        var child = StepDefinition(id: "child", agentType: "", operation: "")
        child.kind = .child(ChildSpec(workflow: "n", onParentClose: .abandon))
        var list = StepDefinition(id: "list", agentType: "t", operation: "o")
        list.kind = .fanOut(FanOutSpec(width: 10, concurrency: 2))
        return WorkflowDefinition(
            name: "n", version: "1", steps: [call, wait, approval, publish, child, list],
            triggers: ["order.made"])
    }()

    // Golden bytes: never change these; a new version gets golden bytes of its own.
    static let goldenHistory =
        "021002d00f000d02676f89808080c0e0808101000e017701a01f000f01610203616e6e026e6f8980"
        + "8080c0e0808101001001700011017200120174001305616761696e001401630015016604626f6f6d"
        + "0869742062726f6b650101f403001601700204626f6f6d0869742062726f6b650101f40300170170"
        + "001801630189808080c0e0808101001901650a6f726465722e6d61646503001a016c0107001b001c"
        + "01630189808080c0e080810103"
    static let goldenDefinition =
        "02016e0131000000060463616c6c0174016f000001e0d40306d00f0000000000000040c09a0c0008"
        + "0209040a060b030c0174056f7468657200e0d40306d00f0000000000000040c09a0c000d01740475"
        + "6e646f0114247b73746570732e63616c6c2e6f75747075747de0d40306d00f0000000000000040c0"
        + "9a0c000e010f016b04100172050c0004776169740000000001e0d40306d00f0000000000000040c0"
        + "9a0c000102676f0012000361736b0000000001e0d40306d00f0000000000000040c09a0c00020103"
        + "616e6e013f100101027b7d000474656c6c0000000001e0d40306d00f0000000000000040c09a0c00"
        + "030a6f726465722e6d61646500056368696c640000000001e0d40306d00f0000000000000040c09a"
        + "0c0004016e0200046c6973740174016f000001e0d40306d00f0000000000000040c09a0c00050a02"
        + "0001010a6f726465722e6d61646500"
    static let goldenRun =
        "03010100260700000a05020000000001000100016500010224070000090100000012010000000000"
        + "09010000001001000000000002010000000000000000000901000000cf0f01000000000589808080"
        + "c0e0808101000901000000cf0f010000000008070203000102010000000000000000030500048980"
        + "8080c0e080810100020100000000000000000305010489808080c0e0808101008000000000cf0f00"
        + "0000000305020489808080c0e080810100000301056c6174657289808080c0e080810106046c6f6f"
        + "6b00"

    @Test func `what version 2 of history and definitions wrote is read for ever`() throws {
        #expect(try HistoryCodec.decode(CodecTests.bytes(Self.goldenHistory)) == Self.history)
        let read = try DefinitionCodec.decode(CodecTests.bytes(Self.goldenDefinition))
        #expect(read == Self.definition)
    }

    /// A run that has a bit of everything.
    static func runState() throws -> RunState {
        var run = try MachineHarness(definition.steps)
        run.machine.signalled("later", payload, bytes: 1, at: run.now, into: &run.out)
        run.machine.childStarted(
            4, RunID(serial: payload.serial), at: run.now, into: &run.out)
        run.machine.listed(5, [payload, payload, payload], bytes: 3, at: run.now, into: &run.out)
        run.fail(0, MachineHarness.fatal)
        run.complete(0)
        run.machine.paused(reason: "look", at: run.now, into: &run.out)
        return run.machine.state
    }

    @Test func `what version 3 of runs wrote is read for ever`() throws {
        let state = try Self.runState()
        let read = try RunCodec.decode(
            CodecTests.bytes(Self.goldenRun), CodecTests.columns(state), plan: state.plan)
        #expect(read.steps == state.steps)
        #expect(read.extra == state.extra)
        #expect(read.summary == state.summary)
    }

    @Test func `damaged runs with lists are refused, never trapped`() throws {
        var seed: UInt64 = 7
        func next() -> UInt64 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return seed >> 33
        }
        let state = try Self.runState()
        let blob = RunCodec.encode(state)
        for _ in 0..<3_000 {
            var damaged = blob
            damaged[Int(next()) % blob.count] = UInt8(truncatingIfNeeded: next())
            guard
                let read = try? RunCodec.decode(
                    damaged, CodecTests.columns(state), plan: state.plan)
            else { continue }
            var machine = RunMachine(read)
            var out = RunOutput()
            machine.recovered(at: 5_000, into: &out)
            machine.terminated(reason: "", at: 5_000, into: &out)
            _ = machine.state.summary
        }
    }
}
