import Coordination
import Testing

/// Steps that others work for: lists, children, events.
@Suite struct PartsTests {
    static func list(concurrency: Int = 2, width: Int = 10) -> StepDefinition {
        var step = StepDefinition(
            id: "l", agentType: "t", operation: "o", retry: RetryPolicy(maxAttempts: 1))
        step.kind = .fanOut(FanOutSpec(width: width, concurrency: concurrency))
        return step
    }

    static func elements(_ count: UInt64) -> [PayloadID] {
        (0..<count).map { PayloadID(serial: Serial(rawValue: 500 + $0)) }
    }

    static func child(_ policy: ParentClosePolicy = .terminate) -> StepDefinition {
        var step = StepDefinition(
            id: "c", agentType: "", operation: "", retry: RetryPolicy(maxAttempts: 1))
        step.kind = .child(ChildSpec(workflow: "other", onParentClose: policy))
        return step
    }

    static let childID = RunID(serial: Serial(rawValue: 44))

    static func summary(_ status: RunStatus) -> RunSummary {
        RunSummary(
            id: childID, namespace: .default, workflowID: "x", definition: "other", version: "1",
            status: status, startedMillis: 0,
            failure: status == .failed ? MachineHarness.boom : nil, steps: [], lastSequence: 1)
    }

    @Test func `no more elements work at once than allowed, and all settle`() throws {
        var run = try MachineHarness([Self.list()])
        _ = run.actions()
        run.machine.listed(0, Self.elements(4), bytes: 4, at: run.now, into: &run.out)
        run.expect(actions: [.schedule(step: 1), .schedule(step: 2)])
        run.fail(1)
        run.expect(actions: [.schedule(step: 3)], "a failure does not stop the others")
        run.complete(2)
        run.expect(actions: [.schedule(step: 4)])
        run.complete(4)
        run.complete(3)
        run.expect(actions: [.collect(step: 0)])
        guard case .settled(let outcomes) = run.machine.state.outcomesRecipe(of: 0) else {
            Issue.record("no list of outcomes")
            return
        }
        #expect(outcomes.map { $0.output == nil } == [true, false, false, false])
        run.machine.collected(0, .none, bytes: 5, at: run.now, into: &run.out)
        #expect(run.machine.isFinishing)
        #expect(run.machine.state.steps.count == 1, "elements leave the state")
    }

    @Test func `an empty list is done at once and a long one refused`() throws {
        var empty = try MachineHarness([Self.list()])
        empty.machine.listed(0, [], bytes: 0, at: empty.now, into: &empty.out)
        empty.expect(last: .collect(step: 0))
        var long = try MachineHarness([Self.list(width: 3)])
        long.machine.listed(0, Self.elements(4), bytes: 4, at: long.now, into: &long.out)
        #expect(long.machine.state.failure?.type == "list_too_long")
    }

    @Test func `a list survives a restart, element by element`() throws {
        var run = try MachineHarness([Self.list()])
        run.machine.listed(0, Self.elements(3), bytes: 3, at: run.now, into: &run.out)
        run.complete(1)
        let token = run.dispatch(2)
        let state = run.machine.state
        let read = try RunCodec.decode(
            RunCodec.encode(state), CodecTests.columns(state), plan: state.plan)
        #expect(read.steps == state.steps)
        run.machine = RunMachine(read)
        run.out = RunOutput()
        run.machine.recovered(at: run.now, into: &run.out)
        run.expect(actions: [.schedule(step: 2), .schedule(step: 3)])
        let isTaken = run.complete(2, token)
        #expect(!isTaken, "the old attempt is stale")
        run.complete(2)
        run.complete(3)
        run.expect(last: .collect(step: 0))
    }

    @Test func `a stopped list leaves nothing running`() throws {
        var run = try MachineHarness([Self.list()])
        run.machine.listed(0, Self.elements(3), bytes: 3, at: run.now, into: &run.out)
        _ = run.dispatch(1)
        run.machine.cancelRequested(reason: "", at: run.now, into: &run.out)
        #expect(run.machine.state.status == .cancelled)
        #expect(run.states == [.cancelled, .cancelled, .cancelled, .skipped])
    }

    @Test func `a list of a run that is tried again keeps what its elements completed`() throws {
        var run = try MachineHarness([Self.list()])
        run.machine.listed(0, Self.elements(5), bytes: 5, at: run.now, into: &run.out)
        run.complete(1)
        run.fail(2)
        _ = run.dispatch(3)
        run.complete(4)
        let kept = run.machine.state.steps[4]
        run.machine.terminated(reason: "", at: run.now, into: &run.out)
        let state = run.machine.state
        run.machine = RunMachine(
            try RunCodec.decode(
                RunCodec.encode(state), CodecTests.columns(state), plan: state.plan))
        _ = run.actions()
        run.machine.retried(reason: "", at: run.now, into: &run.out)
        run.expect(actions: [.schedule(step: 2), .schedule(step: 3)])
        #expect(
            run.states == [.waiting, .completed, .scheduled, .scheduled, .completed, .pending])
        #expect(run.machine.state.steps[4] == kept)
        #expect(run.machine.state.steps.map(\.attempt) == [1, 1, 2, 2, 1, 1])
        #expect((1...5).map { run.machine.state.name(of: $0) } == (0..<5).map { "l[\($0)]" })
        for item in [2, 3, 5] { run.complete(item) }
        run.expect(last: .collect(step: 0))
        guard case .settled(let outcomes) = run.machine.state.outcomesRecipe(of: 0) else {
            Issue.record("no list of outcomes")
            return
        }
        #expect(outcomes.map { $0.output == nil } == [false, false, false, false, false])
    }

    @Test func `a list whose sources are tried again is made again`() throws {
        var first = RunMachineTests.step("a", isRequired: false, retry: RetryPolicy(maxAttempts: 1))
        first.isRequired = false
        var list = Self.list()
        list.dependsOn = ["a"]
        var run = try MachineHarness([first, list])
        run.fail(0)
        run.machine.listed(1, Self.elements(2), bytes: 2, at: run.now, into: &run.out)
        run.complete(2)
        run.machine.terminated(reason: "", at: run.now, into: &run.out)
        run.machine.retried(reason: "", at: run.now, into: &run.out)
        #expect(run.states == [.scheduled, .pending])
    }

    @Test func `a list that is requeued has its newest elements only`() throws {
        var list = Self.list()
        list.onExhausted = .deadLetter
        var run = try MachineHarness([list])
        run.machine.listed(0, Self.elements(1), bytes: 1, at: run.now, into: &run.out)
        run.complete(1)
        run.machine.collectionFailed(0, MachineHarness.boom, at: run.now, into: &run.out)
        run.machine.requeued(0, at: run.now, into: &run.out)
        run.machine.listed(0, Self.elements(2), bytes: 2, at: run.now, into: &run.out)
        run.complete(2)
        run.complete(3)
        guard case .settled(let outcomes) = run.machine.state.outcomesRecipe(of: 0) else {
            Issue.record("no list of outcomes")
            return
        }
        #expect(outcomes.count == 2)
    }

    @Test func `a list that had only to be put together is`() throws {
        var run = try MachineHarness([Self.list()])
        run.machine.listed(0, Self.elements(2), bytes: 2, at: run.now, into: &run.out)
        run.complete(1)
        run.complete(2)
        run.machine.terminated(reason: "", at: run.now, into: &run.out)
        _ = run.actions()
        run.machine.retried(reason: "", at: run.now, into: &run.out)
        run.expect(actions: [.collect(step: 0)])
        #expect(run.machine.isCollecting(0))
    }

    @Test func `a child's result is copied, then it completes its step`() throws {
        var run = try MachineHarness([Self.child()])
        run.machine.childStarted(0, Self.childID, at: run.now, into: &run.out)
        #expect(run.states == [.waiting])
        _ = run.actions()
        let result = PayloadID(serial: Serial(rawValue: 7))
        run.machine.childEnded(
            0, Self.summary(.completed), result: result, at: run.now, random: 0, into: &run.out)
        run.expect(actions: [.collect(step: 0)])
        run.machine.collected(0, .none, bytes: 2, at: run.now, into: &run.out)
        #expect(run.machine.isFinishing)
    }

    @Test func `a failed child fails its step, and one of long ago does nothing`() throws {
        var run = try MachineHarness([Self.child()])
        run.machine.childStarted(0, Self.childID, at: run.now, into: &run.out)
        var other = Self.summary(.failed)
        other.id = RunID(serial: Serial(rawValue: 45))
        run.machine.childEnded(
            0, other, result: nil, at: run.now, random: 0, into: &run.out)
        #expect(run.states == [.waiting])
        run.machine.childEnded(
            0, Self.summary(.failed), result: nil, at: run.now, random: 0, into: &run.out)
        #expect(run.machine.state.failure?.type == "child_failed")
    }

    @Test(arguments: [
        (RunStatus.failed, "child_failed"), (.timedOut, "child_timed_out"),
        (.cancelled, "child_cancelled"), (.terminated, "child_terminated"),
    ])
    func `how a child ended is the type of its step's failure`(
        status: RunStatus, type: String
    ) throws {
        var run = try MachineHarness([Self.child()])
        run.machine.childStarted(0, Self.childID, at: run.now, into: &run.out)
        run.machine.childEnded(
            0, Self.summary(status), result: nil, at: run.now, random: 0, into: &run.out)
        #expect(run.machine.state.failure?.type == type)
        #expect(run.machine.state.failure?.message.contains("ended as \(status.word)") == true)
    }

    @Test(arguments: ParentClosePolicy.allCases)
    func `a parent that ends says what becomes of its child`(policy: ParentClosePolicy) throws {
        var run = try MachineHarness([Self.child(policy)])
        run.machine.childStarted(0, Self.childID, at: run.now, into: &run.out)
        _ = run.actions()
        run.machine.terminated(reason: "", at: run.now, into: &run.out)
        run.expect(
            actions: [.closeChild(Self.childID, policy), .stop(step: 0), .closed])
    }

    @Test func `events reach those who wait in order, and definitions with such a trigger`() {
        var router = EventRouter()
        let first = EventRouter.Listener(run: 5, step: 1)
        let second = EventRouter.Listener(run: 2, step: 0)
        router.listen(first, to: "e", in: .default)
        router.listen(second, to: "e", in: .default)
        router.listen(second, to: "e", in: Namespace("other"))
        router.setTriggers(of: "d", ["e", "f"], in: .default)
        var receivers = router.receivers(of: "e", in: .default)
        #expect(receivers.listeners == [first, second])
        #expect(receivers.definitions == ["d"])
        router.stop(first, type: "e", in: .default)
        router.setTriggers(of: "d", ["f"], in: .default)
        receivers = router.receivers(of: "e", in: .default)
        #expect(receivers.listeners == [second])
        #expect(receivers.definitions == [])
        #expect(router.receivers(of: "f", in: .default).definitions == ["d"])
    }
}
