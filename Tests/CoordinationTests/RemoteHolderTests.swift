import Coordination
import Testing

/// Steps in remote hands: what a run's machine makes of restarts, lost hand-overs and heartbeats.
@Suite struct RemoteHolderTests {
    private func restarted(_ harness: MachineHarness) -> MachineHarness {
        var after = harness
        after.machine = RunMachine(harness.machine.state)
        after.out = RunOutput()
        after.machine.recovered(at: after.now, into: &after.out)
        return after
    }

    @Test func `a restart waits for the holder of a remote attempt`() throws {
        var harness = try MachineHarness([RunMachineTests.step("a")])
        let token = harness.dispatch(0, leaseMillis: 5_000)
        var after = restarted(harness)
        #expect(after.actions() == [.awaitHolder(step: 0)])
        #expect(after.out.events.isEmpty)
        let isTaken = after.complete(0, token)
        #expect(isTaken)
        #expect(after.states == [.completed])
        #expect(after.machine.state.steps[0].attempt == 1)
    }

    @Test func `a restart begins an attempt of this process anew`() throws {
        var harness = try MachineHarness([RunMachineTests.step("a")])
        _ = harness.dispatch(0)
        var after = restarted(harness)
        #expect(after.actions() == [.schedule(step: 0)])
        #expect(after.machine.state.steps[0].attempt == 2)
        #expect(after.machine.state.steps[0].losses == 1)
    }

    @Test func `a holder that does not come back is a loss, and its token is stale`() throws {
        var harness = try MachineHarness([RunMachineTests.step("a")])
        let token = harness.dispatch(0, leaseMillis: 5_000)
        var after = restarted(harness)
        _ = after.actions()
        after.machine.holderLost(0, token: token, at: after.now, into: &after.out)
        #expect(after.actions() == [.schedule(step: 0)])
        #expect(after.machine.state.steps[0].losses == 1)
        let isTaken = after.complete(0, token)
        #expect(!isTaken)
        #expect(after.states == [.scheduled])
    }

    @Test func `a failed hand-over is a new attempt, but no loss`() throws {
        var harness = try MachineHarness([RunMachineTests.step("a")])
        let token = harness.dispatch(0, leaseMillis: 5_000)
        _ = harness.actions()
        harness.machine.handoverFailed(0, token: token, at: harness.now, into: &harness.out)
        #expect(harness.actions() == [.schedule(step: 0)])
        #expect(harness.machine.state.steps[0].losses == 0)
        #expect(harness.machine.state.steps[0].attempt == 2)
        #expect(harness.machine.state.steps[0].holder == nil)
    }

    @Test func `a heartbeat makes no event, outlives a lost attempt and ends with the step`() throws
    {
        var harness = try MachineHarness([RunMachineTests.step("a")])
        let first = harness.dispatch(0, leaseMillis: 5_000)
        let events = harness.out.events.count
        let details = Payload(bytes: Array("7".utf8))
        harness.machine.heartbeatReceived(0, token: first, details)
        #expect(harness.out.events.count == events)
        harness.machine.agentLost(0, token: first, at: harness.now, into: &harness.out)
        #expect(harness.machine.state.steps[0].heartbeat == details)
        let stale = Payload(bytes: Array("9".utf8))
        harness.machine.heartbeatReceived(0, token: first, stale)
        #expect(harness.machine.state.steps[0].heartbeat == details)
        harness.complete(0)
        #expect(harness.machine.state.steps[0].heartbeat == nil)
    }

    @Test func `a restart does not begin again what the loss of another step has stopped`() throws {
        var saved = RunMachineTests.step("saved")
        saved.compensation = StepWork(agentType: "t", operation: "undo", inputTemplate: nil)
        var run = try MachineHarness([
            saved, RunMachineTests.step("fatal"), RunMachineTests.step("bystander"),
        ])
        run.complete(0)
        while run.machine.state.steps[1].losses < RunLimits.defaults.maxLosses - 1 {
            _ = run.dispatch(1)
            run = restarted(run)
        }
        _ = run.dispatch(1)
        _ = run.dispatch(2)
        run = restarted(run)
        #expect(run.states[1] == .failed)
        #expect(run.states[2] == .cancelled)
        #expect(run.machine.state.status == .compensating)
    }
}
