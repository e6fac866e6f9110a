import Coordination
import Testing

/// The time of all attempts together, and what a run does when it or its own is over.
@Suite struct StepTimeTests {
    static func child(_ millis: Int64?, _ policy: ParentClosePolicy = .terminate) -> StepDefinition
    {
        var step = PartsTests.child(policy)
        step.scheduleToCloseMillis = millis
        return step
    }

    /// A run of one step with a time of its own.
    static func run(_ step: StepDefinition, timeoutMillis: Int64) throws -> MachineHarness {
        var run = try MachineHarness([step])
        var definition = WorkflowDefinition(name: "d", version: "1", steps: [step])
        definition.runTimeoutMillis = timeoutMillis
        let id = PayloadID(serial: Serial(rawValue: 1))
        run.machine = RunMachine(
            RunState(
                id: RunID(serial: Serial(rawValue: 1)), namespace: .default, workflowID: "w",
                plan: try WorkflowPlan(definition), planID: id, input: id, inputBytes: 2,
                startedMillis: 1_000))
        run.out = RunOutput()
        run.machine.started(at: run.now, into: &run.out)
        return run
    }

    // MARK: Children

    @Test(arguments: ParentClosePolicy.allCases)
    func `a child that takes too long is closed and fails its step`(
        policy: ParentClosePolicy
    ) throws {
        var run = try MachineHarness([Self.child(500, policy)])
        _ = run.actions()
        run.machine.childStarted(0, PartsTests.childID, at: run.now, into: &run.out)
        run.expect(actions: [.armTimer(step: 0, atMillis: 1_500)])
        #expect(run.machine.state.summary.steps[0].dueMillis == 1_500)
        run.now = 1_500
        run.machine.timerFired(0, at: run.now, into: &run.out)
        run.expect(actions: [.closeChild(PartsTests.childID, policy), .closed])
        #expect(run.machine.state.failure?.type == "timeout")
        #expect(
            run.machine.state.failure?.message.contains("500 ms of its schedule_to_close") == true)
    }

    @Test func `a child that ends in time leaves no timer, and no result is thrown away`() throws {
        var run = try MachineHarness([Self.child(500)])
        run.machine.childStarted(0, PartsTests.childID, at: run.now, into: &run.out)
        _ = run.actions()
        let result = PayloadID(serial: Serial(rawValue: 7))
        run.machine.childEnded(
            0, PartsTests.summary(.completed), result: result, at: run.now, random: 0,
            into: &run.out)
        run.expect(actions: [.stop(step: 0), .collect(step: 0)])
        #expect(run.machine.state.summary.steps[0].dueMillis == 0)
        run.machine.timerFired(0, at: 1_500, into: &run.out)
        #expect(run.states == [.waiting])
        run.machine.collected(0, .none, bytes: 2, at: 1_501, into: &run.out)
        #expect(run.machine.isFinishing)
    }

    @Test func `a child's limit is armed again after a restart, also in runs stored before`() throws
    {
        var run = try MachineHarness([Self.child(500)])
        run.machine.childStarted(0, PartsTests.childID, at: run.now, into: &run.out)
        let state = run.machine.state
        run.machine = RunMachine(
            try RunCodec.decode(
                RunCodec.encode(state), CodecTests.columns(state), plan: state.plan))
        run.out = RunOutput()
        run.machine.recovered(at: 9_000, into: &run.out)
        run.expect(actions: [.armTimer(step: 0, atMillis: 1_500)])
    }

    @Test func `a child that is overdue is tried no more, whatever its retry policy says`() throws {
        var step = Self.child(500)
        step.retry = RetryPolicy(maxAttempts: 5)
        step.onExhausted = .deadLetter
        var run = try MachineHarness([step])
        run.machine.childStarted(0, PartsTests.childID, at: run.now, into: &run.out)
        run.machine.timerFired(0, at: 1_500, into: &run.out)
        #expect(run.states == [.parked])
        run.machine.requeued(0, at: 2_000, into: &run.out)
        _ = run.actions()
        run.machine.childStarted(0, PartsTests.childID, at: 2_000, into: &run.out)
        run.expect(actions: [.armTimer(step: 0, atMillis: 2_500)])
    }

    // MARK: Limits

    @Test func `a timeout names the limit that was hit, and what failed before`() throws {
        var step = RunMachineTests.step("a", retry: RetryPolicy(maxAttempts: 9, initialMillis: 10))
        step.scheduleToCloseMillis = 700
        var run = try MachineHarness([step])
        var token = run.dispatch(0)
        run.machine.stepTimedOut(0, token: token, at: 1_500, random: 0, into: &run.out)
        #expect(run.machine.state.steps[0].failure?.message == "no result within 30000 ms")
        run.machine.timerFired(0, at: 1_510, into: &run.out)
        #expect(run.machine.lateness(of: 0, at: 1_699) == nil)
        #expect(run.machine.lateness(of: 0, at: 1_700)?.retryable == false)
        token = run.dispatch(0)
        run.machine.stepTimedOut(0, token: token, at: 1_700, random: 0, into: &run.out)
        #expect(
            run.machine.state.steps[0].failure?.message
                == "the 700 ms of its schedule_to_close are over; before, timeout: "
                + "no result within 30000 ms")
    }

    @Test func `a retry that the run does not live to see fails at once for its real reason`()
        throws
    {
        let later = StepFailure(
            type: "rate_limited", message: "m", retryable: true, retryAfterMillis: 86_400_000)
        var run = try Self.run(RunMachineTests.step("a"), timeoutMillis: 60_000)
        run.fail(0, later)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.failure?.type == "rate_limited")
        var longer = try Self.run(RunMachineTests.step("a"), timeoutMillis: 90_000_000)
        longer.fail(0, later)
        #expect(longer.states == [.waitingRetry])
    }

    @Test func `a run whose steps ended in time completes, however late its result is made`() throws
    {
        var run = try Self.run(RunMachineTests.step("a"), timeoutMillis: 1_000)
        run.complete(0)
        #expect(run.machine.isFinishing)
        run.machine.runTimedOut(at: 2_000, into: &run.out)
        run.machine.resultPrepared(.none, newBytes: 2, at: 2_001, into: &run.out)
        #expect(run.machine.state.status == .completed)
    }

    @Test func `what is undone may take longer than the run`() throws {
        var step = RunOperationTests.undoable("a")
        step.compensation?.retry = RetryPolicy(maxAttempts: 2, initialMillis: 60_000)
        var run = try Self.run(step, timeoutMillis: 50_000)
        run.complete(0)
        run.machine.resultPreparationFailed(
            MachineHarness.boom, at: run.now, into: &run.out)
        run.fail(1)
        #expect(run.states == [.completed, .waitingRetry])
        #expect(run.machine.state.status == .compensating)
    }

    @Test func `a run that is terminated while it is undone says so`() throws {
        var run = try MachineHarness([
            RunOperationTests.undoable("a"), RunOperationTests.once("b", ["a"]),
        ])
        run.complete(0)
        run.machine.cancelRequested(reason: "", at: run.now, into: &run.out)
        #expect(run.machine.state.summary.compensation == .running)
        run.machine.terminated(reason: "", at: run.now, into: &run.out)
        #expect(run.machine.state.status == .terminated)
        #expect(run.machine.state.summary.compensation == .failed)
        #expect(run.machine.state.extra.value.closing == nil)
        #expect(run.machine.refusalOfRetry == .undone)
    }
}
