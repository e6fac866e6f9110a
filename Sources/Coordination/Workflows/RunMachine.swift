/// Decides what follows from what happened to one run.
///
/// Inputs say what happened; what should be done comes out as ``RunAction``s, and what is to be
/// remembered as ``HistoryEvent``s, both appended to a ``RunOutput``. Pure: time and randomness
/// come in as arguments.
///
/// Invariants: (run, step, attempt) takes at most one result, and only under the token it was
/// dispatched with; event numbers have no gap; nothing comes out after `.closed`.
public struct RunMachine: Sendable {
    public private(set) var state: RunState
    private let limits: RunLimits
    /// Steps that have not ended.
    private var openSteps: Int

    /// Takes up a run, new or read from the store.
    public init(_ state: RunState, limits: RunLimits = .defaults) {
        self.state = state
        self.limits = limits
        openSteps = state.steps.count { !$0.state.hasEnded }
    }

    /// Whether every step has ended and only the run's result is missing.
    public var isFinishing: Bool { state.status == .running && openSteps == 0 }

    // MARK: What happened to the run

    /// The run begins: everything without dependencies may run.
    public mutating func started(at now: Int64, into out: inout RunOutput) {
        emit(.runStarted(input: state.input), now, &out)
        if state.payloadBytes > limits.maxPayloadBytes {
            return fail(Self.tooManyBytes(limits.maxPayloadBytes), now, &out)
        }
        for step in state.steps.indices where state.steps[step].waitingFor == 0 {
            schedule(step, notBefore: now, now, &out)
        }
    }

    /// The run was read from the store after a restart. Attempts that ran in the old process were
    /// lost with it, those of remote instances may still be going; everything else goes on where it
    /// stood.
    public mutating func recovered(at now: Int64, into out: inout RunOutput) {
        guard state.status == .running else { return }
        // As they were stored: a step that is lost for good may schedule others on the way.
        for (step, stored) in state.steps.map(\.state).enumerated() {
            switch stored {
            case .scheduled: out.actions.append(.schedule(step: step))
            case .waitingRetry:
                out.actions.append(
                    .armRetry(step: step, atMillis: state.steps[step].notBeforeMillis))
            case .running where state.steps[step].holder != nil:
                out.actions.append(.awaitHolder(step: step))
            case .running: lose(step, "the server restarted during the attempt", now, &out)
            case .pending, .completed, .failed, .skipped, .cancelled: break
            }
            if state.status != .running { return }
        }
        if openSteps == 0 { out.actions.append(.prepareResult) }
    }

    /// The run's own time is over.
    public mutating func runTimedOut(at now: Int64, into out: inout RunOutput) {
        guard state.status == .running else { return }
        stopSteps("the run timed out", now, &out)
        state.failure = StepFailure(
            type: "run_timeout",
            message: "the run did not end within its time; "
                + "raise run_timeout or shorten its steps", retryable: false)
        emit(.runTimedOut, now, &out)
        close(.timedOut, now, &out)
    }

    /// Somebody wants the run to stop.
    public mutating func cancelRequested(
        reason: String, at now: Int64, into out: inout RunOutput
    ) {
        guard state.status == .running else { return }
        stopSteps("the run was cancelled", now, &out)
        let kept = reason.prefix(bytes: StepFailure.maxMessageBytes)
        emit(.runCancelled(reason: kept), now, &out)
        close(.cancelled, now, &out)
    }

    /// The result is rendered; `newBytes` is 0 when it shares the payload of a step.
    public mutating func resultPrepared(
        _ result: PayloadID, newBytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard isFinishing else { return }
        if state.payloadBytes + newBytes > limits.maxPayloadBytes {
            return fail(Self.tooManyBytes(limits.maxPayloadBytes), now, &out)
        }
        state.payloadBytes += newBytes
        state.result = result
        emit(.runCompleted(result: result), now, &out)
        close(.completed, now, &out)
    }

    /// The result could not be rendered: the run fails.
    public mutating func resultPreparationFailed(
        _ failure: StepFailure, at now: Int64, into out: inout RunOutput
    ) {
        guard isFinishing else { return }
        fail(failure, now, &out)
    }

    // MARK: What happened to a step

    /// A step's input is ready and an instance has been chosen: the attempt begins.
    ///
    /// - Parameter leaseMillis: how long a remote instance may be silent; `nil` for an instance in
    ///   this process.
    public mutating func dispatched(
        _ step: Int, token: AssignmentToken, agent: AgentID, leaseMillis: Int? = nil,
        at now: Int64, into out: inout RunOutput
    ) {
        precondition(state.steps[step].state == .scheduled, "only a scheduled step is dispatched")
        state.steps[step].state = .running
        state.steps[step].token = token
        state.steps[step].holder = leaseMillis.map {
            AssignmentHolder(agent: agent, leaseMillis: $0)
        }
        if state.steps[step].startedMillis == nil { state.steps[step].startedMillis = now }
        let attempt = state.steps[step].attempt
        emit(
            .stepStarted(step: id(step), attempt: attempt, agent: agent, token: token), now, &out)
    }

    /// A scheduled step cannot begin: its input cannot be rendered, no instance came in time, or
    /// no instance knows the operation. Not tried again.
    public mutating func startFailed(
        _ step: Int, _ failure: StepFailure, at now: Int64, into out: inout RunOutput
    ) {
        guard state.steps[step].state == .scheduled else { return }
        state.steps[step].failure = failure
        giveUp(step, failure, now, &out)
    }

    /// A step ended well. A result that is too large is a failure that is not tried again.
    ///
    /// - Returns: whether the result was taken; `false`: it is stale and changes nothing.
    public mutating func outputReceived(
        _ step: Int, token: AssignmentToken, output: PayloadID, bytes: Int, at now: Int64,
        into out: inout RunOutput
    ) -> Bool {
        guard isCurrent(step, token) else { return false }
        if let failure = refusal(ofOutputBytes: bytes) {
            attemptFailed(step, failure, now, random: 0, &out)
            return true
        }
        state.steps[step].state = .completed
        state.steps[step].output = output
        state.steps[step].failure = nil
        state.payloadBytes += bytes
        emit(
            .stepCompleted(step: id(step), attempt: state.steps[step].attempt, output: output),
            now, &out)
        ended(step, now, &out)
        return true
    }

    /// Whether an output of this size would be taken, so that no payload is stored for nothing.
    public func refusal(ofOutputBytes bytes: Int) -> StepFailure? {
        if bytes > limits.maxOutputBytes {
            return StepFailure(
                type: "output_too_large",
                message: "the output has \(bytes) bytes, the limit is \(limits.maxOutputBytes); "
                    + "return less, or a reference to where the data is", retryable: false)
        }
        if state.payloadBytes + bytes > limits.maxPayloadBytes {
            return Self.tooManyBytes(limits.maxPayloadBytes)
        }
        return nil
    }

    /// A step's attempt failed, in the agent's words.
    ///
    /// - Returns: whether the result was taken; `false`: it is stale and changes nothing.
    public mutating func failureReceived(
        _ step: Int, token: AssignmentToken, _ failure: StepFailure, at now: Int64,
        random: UInt64, into out: inout RunOutput
    ) -> Bool {
        guard isCurrent(step, token) else { return false }
        attemptFailed(step, failure.bounded, now, random: random, &out)
        return true
    }

    /// No result came within the step's start-to-close time.
    public mutating func stepTimedOut(
        _ step: Int, token: AssignmentToken, at now: Int64, random: UInt64,
        into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        let limit = state.plan.steps[step].definition.startToCloseMillis
        let failure = StepFailure(
            type: "timeout", message: "no result within \(limit) ms", retryable: true)
        let willRetry = countFailure(step, failure)
        emit(
            .stepTimedOut(
                step: id(step), attempt: state.steps[step].attempt, willRetry: willRetry),
            now, &out)
        settle(step, failure, willRetry: willRetry, now, random: random, &out)
    }

    /// The instance that worked on a step is gone: a new attempt at once, up to a limit.
    ///
    /// - Parameter isShutdown: whether it left because the server was asked to stop. That says
    ///   nothing against the step, so it does not count towards the limit.
    public mutating func agentLost(
        _ step: Int, token: AssignmentToken, isShutdown: Bool = false, at now: Int64,
        into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        if isShutdown {
            interrupt(step, now, &out)
        } else {
            lose(step, "its instance left during the attempt", now, &out)
        }
    }

    /// The attempt never reached its instance, whose connection was gone: a new attempt at once,
    /// which says nothing against the step.
    public mutating func handoverFailed(
        _ step: Int, token: AssignmentToken, at now: Int64, into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        beginAnew(
            step, "its instance was gone before it was told", willRetry: hasRoomForAttempt, now,
            &out)
    }

    /// After a restart: the remote instance did not come back within its lease.
    public mutating func holderLost(
        _ step: Int, token: AssignmentToken, at now: Int64, into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        lose(
            step, "its instance did not come back after the server's restart", now, &out)
    }

    /// The instance says how far it is. Makes no event: saved with the run's next change.
    public mutating func heartbeatReceived(
        _ step: Int, token: AssignmentToken, _ details: Payload
    ) {
        guard isCurrent(step, token) else { return }
        state.steps[step].heartbeat = details.bytes.isEmpty ? nil : details
    }

    /// The wait before a step's next attempt is over.
    public mutating func retryDue(_ step: Int, into out: inout RunOutput) {
        guard state.steps[step].state == .waitingRetry else { return }
        state.steps[step].state = .scheduled
        out.actions.append(.schedule(step: step))
    }

    // MARK: Consequences

    private func id(_ step: Int) -> String { state.plan.steps[step].definition.id }

    private func isCurrent(_ step: Int, _ token: AssignmentToken) -> Bool {
        state.steps[step].state == .running && state.steps[step].token == token
    }

    private mutating func emit(
        _ kind: HistoryEventKind, _ now: Int64, _ out: inout RunOutput
    ) {
        state.lastSequence += 1
        out.events.append(HistoryEvent(sequence: state.lastSequence, atMillis: now, kind: kind))
    }

    private mutating func schedule(
        _ step: Int, notBefore: Int64, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].attempt += 1
        state.steps[step].token = nil
        state.steps[step].holder = nil
        state.steps[step].notBeforeMillis = notBefore
        let attempt = state.steps[step].attempt
        emit(
            .stepScheduled(step: id(step), attempt: attempt, notBefore: notBefore), now, &out)
        if notBefore > now {
            state.steps[step].state = .waitingRetry
            out.actions.append(.armRetry(step: step, atMillis: notBefore))
        } else {
            state.steps[step].state = .scheduled
            out.actions.append(.schedule(step: step))
        }
    }

    private mutating func attemptFailed(
        _ step: Int, _ failure: StepFailure, _ now: Int64, random: UInt64,
        _ out: inout RunOutput
    ) {
        let willRetry = countFailure(step, failure)
        emit(
            .stepFailed(
                step: id(step), attempt: state.steps[step].attempt, failure: failure,
                willRetry: willRetry), now, &out)
        settle(step, failure, willRetry: willRetry, now, random: random, &out)
    }

    /// Notes a failure and says whether the policy allows another attempt.
    private mutating func countFailure(_ step: Int, _ failure: StepFailure) -> Bool {
        state.steps[step].failures += 1
        state.steps[step].failure = failure
        let retry = state.plan.steps[step].definition.retry
        return retry.mayRetry(failure) && state.steps[step].failures < retry.maxAttempts
            && hasRoomForAttempt
    }

    /// Another attempt adds at most three events; what every step needs to end is kept free.
    private var hasRoomForAttempt: Bool {
        state.lastSequence + 3 * Int64(state.steps.count + 1) + 8 < limits.maxEvents
    }

    private mutating func settle(
        _ step: Int, _ failure: StepFailure, willRetry: Bool, _ now: Int64, random: UInt64,
        _ out: inout RunOutput
    ) {
        guard willRetry else { return stepFailed(step, failure, now, &out) }
        let policy = state.plan.steps[step].definition.retry
        let delay =
            failure.retryAfterMillis
            ?? policy.delayMillis(afterFailures: state.steps[step].failures, random: random)
        let (instant, isTooLate) = now.addingReportingOverflow(max(0, delay))
        schedule(step, notBefore: isTooLate ? .max : instant, now, &out)
    }

    private mutating func lose(
        _ step: Int, _ what: String, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].losses += 1
        let losses = state.steps[step].losses
        let willRetry = losses < limits.maxLosses && hasRoomForAttempt
        let message = "\(what) (lost \(losses) of \(limits.maxLosses) times)"
        beginAnew(step, message, willRetry: willRetry, now, &out)
    }

    private mutating func interrupt(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        beginAnew(
            step, "the server was stopped during the attempt", willRetry: hasRoomForAttempt, now,
            &out)
    }

    private mutating func beginAnew(
        _ step: Int, _ message: String, willRetry: Bool, _ now: Int64, _ out: inout RunOutput
    ) {
        let failure = StepFailure(type: "agent_lost", message: message, retryable: willRetry)
        state.steps[step].failure = failure
        let attempt = state.steps[step].attempt
        emit(
            .stepFailed(
                step: id(step), attempt: attempt, failure: failure, willRetry: willRetry),
            now, &out)
        if willRetry {
            schedule(step, notBefore: now, now, &out)
        } else {
            stepFailed(step, failure, now, &out)
        }
    }

    private mutating func giveUp(
        _ step: Int, _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        emit(
            .stepFailed(
                step: id(step), attempt: state.steps[step].attempt, failure: failure,
                willRetry: false), now, &out)
        stepFailed(step, failure, now, &out)
    }

    private mutating func stepFailed(
        _ step: Int, _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].state = .failed
        guard state.plan.steps[step].definition.isRequired else { return ended(step, now, &out) }
        endAttempt(step, now)
        let reason = StepFailure(
            type: failure.type, message: "step \"\(id(step))\" failed: \(failure.message)",
            retryable: false)
        fail(reason, now, &out)
    }

    /// A step has completed or failed without failing the run: what waited for it may run.
    private mutating func ended(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        endAttempt(step, now)
        for dependent in state.plan.steps[step].dependents {
            state.steps[dependent].waitingFor -= 1
            if state.steps[dependent].waitingFor == 0 {
                schedule(dependent, notBefore: now, now, &out)
            }
        }
        if openSteps == 0 { out.actions.append(.prepareResult) }
    }

    private mutating func fail(
        _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        stopSteps("the run failed", now, &out)
        state.failure = failure
        emit(.runFailed(failure: failure), now, &out)
        close(.failed, now, &out)
    }

    /// Ends every open step: what never ran is skipped, what ran or was due to is cancelled.
    private mutating func stopSteps(
        _ reason: String, _ now: Int64, _ out: inout RunOutput
    ) {
        for step in state.steps.indices where !state.steps[step].state.hasEnded {
            if state.steps[step].state == .pending {
                state.steps[step].state = .skipped
                emit(.stepSkipped(step: id(step), reason: reason), now, &out)
            } else {
                out.actions.append(.stop(step: step))
                let attempt = state.steps[step].attempt
                state.steps[step].state = .cancelled
                emit(
                    .stepCancelled(step: id(step), attempt: attempt, reason: reason), now, &out)
            }
            endAttempt(step, now)
        }
    }

    /// The step has ended for good: nobody holds it any more.
    private mutating func endAttempt(_ step: Int, _ now: Int64) {
        state.steps[step].token = nil
        state.steps[step].holder = nil
        state.steps[step].heartbeat = nil
        state.steps[step].endedMillis = now
        openSteps -= 1
    }

    private mutating func close(
        _ status: RunStatus, _ now: Int64, _ out: inout RunOutput
    ) {
        state.status = status
        state.closedMillis = now
        out.actions.append(.closed)
    }

    private static func tooManyBytes(_ limit: Int) -> StepFailure {
        StepFailure(
            type: "run_too_large",
            message: "the run's payloads pass its limit of \(limit) bytes; hand on references "
                + "instead of data, or split the workflow", retryable: false)
    }
}
