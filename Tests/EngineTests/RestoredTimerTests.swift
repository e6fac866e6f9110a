import Coordination
import Store
import Testing

@testable import Engine

/// What fell due while there was no process, and limits that began in an earlier one.
@Suite struct RestoredTimerTests {
    private static func wait(_ id: String, _ millis: Int64, signal: String = "") -> StepDefinition {
        ExplainTests.bare(id, .wait(WaitSpec(signal: signal, millis: millis)))
    }

    /// A step for agents that are not there.
    private static func call(_ change: (inout StepDefinition) -> Void) -> StepDefinition {
        var step = StepDefinition(
            id: "call", agentType: "w", operation: "work", retry: RetryPolicy(maxAttempts: 1))
        change(&step)
        return step
    }

    private static func put(_ rig: RemoteRig, _ definition: WorkflowDefinition) {
        rig.post(
            .putDefinition(
                PutDefinition(namespace: .default, definition: definition), rig.ticket()))
    }

    private static func start(
        _ rig: RemoteRig, _ steps: [StepDefinition], timeoutMillis: Int64? = nil
    ) throws -> RunID {
        var definition = WorkflowDefinition(name: "w", version: "1", steps: steps)
        definition.runTimeoutMillis = timeoutMillis
        put(rig, definition)
        let ticket = rig.ticket()
        rig.post(
            .startRun(
                StartRun(
                    namespace: .default, definition: "w", workflowID: "",
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail),
                ticket))
        guard case .started(let run, _) = rig.answers[ticket.call]?.first else {
            throw StepFailure(type: "test", message: "not started", retryable: false)
        }
        return run
    }

    /// The server is down for a time, then goes on with what is stored.
    private static func goDown(
        _ rig: RemoteRig, millis: Int64, _ limits: EngineLimits = .defaults
    ) throws {
        rig.now.wallMillis += millis
        try rig.restart(limits)
    }

    /// A run as it is on disk.
    private static func stored(_ rig: RemoteRig, _ run: RunID) throws -> RunState {
        try RunReader.state(of: try #require(rig.runs[run]), rig.plans)
    }

    // MARK: What is overdue

    @Test func `a run whose steps were due before its own time completes`() throws {
        let rig = RemoteRig()
        let run = try Self.start(rig, [Self.wait("t", 1_000)], timeoutMillis: 2_000)
        try Self.goDown(rig, millis: 2_800)
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
        let other = RemoteRig()
        let late = try Self.start(other, [Self.wait("t", 3_000)], timeoutMillis: 2_000)
        try Self.goDown(other, millis: 9_000)
        #expect(other.runs[late]?.status == RunStatus.timedOut.rawValue)
    }

    @Test(arguments: [false, true])
    func `steps that are overdue go on in the order in which they were due`(
        isLateFirst: Bool
    ) throws {
        let rig = RemoteRig()
        let steps = [Self.wait("early", 600), Self.wait("late", 1_900, signal: "x")]
        let run = try Self.start(rig, isLateFirst ? steps.reversed() : steps)
        try Self.goDown(rig, millis: 2_600)
        let state = try Self.stored(rig, run)
        let early = try #require(state.plan.index(of: "early"))
        #expect(state.steps[early].state == .completed)
        #expect(state.failure?.type == "wait_timeout")
    }

    @Test func `a step that is too late fails when it was, and not before others were due`() throws
    {
        let rig = RemoteRig()
        let ask = ExplainTests.bare(
            "ask", .approval(ApprovalSpec(millis: 1_200, defaultDecision: .approve)))
        let run = try Self.start(rig, [Self.call { $0.scheduleToCloseMillis = 2_500 }, ask])
        try Self.goDown(rig, millis: 2_800)
        let state = try Self.stored(rig, run)
        #expect(state.steps.map(\.state) == [.failed, .completed])
        #expect(state.failure?.type == "timeout")
    }

    @Test func `the order holds over runs that are taken up batch by batch`() throws {
        let rig = RemoteRig()
        Self.put(
            rig,
            WorkflowDefinition(
                name: "other", version: "1", steps: [Self.wait("x", 1_000, signal: "x")]))
        var child = ExplainTests.bare("c", .child(ChildSpec(workflow: "other")))
        child.scheduleToCloseMillis = 2_000
        child.retry = RetryPolicy(maxAttempts: 1)
        let run = try Self.start(rig, [child])
        var limits = EngineLimits.defaults
        limits.maxCommandsPerBatch = 1
        try Self.goDown(rig, millis: 3_000, limits)
        #expect(try Self.stored(rig, run).failure?.type == "child_failed")
        #expect(rig.engine.restoredTimers.isEmpty && rig.engine.nextDeadlineNanos == nil)
    }

    // MARK: Limits

    @Test func `an attempt's time goes on over restarts`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let run = try Self.start(rig, [Self.call { $0.startToCloseMillis = 5_000 }])
        let token = try #require(rig.taken(1).first?.token)
        for _ in 1...2 {
            try Self.goDown(rig, millis: 1_500)
            _ = rig.hello(1, held: [token])
        }
        for _ in 1...4 {
            #expect(rig.state(run)?.steps[0].state == .running)
            rig.pass(millis: 499)
            rig.say(1)
        }
        rig.pass(millis: 4)
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
        #expect(try Self.stored(rig, run).failure?.type == "timeout")
    }

    @Test func `a result of an attempt whose time was over meanwhile is taken`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let run = try Self.start(rig, [Self.call { $0.startToCloseMillis = 5_000 }])
        let token = try #require(rig.taken(1).first?.token)
        try Self.goDown(rig, millis: 60_000)
        _ = rig.hello(1, held: [token])
        rig.pass(millis: 900)
        rig.say(1, results: [(token, "1")])
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `a step's time to begin goes on over restarts`() throws {
        let rig = RemoteRig()
        let run = try Self.start(rig, [Self.call { $0.scheduleToStartMillis = 30_000 }])
        rig.pass(millis: 5_000)
        try Self.goDown(rig, millis: 10_000)
        rig.pass(millis: 14_999)
        #expect(rig.state(run)?.steps[0].state == .scheduled)
        rig.pass(millis: 1)
        #expect(try Self.stored(rig, run).failure?.type == "no_agent")
    }

    @Test func `instances have time to come back after a long absence of the server`() throws {
        let rig = RemoteRig()
        let run = try Self.start(rig, [Self.call { $0.scheduleToStartMillis = 30_000 }])
        try Self.goDown(rig, millis: 60_000)
        rig.pass(millis: rig.engine.limits.returnMillis - 1)
        _ = rig.hello(1)
        #expect(rig.taken(1).count == 1)
        #expect(rig.state(run)?.steps[0].state == .running)
    }

    @Test func `what is told to an agent does not pass the end of its run`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        _ = try Self.start(rig, [Self.call { _ in }], timeoutMillis: 3_000)
        let deadline = try #require(rig.taken(1).first?.deadlineNanos)
        #expect(deadline == rig.now.monotonicNanos + 3_000_000_000)
    }

    // MARK: Ballots

    /// One waits for its first attempt's ballot when the server stops, the other for its second attempt.
    @Test(arguments: [false, true])
    func `all former voters are asked again once they have had time to come back`(
        isRetried: Bool
    ) throws {
        let rig = RemoteRig()
        for port in 1...3 { _ = rig.hello(port, id: "judge/\(port)", type: "judge") }
        var vote = ExplainTests.bare(
            "vote",
            .ballot(BallotSpec(voters: [.init(agentType: "judge", isEveryInstance: true)])))
        vote.operation = "work"
        vote.retry = RetryPolicy(maxAttempts: 2, initialMillis: 100)
        let run = try Self.start(rig, [vote])
        for port in 1...3 {
            let asked = rig.taken(port)
            #expect(asked.count == 1)
            if isRetried { rig.fail(port, asked.map(\.token)) }
        }
        try rig.restart()
        if isRetried { rig.pass(millis: 200) }
        for port in 1...3 {
            _ = rig.hello(port, id: "judge/\(port)", type: "judge")
            let cause = rig.engine.runIndex[run].flatMap { rig.engine.causes(of: $0).first }
            #expect(cause?.kind == .noAgent && cause?.waitsFor == ["judge"])
            rig.pass(millis: 300)
            for back in 1...port { rig.say(back) }
            #expect(rig.taken(port).isEmpty)
        }
        for _ in 1...20 where rig.engine.ballots.ofSteps.isEmpty {
            rig.pass(millis: 500)
            for port in 1...3 { rig.say(port) }
        }
        for port in 1...3 {
            let asked = try #require(rig.taken(port).first)
            rig.say(port, results: [(asked.token, "1")])
        }
        let output = try #require(try Self.stored(rig, run).steps[0].output)
        #expect(rig.payloads[output]?.text.contains(#""voters":3"#) == true)
    }
}
