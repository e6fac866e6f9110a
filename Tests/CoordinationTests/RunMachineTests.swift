import Coordination
import Testing

/// A run machine with short calls for tests.
struct MachineHarness {
    var machine: RunMachine
    var out = RunOutput()
    var now: Int64 = 1_000
    var tokens: UInt64 = 0
    var payloads: UInt64 = 100

    init(_ steps: [StepDefinition], result: String? = nil, limits: RunLimits = .defaults) throws {
        let plan = try WorkflowPlan(
            WorkflowDefinition(name: "d", version: "1", steps: steps, resultTemplate: result))
        let id = PayloadID(serial: Serial(rawValue: 1))
        machine = RunMachine(
            RunState(
                id: RunID(serial: Serial(rawValue: 1)), namespace: .default, workflowID: "w",
                plan: plan, planID: id, input: id, inputBytes: 2, startedMillis: 1_000),
            limits: limits)
        machine.started(at: now, into: &out)
    }

    var states: [StepState] { machine.state.steps.map(\.state) }

    /// The actions since the last look.
    mutating func actions() -> [RunAction] {
        defer { out.actions = [] }
        return out.actions
    }

    /// Checks the actions since the last look.
    mutating func expect(
        actions expected: [RunAction], _ comment: Comment? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let actions = actions()
        #expect(actions == expected, comment, sourceLocation: sourceLocation)
    }

    /// Checks the newest action.
    mutating func expect(
        last expected: RunAction, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let actions = actions()
        #expect(actions.last == expected, sourceLocation: sourceLocation)
    }

    mutating func dispatch(_ step: Int, leaseMillis: Int? = nil) -> AssignmentToken {
        tokens += 1
        let token = AssignmentToken(serial: Serial(rawValue: tokens))
        machine.dispatched(
            step, token: token, agent: AgentID("t/1"), leaseMillis: leaseMillis, at: now,
            into: &out)
        return token
    }

    @discardableResult
    mutating func complete(_ step: Int, bytes: Int = 1) -> Bool {
        complete(step, dispatch(step), bytes: bytes)
    }

    mutating func complete(_ step: Int, _ token: AssignmentToken, bytes: Int = 1) -> Bool {
        payloads += 1
        return machine.outputReceived(
            step, token: token, output: PayloadID(serial: Serial(rawValue: payloads)),
            bytes: bytes, at: now, into: &out)
    }

    @discardableResult
    mutating func fail(_ step: Int, _ failure: StepFailure = boom) -> Bool {
        let token = dispatch(step)
        return machine.failureReceived(
            step, token: token, failure, at: now, random: 0, into: &out)
    }

    static let boom = StepFailure(type: "boom", message: "m", retryable: true)
    static let fatal = StepFailure(type: "fatal", message: "m", retryable: false)
}

@Suite struct RunMachineTests {
    static func step(
        _ id: String, _ dependsOn: [String] = [], isRequired: Bool = true,
        retry: RetryPolicy = .defaults
    ) -> StepDefinition {
        StepDefinition(
            id: id, agentType: "t", operation: "o", dependsOn: dependsOn, isRequired: isRequired,
            retry: retry)
    }

    @Test func `steps run when all they depend on has ended`() throws {
        var run = try MachineHarness([
            Self.step("a"), Self.step("b"), Self.step("c", ["a", "b"]),
        ])
        var actions = run.actions()
        #expect(actions == [.schedule(step: 0), .schedule(step: 1)])
        run.complete(0)
        actions = run.actions()
        #expect(actions == [])
        run.complete(1)
        actions = run.actions()
        #expect(actions == [.schedule(step: 2)])
        run.complete(2)
        actions = run.actions()
        #expect(actions == [.prepareResult])
        #expect(run.machine.isFinishing)
        run.machine.resultPrepared(
            PayloadID(serial: Serial(rawValue: 9)), newBytes: 4, at: run.now, into: &run.out)
        actions = run.actions()
        #expect(actions == [.closed])
        #expect(run.machine.state.status == .completed)
        #expect(run.out.events.map(\.sequence) == Array(1...Int64(run.out.events.count)))
    }

    @Test func `a result is taken once, and only under its token`() throws {
        var run = try MachineHarness([Self.step("a")])
        let token = run.dispatch(0)
        let stranger = AssignmentToken(serial: Serial(rawValue: 999))
        let taken = [
            run.complete(0, stranger), run.complete(0, token), run.complete(0, token),
            run.machine.failureReceived(
                0, token: token, MachineHarness.boom, at: 1, random: 0, into: &run.out),
        ]
        #expect(taken == [false, true, false, false])
        let completions = run.out.events.count {
            if case .stepCompleted = $0.kind { true } else { false }
        }
        #expect(completions == 1)
    }

    @Test func `a late result of an older attempt is stale`() throws {
        var run = try MachineHarness([Self.step("a")])
        let first = run.dispatch(0)
        run.machine.stepTimedOut(0, token: first, at: run.now, random: 0, into: &run.out)
        #expect(run.states == [.waitingRetry])
        run.machine.timerFired(0, at: 1_000, into: &run.out)
        let second = run.dispatch(0)
        let taken = [run.complete(0, first), run.complete(0, second)]
        #expect(taken == [false, true])
    }

    struct Retry: Sendable {
        var policy: RetryPolicy
        var failure: StepFailure
        /// The wait before each further attempt.
        var waits: [Int64]
    }

    @Test(arguments: [
        Retry(
            policy: RetryPolicy(maxAttempts: 4, initialMillis: 100, factor: 2, maxMillis: 250),
            failure: MachineHarness.boom, waits: [100, 200, 250]),
        Retry(policy: RetryPolicy(maxAttempts: 1), failure: MachineHarness.boom, waits: []),
        Retry(policy: RetryPolicy(maxAttempts: 5), failure: MachineHarness.fatal, waits: []),
        Retry(
            policy: RetryPolicy(maxAttempts: 5, nonRetryableTypes: ["boom"]),
            failure: MachineHarness.boom, waits: []),
        Retry(
            policy: RetryPolicy(maxAttempts: 3, initialMillis: 100),
            failure: StepFailure(
                type: "x", message: "", retryable: true, retryAfterMillis: 7), waits: [7, 7]),
    ])
    func `the policy decides on further attempts, the agent's wish on the wait`(
        retry: Retry
    ) throws {
        var run = try MachineHarness([Self.step("a", retry: retry.policy)])
        _ = run.actions()
        for wait in retry.waits {
            run.fail(0, retry.failure)
            var actions = run.actions()
            #expect(actions == [.armTimer(step: 0, atMillis: run.now + wait)])
            run.now += wait
            run.machine.timerFired(0, at: 1_000, into: &run.out)
            actions = run.actions()
            #expect(actions == [.schedule(step: 0)])
        }
        run.fail(0, retry.failure)
        let last = run.actions()
        #expect(last == [.closed])
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.steps[0].attempt == retry.waits.count + 1)
    }

    @Test func `the random part takes off at most a fifth of the wait`() {
        let policy = RetryPolicy(initialMillis: 1_000, factor: 2, maxMillis: 8_000)
        #expect(policy.delayMillis(afterFailures: 1, random: 0) == 1_000)
        #expect(policy.delayMillis(afterFailures: 1, random: .max) == 800)
        #expect(policy.delayMillis(afterFailures: 4, random: 0) == 8_000)
        #expect(policy.delayMillis(afterFailures: 1_000_000, random: .max) == 6_400)
    }

    @Test func `a failed required step ends the run and stops the rest`() throws {
        var run = try MachineHarness([
            Self.step("a", retry: RetryPolicy(maxAttempts: 1)), Self.step("b"),
            Self.step("c"), Self.step("d", ["b"]),
        ])
        _ = run.dispatch(1)
        _ = run.actions()
        run.fail(0)
        #expect(run.states == [.failed, .cancelled, .cancelled, .skipped])
        let actions = run.actions()
        #expect(actions == [.stop(step: 1), .stop(step: 2), .closed])
        #expect(run.machine.state.failure?.message.contains("step \"a\" failed") == true)
        #expect(run.machine.state.closedMillis == run.now)
    }

    @Test func `a failed optional step is recorded and the run goes on without its output`() throws
    {
        var run = try MachineHarness([
            Self.step("a", isRequired: false, retry: RetryPolicy(maxAttempts: 1)),
            StepDefinition(
                id: "b", agentType: "t", operation: "o", dependsOn: ["a"],
                inputTemplate: #"{"a":"${steps.a.output}"}"#),
        ])
        _ = run.actions()
        run.fail(0)
        let actions = run.actions()
        #expect(actions == [.schedule(step: 1)])
        let rendered = run.machine.state.inputRecipe(of: 1).render([:])
        #expect(try rendered.get().bytes == Array(#"{"a":null}"#.utf8))
        run.complete(1)
        #expect(run.machine.isFinishing)
        #expect(run.machine.state.resultRecipe.sources.count == 1)
    }

    @Test func `lost attempts have a limit of their own`() throws {
        var run = try MachineHarness([Self.step("a", retry: RetryPolicy(maxAttempts: 1))])
        _ = run.actions()
        for _ in 1...4 {
            let token = run.dispatch(0)
            run.machine.agentLost(0, token: token, at: run.now, into: &run.out)
            let actions = run.actions()
            #expect(actions == [.schedule(step: 0)])
        }
        let token = run.dispatch(0)
        run.machine.agentLost(0, token: token, at: run.now, into: &run.out)
        let last = run.actions()
        #expect(last == [.closed])
        #expect(run.machine.state.steps[0].attempt == 5)
        #expect(run.machine.state.failure?.type == "agent_lost")
    }

    @Test(arguments: [AgentLoss.shutdown, .isolated])
    func `attempts that end through no fault of the step do not count as lost`(
        loss: AgentLoss
    ) throws {
        var run = try MachineHarness([Self.step("a", retry: RetryPolicy(maxAttempts: 1))])
        _ = run.actions()
        for _ in 1...10 {
            let token = run.dispatch(0)
            run.machine.agentLost(
                0, token: token, loss, at: run.now, into: &run.out)
            let actions = run.actions()
            #expect(actions == [.schedule(step: 0)])
        }
        #expect(run.machine.state.steps[0].losses == 0)
        #expect(run.machine.state.steps[0].attempt == 11)
    }

    @Test func `an output over its limit fails the step for good`() throws {
        var limits = RunLimits()
        limits.maxOutputBytes = 10
        limits.maxPayloadBytes = 20
        var run = try MachineHarness([Self.step("a"), Self.step("b")], limits: limits)
        #expect(run.machine.refusal(ofOutputBytes: 10) == nil)
        run.complete(0, bytes: 11)
        #expect(run.machine.state.status == .failed)
        #expect(run.machine.state.steps[0].failure?.type == "output_too_large")
        var other = try MachineHarness([Self.step("a"), Self.step("b")], limits: limits)
        other.complete(0, bytes: 10)
        other.complete(1, bytes: 10)
        #expect(other.machine.state.steps[1].failure?.type == "run_too_large")
    }

    @Test func `cancel and run timeout end everything at once`() throws {
        for isTimeout in [false, true] {
            var run = try MachineHarness([Self.step("a"), Self.step("b", ["a"])])
            let token = run.dispatch(0)
            _ = run.actions()
            if isTimeout {
                run.machine.runTimedOut(at: run.now, into: &run.out)
            } else {
                run.machine.cancelRequested(reason: "r", at: run.now, into: &run.out)
            }
            var actions = run.actions()
            #expect(actions == [.stop(step: 0), .closed])
            #expect(run.machine.state.status == (isTimeout ? .timedOut : .cancelled))
            #expect(run.states == [.cancelled, .skipped])
            let isTaken = run.complete(0, token)
            #expect(!isTaken)
            run.machine.cancelRequested(reason: "again", at: run.now, into: &run.out)
            actions = run.actions()
            #expect(actions == [])
        }
    }

    @Test func `history stays below its limit however often a step fails`() throws {
        var limits = RunLimits()
        limits.maxEvents = 60
        let endless = RetryPolicy(maxAttempts: 1_000, initialMillis: 0, maxMillis: 0)
        var run = try MachineHarness(
            [Self.step("a", retry: endless), Self.step("b", ["a"])], limits: limits)
        while run.machine.state.status == .running { run.fail(0) }
        #expect(run.machine.state.lastSequence <= 60)
        #expect(run.machine.state.lastSequence > 30)
    }

    @Test func `after a restart running attempts are made again and the rest goes on`() throws {
        var run = try MachineHarness([
            Self.step("a"), Self.step("b"), Self.step("c"), Self.step("d"),
        ])
        _ = run.dispatch(0)
        run.complete(1)
        run.fail(2)
        let due = run.machine.state.steps[2].notBeforeMillis
        let state = run.machine.state
        let stored = try RunCodec.decode(
            RunCodec.encode(state), CodecTests.columns(state), plan: state.plan)
        var again = RunMachine(stored)
        var out = RunOutput()
        again.recovered(at: run.now + 5, into: &out)
        #expect(
            out.actions == [
                .schedule(step: 0), .armTimer(step: 2, atMillis: due), .schedule(step: 3),
            ])
        #expect(again.state.steps.map(\.attempt) == [2, 1, 2, 1])
        #expect(again.state.steps[0].losses == 1)
        #expect(out.events.first?.sequence == state.lastSequence + 1)
    }

    @Test(arguments: [Int64.max, .max / 1_000, .min, -1])
    func `a wait that no clock can count is brought into range`(wish: Int64) throws {
        var run = try MachineHarness([Self.step("a")])
        run.fail(0, StepFailure(type: "x", message: "m", retryable: true, retryAfterMillis: wish))
        let wait = min(max(wish, 0), StepFailure.maxRetryAfterMillis)
        #expect(run.machine.state.steps[0].failure?.retryAfterMillis == wait)
        #expect(run.machine.state.steps[0].notBeforeMillis == run.now + wait)
        #expect(run.machine.state.status == .running)
    }

    @Test func `an endless failure message is cut before it is stored`() throws {
        var run = try MachineHarness([Self.step("a", retry: RetryPolicy(maxAttempts: 1))])
        let message = String(repeating: "ü", count: 5_000)
        run.fail(0, StepFailure(type: "x", message: message, retryable: true))
        let kept = try #require(run.machine.state.steps[0].failure?.message)
        #expect(kept == String(repeating: "ü", count: 2_048))
    }
}
