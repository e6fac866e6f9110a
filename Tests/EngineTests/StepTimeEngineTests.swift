import Coordination
import Store
import Testing

@testable import Engine

/// Nothing begins when its time is over, and what holds a step does not hold it longer.
@Suite struct StepTimeEngineTests {
    private static func step(_ change: (inout StepDefinition) -> Void = { _ in }) -> StepDefinition
    {
        var step = StepDefinition(id: "s", agentType: "w", operation: "work")
        step.scheduleToCloseMillis = 700
        change(&step)
        return step
    }

    private static func set(_ rig: RemoteRig, _ mode: OperatingMode?) {
        let set = SetMode(
            namespace: .default, mode: mode, forMillis: nil, signature: Signature(actor: "ann"))
        rig.post(.breaker(.setMode(set), rig.ticket()))
    }

    /// Why a run that is on disk has failed.
    private static func failure(_ rig: RemoteRig, _ run: RunID) throws -> StepFailure? {
        try RunReader.state(of: try #require(rig.runs[run]), rig.plans).failure
    }

    @discardableResult
    private static func operate(
        _ rig: RemoteRig, _ run: RunID, _ operation: RunOperation, requestID: String = ""
    ) -> Answer? {
        let ticket = rig.ticket()
        rig.post(
            .operateRun(
                OperateRun(
                    run: .run(.default, run), operation: operation, requestID: requestID), ticket))
        return rig.answers[ticket.call]?.last
    }

    // MARK: Children

    @Test(arguments: [false, true])
    func `a child step ends with its whole time, over a restart too`(isRestarted: Bool) throws {
        let rig = RemoteRig()
        var wait = StepDefinition(id: "w", agentType: "", operation: "")
        wait.kind = .wait(WaitSpec(signal: "never"))
        let other = WorkflowDefinition(name: "other", version: "1", steps: [wait])
        rig.post(
            .putDefinition(PutDefinition(namespace: .default, definition: other), rig.ticket()))
        var child = StepDefinition(id: "c", agentType: "", operation: "")
        child.kind = .child(ChildSpec(workflow: "other"))
        child.scheduleToCloseMillis = 500
        let run = try #require(rig.start([child]))
        let started = try #require(rig.state(run)?.steps[0].extra.value.child)
        rig.pass(millis: 499)
        #expect(rig.state(run)?.steps[0].state == .waiting)
        if isRestarted { try rig.restart() }
        rig.pass(millis: 1)
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
        #expect(rig.runs[started]?.status == RunStatus.terminated.rawValue)
        #expect(try Self.failure(rig, run)?.message.contains("schedule_to_close") == true)
    }

    @Test func `a child step that ends in time leaves no timer behind`() throws {
        let rig = RemoteRig()
        var wait = StepDefinition(id: "w", agentType: "", operation: "")
        wait.kind = .wait(WaitSpec(signal: "go"))
        let other = WorkflowDefinition(name: "other", version: "1", steps: [wait])
        rig.post(
            .putDefinition(PutDefinition(namespace: .default, definition: other), rig.ticket()))
        var child = StepDefinition(id: "c", agentType: "", operation: "")
        child.kind = .child(ChildSpec(workflow: "other"))
        child.scheduleToCloseMillis = 500
        let run = try #require(rig.start([child]))
        let started = try #require(rig.state(run)?.steps[0].extra.value.child)
        Self.operate(
            rig, started, .signal(RunSignal(name: "go", payload: Payload(bytes: Array("1".utf8)))))
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
        #expect(rig.engine.nextDeadlineNanos == nil)
    }

    // MARK: Too late

    @Test func `a step whose time passed while its run was paused is not begun`() throws {
        let rig = RemoteRig()
        let run = try #require(rig.start([Self.step()]))
        Self.operate(rig, run, .pause(reason: ""))
        rig.pass(millis: 1_000)
        _ = rig.hello(1)
        Self.operate(rig, run, .resume(reason: ""))
        #expect(rig.taken(1).isEmpty)
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
        #expect(try Self.failure(rig, run)?.type == "timeout")
    }

    @Test func `a step whose time passed while the server was down is not begun`() throws {
        let rig = RemoteRig()
        let run = try #require(rig.start([Self.step()]))
        rig.now.wallMillis += 1_000
        try rig.restart()
        _ = rig.hello(1)
        #expect(rig.taken(1).isEmpty)
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
    }

    @Test func `a step whose time passed while its start was written is not handed over`() throws {
        let rig = RemoteRig()
        let run = try #require(rig.start([Self.step()]))
        rig.holdsCommits = true
        _ = rig.hello(1)
        rig.pass(millis: 800)
        rig.holdsCommits = false
        rig.commit()
        rig.settle()
        #expect(rig.taken(1).isEmpty)
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
        #expect(try Self.failure(rig, run)?.message.contains("schedule_to_close") == true)
    }

    @Test func `a result that comes too late says which limit was hit`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let run = try #require(rig.start([Self.step()]))
        let token = try #require(rig.taken(1).first?.token)
        rig.pass(millis: 700)
        #expect(rig.cancelled[1] == [token])
        let message = try #require(try Self.failure(rig, run)?.message)
        #expect(message.contains("700 ms of its schedule_to_close"), "\(message)")
    }

    // MARK: Held

    @Test(arguments: [true, false])
    func `a mode holds a step no longer than it may wait`(isWhole: Bool) throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        Self.set(rig, .degraded)
        let run = try #require(
            rig.start([
                Self.step {
                    $0.modes = ModeBehavior(degraded: .hold)
                    if !isWhole {
                        $0.scheduleToCloseMillis = nil
                        $0.scheduleToStartMillis = 600
                    }
                }
            ]))
        rig.pass(millis: 500)
        rig.say(1)
        #expect(rig.state(run)?.steps[0].state == .scheduled)
        rig.pass(millis: 200)
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
        let failure = try #require(try Self.failure(rig, run))
        #expect(failure.type == "held_by_mode")
        #expect(failure.message.contains(isWhole ? "schedule_to_close" : "schedule_to_start"))
        #expect(rig.engine.breakers.modes[.default]?.held.isEmpty == true)
        Self.set(rig, nil)
        #expect(rig.taken(1).isEmpty)
    }

    @Test func `the time that a mode held a step counts when it waits on for an agent`() throws {
        let rig = RemoteRig()
        Self.set(rig, .degraded)
        let run = try #require(
            rig.start([
                Self.step {
                    $0.modes = ModeBehavior(degraded: .hold)
                    $0.scheduleToCloseMillis = nil
                    $0.scheduleToStartMillis = 600
                }
            ]))
        rig.pass(millis: 500)
        Self.set(rig, .normal)
        rig.pass(millis: 99)
        #expect(rig.state(run)?.steps[0].state == .scheduled)
        rig.pass(millis: 1)
        let failure = try #require(try Self.failure(rig, run))
        #expect(failure.type == "no_agent")
        #expect(failure.message.contains("schedule_to_start of 600 ms"), "\(failure.message)")
    }

    // MARK: Results and requests

    @Test func `an assignment has one result, the first`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let run = try #require(
            rig.start([
                Self.step { $0.outputSchema = #"{"type":"object","required":["good"]}"# }
            ]))
        let token = try #require(rig.taken(1).first?.token)
        rig.say(1, results: [(token, #"{"good":1}"#), (token, #"{"bad":2}"#)])
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
        #expect(rig.accepted(1) == [token])
        #expect(rig.stale(1) == [token])
        let state = try RunReader.state(of: try #require(rig.runs[run]), rig.plans)
        let output = try #require(state.steps[0].output)
        #expect(rig.payloads[output]?.text == #"{"good":1}"#)
    }

    @Test func `a worker that connects anew hears there what became of its result`() throws {
        let rig = RemoteRig()
        let welcome = try #require(rig.hello(1))
        _ = try #require(
            rig.start([Self.step { $0.outputSchema = #"{"type":"object"}"# }]))
        let token = try #require(rig.taken(1).first?.token)
        var news = SessionNews()
        news.results = [
            AssignmentResult(
                token: token, outcome: .success(Payload(bytes: Array("{}".utf8))),
                startedNanos: 0, endedNanos: 1_000)
        ]
        let hello = SessionHello(
            registration: AgentRegistration(
                id: AgentID("w/1"), type: "w",
                operations: [
                    OperationDescriptor(name: "work", summary: "", isIdempotent: false)
                ], slots: 65_536), resume: welcome.session, held: [token], leaseMillis: 1_000,
            secret: 2)
        // All in one turn: the output is still being looked at.
        rig.post(
            .session(.heard(news, PortNumber(rawValue: 1))),
            .session(.hello(hello, PortNumber(rawValue: 2))),
            .session(.heard(news, PortNumber(rawValue: 2))))
        #expect(rig.accepted(2) == [token])
        #expect(rig.stale(2) == [])
    }

    @Test func `a requeue and a discard are different requests`() throws {
        let rig = RemoteRig()
        let run = try #require(
            rig.start([
                Self.step {
                    $0.scheduleToCloseMillis = nil
                    $0.startToCloseMillis = 100
                    $0.onExhausted = .deadLetter
                }
            ]))
        rig.pass(millis: 100)
        Self.operate(rig, run, .requeue(step: "s"), requestID: "x")
        rig.pass(millis: 100)
        #expect(rig.state(run)?.steps[0].state == .parked)
        let answer = Self.operate(rig, run, .discard(step: "s"), requestID: "x")
        #expect(answer?.rejection?.reason == "REQUEST_ID_REUSED")
        #expect(rig.state(run)?.steps[0].state == .parked)
        Self.operate(rig, run, .discard(step: "s"), requestID: "y")
        #expect(rig.runs[run]?.status == RunStatus.failed.rawValue)
    }

    @Test func `the explanation of a retry names the attempt that comes`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let run = try #require(
            rig.start([
                Self.step {
                    $0.scheduleToCloseMillis = nil
                    $0.startToCloseMillis = 100
                }
            ]))
        rig.pass(millis: 100)
        #expect(rig.state(run)?.steps[0].state == .waitingRetry)
        let index = try #require(rig.engine.runIndex[run])
        let message = try #require(rig.engine.causes(of: index).first?.message)
        #expect(message.hasPrefix("attempt 2 is due later"), "\(message)")
    }
}
