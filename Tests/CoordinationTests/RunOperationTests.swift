import Coordination
import Testing

/// Ends, undoing, pauses, retries, stand-ins, parked steps.
@Suite struct RunOperationTests {
    static func undoable(_ id: String, _ dependsOn: [String] = []) -> StepDefinition {
        var step = RunMachineTests.step(id, dependsOn)
        step.compensation = StepWork(
            agentType: "t", operation: "undo", retry: RetryPolicy(maxAttempts: 1))
        return step
    }

    static func once(_ id: String, _ dependsOn: [String] = []) -> StepDefinition {
        RunMachineTests.step(id, dependsOn, retry: RetryPolicy(maxAttempts: 1))
    }

    // MARK: Undoing

    @Test func `a failed run undoes its completed steps, newest first, then fails`() throws {
        var run = try MachineHarness([
            Self.undoable("a"), Self.undoable("b"), Self.once("c", ["a", "b"]),
        ])
        run.complete(1)
        run.complete(0)
        _ = run.actions()
        run.fail(2)
        #expect(run.machine.state.status == .compensating)
        run.expect(actions: [.schedule(step: 3)], "a ended last, so it is undone first")
        run.complete(3)
        run.expect(actions: [.schedule(step: 4)])
        run.complete(4)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.summary.compensation == .compensated)
        run.expect(actions: [.closed])
        let names = run.machine.state.summary.steps.map(\.id)
        #expect(names == ["a", "b", "c", "a.compensation", "b.compensation"])
    }

    @Test func `a compensation that fails is noted and the others are tried`() throws {
        var run = try MachineHarness([
            Self.undoable("a"), Self.undoable("b"), Self.once("c", ["a", "b"]),
        ])
        run.complete(0)
        run.complete(1)
        run.fail(2)
        run.fail(4)
        #expect(run.machine.state.status == .compensating)
        run.complete(3)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.summary.compensation == .failed)
    }

    @Test func `cancelling and running out of time undo, terminating does not`() throws {
        for end in ["cancel", "time", "terminate"] {
            var run = try MachineHarness([Self.undoable("a"), Self.once("b", ["a"])])
            run.complete(0)
            switch end {
            case "cancel":
                run.machine.cancelRequested(reason: "r", at: run.now, into: &run.out)
            case "time": run.machine.runTimedOut(at: run.now, into: &run.out)
            default: run.machine.terminated(reason: "r", at: run.now, into: &run.out)
            }
            if end == "terminate" {
                #expect(run.machine.state.status == .terminated)
                continue
            }
            #expect(run.machine.state.status == .compensating, "\(end)")
            run.complete(2)
            #expect(run.machine.state.status == (end == "cancel" ? .cancelled : .timedOut))
        }
    }

    @Test func `a compensation that was lost in a crash is made again`() throws {
        var run = try MachineHarness([Self.undoable("a"), Self.once("b", ["a"])])
        run.complete(0)
        run.fail(1)
        _ = run.dispatch(2)
        run.machine = RunMachine(run.machine.state)
        run.out = RunOutput()
        run.machine.recovered(at: run.now, into: &run.out)
        run.expect(actions: [.schedule(step: 2)])
        run.complete(2)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.summary.compensation == .compensated)
    }

    // MARK: Stand-ins

    @Test func `a fallback takes the step's place, under the next attempt`() throws {
        var step = Self.once("a")
        step.fallback = StepWork(agentType: "spare", operation: "o")
        var run = try MachineHarness([step, Self.once("b", ["a"])])
        run.fail(0)
        #expect(run.machine.state.work(of: 0).definition.agentType == "spare")
        #expect(run.machine.state.steps[0].attempt == 2)
        run.complete(0)
        #expect(run.states == [.completed, .scheduled])
    }

    @Test func `a step whose fallback fails too has failed`() throws {
        var step = Self.once("a")
        step.fallback = StepWork(
            agentType: "spare", operation: "o", retry: RetryPolicy(maxAttempts: 2))
        var run = try MachineHarness([step])
        run.fail(0)
        run.fail(0)
        run.now = 10_000
        run.machine.timerFired(0, at: run.now, into: &run.out)
        run.fail(0)
        #expect(run.machine.state.status == .failed)
    }

    // MARK: Parked steps

    @Test func `a dead letter waits while the other branches go on, and can be requeued`() throws {
        var step = Self.once("a")
        step.onExhausted = .deadLetter
        var run = try MachineHarness([step, Self.once("b"), Self.once("c", ["a"])])
        run.fail(0)
        #expect(run.states == [.parked, .scheduled, .pending])
        run.complete(1)
        #expect(run.machine.state.status == .running)
        run.machine.requeued(0, at: run.now, into: &run.out)
        run.complete(0)
        run.complete(2)
        #expect(run.machine.isFinishing)
    }

    @Test func `a requeued step begins with its own agent, not with its fallback`() throws {
        var step = Self.once("a")
        step.fallback = StepWork(
            agentType: "spare", operation: "o", retry: RetryPolicy(maxAttempts: 1))
        step.onExhausted = .deadLetter
        var run = try MachineHarness([step])
        run.fail(0)
        #expect(run.machine.state.work(of: 0).definition.agentType == "spare")
        run.fail(0)
        #expect(run.states == [.parked])
        run.machine.requeued(0, at: run.now, into: &run.out)
        #expect(run.states == [.scheduled])
        #expect(run.machine.state.work(of: 0).definition.agentType == step.agentType)
    }

    @Test func `a wait that is requeued waits again`() throws {
        var step = WaitingStepTests.wait("w", signal: "go", millis: 500)
        step.onExhausted = .deadLetter
        var run = try MachineHarness([step])
        run.now = 1_500
        run.machine.timerFired(0, at: run.now, into: &run.out)
        #expect(run.states == [.parked])
        run.machine.requeued(0, at: run.now, into: &run.out)
        #expect(run.states == [.waiting])
        run.expect(last: .armTimer(step: 0, atMillis: 2_000))
    }

    @Test func `a discarded dead letter fails its run`() throws {
        var step = Self.once("a")
        step.onExhausted = .deadLetter
        var run = try MachineHarness([step])
        run.fail(0)
        run.machine.discarded(0, at: run.now, into: &run.out)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.failure?.type == "boom")
    }

    @Test func `a step can pause its run, and tries again when it is resumed`() throws {
        var step = Self.once("a")
        step.onExhausted = .pause
        var run = try MachineHarness([step])
        run.fail(0)
        #expect(run.machine.state.status == .paused)
        run.machine.resumed(reason: "mended", at: run.now, into: &run.out)
        #expect(run.states == [.scheduled])
        run.complete(0)
        #expect(run.machine.isFinishing)
    }

    // MARK: Pausing

    @Test func `a paused run starts nothing, takes results, and goes on when resumed`() throws {
        var run = try MachineHarness([
            Self.once("a"), Self.once("b"), Self.once("c", ["a"]), Self.once("d", ["b"]),
        ])
        let token = run.dispatch(0)
        _ = run.actions()
        run.machine.paused(reason: "look", at: run.now, into: &run.out)
        run.expect(actions: [.hold(step: 1)])
        let isTaken = run.complete(0, token)
        #expect(isTaken)
        #expect(run.states == [.completed, .scheduled, .scheduled, .pending])
        run.expect(actions: [], "c is ready, but not placed")
        run.machine.resumed(reason: "", at: run.now, into: &run.out)
        run.expect(actions: [.schedule(step: 1), .schedule(step: 2)])
    }

    @Test func `a run whose last step ended while it was paused completes when resumed`() throws {
        var run = try MachineHarness([Self.once("a")])
        let token = run.dispatch(0)
        run.machine.paused(reason: "", at: run.now, into: &run.out)
        _ = run.complete(0, token)
        #expect(!run.machine.isFinishing)
        _ = run.actions()
        run.machine.resumed(reason: "", at: run.now, into: &run.out)
        run.expect(actions: [.prepareResult])
    }

    // MARK: Trying again

    @Test func `a failed run goes on: failed steps again, completed results kept`() throws {
        var run = try MachineHarness([
            Self.once("a"), Self.once("b", ["a"]), Self.once("c", ["b"]),
        ])
        run.complete(0)
        let output = run.machine.state.steps[0].output
        run.fail(1)
        #expect(run.states == [.completed, .failed, .skipped])
        _ = run.actions()
        run.machine.retried(reason: "again", at: run.now, into: &run.out)
        #expect(run.states == [.completed, .scheduled, .pending])
        #expect(run.machine.state.steps[0].output == output)
        #expect(run.machine.state.steps[1].attempt == 2, "no attempt is used twice")
        run.expect(actions: [.schedule(step: 1)])
        run.complete(1)
        run.complete(2)
        #expect(run.machine.isFinishing)
    }

    @Test func `attempts of a step that waits again are not forgotten in the store`() throws {
        var run = try MachineHarness([Self.once("a"), Self.once("b", ["a"])])
        run.complete(0)
        _ = run.dispatch(1)
        run.machine.terminated(reason: "", at: run.now, into: &run.out)
        run.machine.retried(reason: "", at: run.now, into: &run.out)
        let state = run.machine.state
        let read = try RunCodec.decode(
            RunCodec.encode(state), CodecTests.columns(state), plan: state.plan)
        #expect(read.steps == state.steps)
        #expect(read.steps[1].attempt == 2)
    }

    @Test func `open, completed and undone runs are not tried again`() throws {
        var run = try MachineHarness([Self.undoable("a"), Self.once("b", ["a"])])
        #expect(run.machine.refusalOfRetry == .open)
        run.complete(0)
        run.fail(1)
        run.complete(2)
        #expect(run.machine.refusalOfRetry == .undone)
        var other = try MachineHarness([Self.once("a")])
        other.complete(0)
        other.machine.resultPrepared(.none, newBytes: 0, at: other.now, into: &other.out)
        #expect(other.machine.refusalOfRetry == .completed)
    }

    // MARK: Times

    @Test func `no attempt begins past schedule_to_close`() throws {
        var step = RunMachineTests.step("a")
        step.scheduleToCloseMillis = 1_500
        var run = try MachineHarness([step])
        #expect(run.machine.deadline(of: 0) == 2_500)
        run.fail(0)
        #expect(run.states == [.waitingRetry], "the next one is due at 2,000")
        run.now = 2_000
        run.machine.timerFired(0, at: run.now, into: &run.out)
        run.fail(0)
        #expect(run.machine.state.status == .failed, "the next one would be due at 4,000")
    }

    @Test func `silence past the heartbeat time is a failure that is tried again`() throws {
        var run = try MachineHarness([RunMachineTests.step("a")])
        let token = run.dispatch(0)
        run.machine.stepTimedOut(
            0, token: token, isSilence: true, at: run.now, random: 0, into: &run.out)
        #expect(run.states == [.waitingRetry])
        let failure = try #require(run.machine.state.steps[0].failure)
        #expect(failure.type == "heartbeat_timeout")
        let told = HistoryEventKind.stepTimedOut(
            step: "a", attempt: 1, failure: failure, willRetry: true)
        #expect(run.out.events.contains { $0.kind == told })
    }
}
