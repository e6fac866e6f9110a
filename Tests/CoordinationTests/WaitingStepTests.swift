import Coordination
import Testing

/// Steps that no agent works on: timers, signals, events, decisions.
@Suite struct WaitingStepTests {
    static func wait(
        _ id: String, signal: String = "", eventType: String = "", millis: Int64 = 0,
        _ dependsOn: [String] = [], isRequired: Bool = true
    ) -> StepDefinition {
        var step = StepDefinition(
            id: id, agentType: "", operation: "", dependsOn: dependsOn, isRequired: isRequired)
        step.kind = .wait(WaitSpec(signal: signal, eventType: eventType, millis: millis))
        return step
    }

    static func approval(
        assignees: [String] = [], millis: Int64 = 0, byDefault: ApprovalDecision? = nil
    ) -> StepDefinition {
        var step = StepDefinition(id: "ask", agentType: "", operation: "")
        step.kind = .approval(
            ApprovalSpec(assignees: assignees, millis: millis, defaultDecision: byDefault))
        return step
    }

    static let message = PayloadID(serial: Serial(rawValue: 900))

    @Test func `a timer completes its step when its time has come, with null`() throws {
        var run = try MachineHarness([
            Self.wait("w", millis: 500), RunMachineTests.step("a", ["w"]),
        ])
        run.expect(actions: [.armTimer(step: 0, atMillis: 1_500)])
        #expect(run.states == [.waiting, .pending])
        run.now = 1_500
        run.machine.timerFired(0, at: run.now, into: &run.out)
        #expect(run.states == [.completed, .scheduled])
        #expect(run.machine.state.steps[0].output == nil)
        run.expect(actions: [.schedule(step: 1)])
    }

    @Test func `a signal ends the wait for it and is its output`() throws {
        var run = try MachineHarness([Self.wait("w", signal: "go", millis: 500)])
        _ = run.actions()
        run.machine.signalled("stay", Self.message, bytes: 1, at: run.now, into: &run.out)
        #expect(run.states == [.waiting])
        run.machine.signalled("go", Self.message, bytes: 1, at: run.now, into: &run.out)
        #expect(run.states == [.completed])
        #expect(run.machine.state.steps[0].output == Self.message)
        run.expect(actions: [.stop(step: 0), .prepareResult])
    }

    @Test func `signals that come before their wait are kept in order, one for each wait`() throws {
        var run = try MachineHarness([
            RunMachineTests.step("a"), Self.wait("w1", signal: "go", ["a"]),
            Self.wait("w2", signal: "go", ["w1"]), Self.wait("w3", signal: "go", ["w2"]),
        ])
        for number: UInt64 in 1...2 {
            let id = PayloadID(serial: Serial(rawValue: number))
            run.machine.signalled("go", id, bytes: 1, at: run.now, into: &run.out)
        }
        run.complete(0)
        #expect(run.states == [.completed, .completed, .completed, .waiting])
        let outputs = run.machine.state.steps[1...2].map { $0.output?.serial.rawValue }
        #expect(outputs == [1, 2])
        let received = run.out.events.count {
            if case .signalReceived = $0.kind { true } else { false }
        }
        #expect(received == 2, "every accepted signal is in the history")
    }

    @Test func `kept signals are bounded, and a closed run takes none`() throws {
        var limits = RunLimits()
        limits.maxKeptSignals = 2
        var run = try MachineHarness([RunMachineTests.step("a")], limits: limits)
        for _ in 1...2 {
            #expect(run.machine.refusal(ofSignal: "s", bytes: 1) == nil)
            run.machine.signalled("s", Self.message, bytes: 1, at: run.now, into: &run.out)
        }
        #expect(run.machine.refusal(ofSignal: "s", bytes: 1) == .tooMany(2))
        run.machine.terminated(reason: "", at: run.now, into: &run.out)
        #expect(run.machine.refusal(ofSignal: "s", bytes: 1) == .ended)
    }

    @Test func `the signal that a step waits for is taken however many others are kept`() throws {
        var limits = RunLimits()
        limits.maxKeptSignals = 2
        var run = try MachineHarness(
            [Self.wait("w", signal: "go"), Self.wait("v", signal: "other", ["w"])], limits: limits)
        for name in ["other", "other"] {
            run.machine.signalled(name, Self.message, bytes: 1, at: run.now, into: &run.out)
        }
        #expect(run.machine.refusal(ofSignal: "other", bytes: 1) == .tooMany(2))
        #expect(run.machine.refusal(ofSignal: "go", bytes: 1) == nil)
        run.machine.signalled("go", Self.message, bytes: 1, at: run.now, into: &run.out)
        #expect(run.states == [.completed, .completed])
    }

    @Test func `a wait for a signal that does not come fails`() throws {
        var run = try MachineHarness([Self.wait("w", signal: "go", millis: 500)])
        run.now = 1_500
        run.machine.timerFired(0, at: run.now, into: &run.out)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.failure?.type == "wait_timeout")
    }

    @Test func `an event ends the wait that listens for its type`() throws {
        var run = try MachineHarness([Self.wait("w", eventType: "order.made")])
        run.expect(actions: [.listen(step: 0, eventType: "order.made")])
        run.machine.eventReceived(0, Self.message, bytes: 1, at: run.now, into: &run.out)
        #expect(run.states == [.completed])
    }

    @Test func `an assignee approves, others are refused, and nobody twice`() throws {
        var run = try MachineHarness([Self.approval(assignees: ["ann", "bob"])])
        let eve = run.machine.refusal(ofDecisionOn: 0, by: "eve", bytes: 1)
        #expect(eve == .notAssigned(["ann", "bob"]))
        #expect(run.machine.refusal(ofDecisionOn: 0, by: "ann", bytes: 1) == nil)
        run.machine.decided(
            0, .approve, by: "ann", comment: "", payload: Self.message, bytes: 1, at: run.now,
            into: &run.out)
        #expect(run.states == [.completed])
        #expect(run.machine.state.steps[0].output == Self.message)
        let second = run.machine.refusal(ofDecisionOn: 0, by: "bob", bytes: 1)
        #expect(second == .notWaiting(.completed))
        #expect(run.machine.refusal(ofDecisionOn: nil, by: "bob", bytes: 1) == .noApproval)
    }

    @Test func `a rejection fails the step, and what was done before stays done`() throws {
        var ask = Self.approval()
        ask.dependsOn = ["a"]
        var run = try MachineHarness([RunMachineTests.step("a"), ask])
        run.complete(0)
        run.machine.decided(
            1, .reject, by: "ann", comment: "too dear", payload: Self.message, bytes: 1,
            at: run.now, into: &run.out)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.failure?.type == "rejected")
        #expect(run.states == [.completed, .failed])
    }

    @Test(arguments: [nil, ApprovalDecision.approve])
    func `when nobody decides in time the default counts`(byDefault: ApprovalDecision?) throws {
        var run = try MachineHarness([Self.approval(millis: 500, byDefault: byDefault)])
        _ = run.actions()
        run.now = 1_500
        run.machine.timerFired(0, at: run.now, into: &run.out)
        if byDefault == nil {
            #expect(run.machine.state.failure?.type == "approval_timeout")
        } else {
            run.expect(actions: [.decideByDefault(step: 0)])
            #expect(run.states == [.waiting], "until the engine has the default's payload")
        }
    }

    @Test func `after a restart every wait goes on where it stood`() throws {
        var run = try MachineHarness([
            Self.wait("timer", millis: 500), Self.wait("event", eventType: "e"),
            Self.wait("signal", signal: "s"),
        ])
        run.machine = RunMachine(run.machine.state)
        run.out = RunOutput()
        run.machine.recovered(at: 1_100, into: &run.out)
        run.expect(
            actions: [
                .armTimer(step: 0, atMillis: 1_500), .listen(step: 1, eventType: "e"),
            ])
    }
}
