/// One attempt of a step: dispatch, result, retry, and what follows when there is none.
extension RunMachine {
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
        state.steps[step].notBeforeMillis = now
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
        state.payloadBytes += bytes
        complete(step, output: output, now, &out)
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

    /// No result came within the step's time.
    ///
    /// - Parameter isSilence: whether the agent's heartbeats stopped, rather than its time being
    ///   over.
    public mutating func stepTimedOut(
        _ step: Int, token: AssignmentToken, isSilence: Bool = false, at now: Int64,
        random: UInt64, into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        let failure = timeout(of: step, isSilence: isSilence, now)
        let next = nextAttempt(step, failure, now, random: random)
        emit(
            .stepTimedOut(
                step: id(step), attempt: state.steps[step].attempt, failure: failure,
                willRetry: next.isRetry), now, &out)
        settle(step, failure, next, now, &out)
    }

    /// Names the limit that was hit.
    private func timeout(of step: Int, isSilence: Bool, _ now: Int64) -> StepFailure {
        let definition = state.work(of: step).definition
        if isSilence {
            return StepFailure(
                type: "heartbeat_timeout",
                message: "no heartbeat within \(definition.heartbeatMillis ?? 0) ms",
                retryable: true)
        }
        if let late = lateness(of: step, at: now) { return late }
        return StepFailure(
            type: "timeout", message: "no result within \(definition.startToCloseMillis) ms",
            retryable: true)
    }

    /// Why a step must not begin any more at this instant: the time of all its attempts together is
    /// over. `nil`: it may.
    public func lateness(of step: Int, at now: Int64) -> StepFailure? {
        guard let limit = deadline(of: step), limit <= now else { return nil }
        return overdue(step)
    }

    func overdue(_ step: Int) -> StepFailure {
        let millis = state.work(of: step).definition.scheduleToCloseMillis ?? 0
        let last = state.steps[step].failure.map { "; before, \($0.type): \($0.message)" } ?? ""
        return StepFailure(
            type: "timeout",
            message: "the \(millis) ms of its schedule_to_close are over\(last)", retryable: false
        ).bounded
    }

    /// The instance that worked on a step does so no longer: a new attempt at once, up to a limit if
    /// the step may be to blame.
    public mutating func agentLost(
        _ step: Int, token: AssignmentToken, _ loss: AgentLoss = .left, at now: Int64,
        into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        switch loss {
        case .left: lose(step, "its instance left during the attempt", now, &out)
        case .isolated:
            interrupt(step, "its instance was isolated during the attempt", now, &out)
        case .shutdown: interrupt(step, "the server was stopped during the attempt", now, &out)
        }
    }

    /// The attempt never reached its instance, whose connection was gone: a new attempt at once,
    /// which says nothing against the step.
    public mutating func handoverFailed(
        _ step: Int, token: AssignmentToken, at now: Int64, into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        interrupt(step, "its instance was gone before it was told", now, &out)
    }

    /// After a restart: the remote instance did not come back within its lease, or came back without
    /// the work.
    public mutating func holderLost(
        _ step: Int, token: AssignmentToken, isBack: Bool = false, at now: Int64,
        into out: inout RunOutput
    ) {
        guard isCurrent(step, token) else { return }
        let how = isBack ? "came back without it" : "did not come back"
        lose(step, "its instance \(how) after the server's restart", now, &out)
    }

    /// The instance says how far it is. Makes no event: saved with the run's next change.
    public mutating func heartbeatReceived(
        _ step: Int, token: AssignmentToken, _ details: Payload
    ) {
        guard isCurrent(step, token) else { return }
        state.steps[step].heartbeat = details.bytes.isEmpty ? nil : details
    }

    // MARK: Consequences

    func isCurrent(_ step: Int, _ token: AssignmentToken) -> Bool {
        state.steps.indices.contains(step) && state.steps[step].state == .running
            && state.steps[step].token == token
    }

    mutating func attemptFailed(
        _ step: Int, _ failure: StepFailure, _ now: Int64, random: UInt64,
        _ out: inout RunOutput
    ) {
        let next = nextAttempt(step, failure, now, random: random)
        emit(
            .stepFailed(
                step: id(step), attempt: state.steps[step].attempt, failure: failure,
                willRetry: next.isRetry), now, &out)
        settle(step, failure, next, now, &out)
    }

    /// What follows a failed attempt.
    private enum NextAttempt {
        /// Another one, not before this instant.
        case at(Int64)
        /// The policy allows no other one.
        case none
        /// The policy does, but the run's history is full.
        case noRoom

        var isRetry: Bool {
            if case .at = self { true } else { false }
        }
    }

    /// Notes a failure and says whether the policy allows another attempt.
    private mutating func nextAttempt(
        _ step: Int, _ failure: StepFailure, _ now: Int64, random: UInt64
    ) -> NextAttempt {
        state.steps[step].failures += 1
        state.steps[step].failure = failure
        let definition = state.work(of: step).definition
        guard definition.retry.mayRetry(failure),
            state.steps[step].failures < definition.retry.maxAttempts
        else { return .none }
        let delay =
            failure.retryAfterMillis
            ?? definition.retry.delayMillis(
                afterFailures: state.steps[step].failures, random: random)
        let (instant, isTooLate) = now.addingReportingOverflow(max(0, delay))
        let next = isTooLate ? Int64.max : instant
        if let limit = deadline(of: step), next >= limit { return .none }
        // Rather fail now, for the real reason, than wait for the run to time out. What is undone
        // may take longer.
        if isGoing, let limit = state.deadlineMillis, next >= limit { return .none }
        return hasRoomForAttempt ? .at(next) : .noRoom
    }

    /// The wall-clock instant at which the step must have ended with all its attempts.
    public func deadline(of step: Int) -> Int64? {
        guard let limit = state.work(of: step).definition.scheduleToCloseMillis else { return nil }
        return state.steps[step].extra.value.readyMillis &+ limit
    }

    private mutating func settle(
        _ step: Int, _ failure: StepFailure, _ next: NextAttempt, _ now: Int64,
        _ out: inout RunOutput
    ) {
        switch next {
        case .at(let instant): schedule(step, notBefore: instant, now, &out)
        case .none: exhausted(step, failure, now, &out)
        case .noRoom: exhausted(step, failure, isCutShort: true, now, &out)
        }
    }

    mutating func lose(
        _ step: Int, _ what: String, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].losses += 1
        let losses = state.steps[step].losses
        let willRetry = losses < limits.maxLosses && hasRoomForAttempt
        let message = "\(what) (lost \(losses) of \(limits.maxLosses) times)"
        beginAnew(step, message, willRetry: willRetry, now, &out)
    }

    /// The attempt ends for a reason that says nothing against the step.
    private mutating func interrupt(
        _ step: Int, _ what: String, _ now: Int64, _ out: inout RunOutput
    ) {
        beginAnew(step, what, willRetry: hasRoomForAttempt, now, &out)
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
            exhausted(step, failure, isCutShort: !hasRoomForAttempt, now, &out)
        }
    }

    /// A failure that no retry can mend.
    mutating func giveUp(
        _ step: Int, _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].failure = failure
        emit(
            .stepFailed(
                step: id(step), attempt: state.steps[step].attempt, failure: failure,
                willRetry: false), now, &out)
        exhausted(step, failure, now, &out)
    }

    /// The attempts are used up: the fallback's turn, or the policy's. Without room in the history
    /// there is neither.
    ///
    /// - Parameter isCutShort: whether there would be another attempt but for that.
    private mutating func exhausted(
        _ step: Int, _ failure: StepFailure, isCutShort: Bool = false, _ now: Int64,
        _ out: inout RunOutput
    ) {
        let work = state.work(of: step)
        let isOwn = step < state.plan.ownSteps
        let policy = isOwn ? state.plan.steps[step].definition.onExhausted : .fail
        if !hasRoomForAttempt, isCutShort || work.fallback != nil || policy != .fail {
            let limit = historyLimit("The last failure was \(failure.type): \(failure.message)")
            state.steps[step].failure = limit
            return stepFailed(step, limit, now, &out)
        }
        if work.fallback != nil {
            state.steps[step].extra.value.usesFallback = true
            state.steps[step].failures = 0
            state.steps[step].losses = 0
            emit(.stepFellBack(step: id(step), failure: failure), now, &out)
            return schedule(step, notBefore: now, now, &out)
        }
        switch policy {
        case .fail: stepFailed(step, failure, now, &out)
        case .deadLetter: park(step, failure, now, &out)
        case .pause:
            park(step, failure, now, &out)
            paused(
                reason: "step \"\(id(step))\" has used up its attempts", at: now, into: &out)
        }
    }

    private mutating func park(
        _ step: Int, _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].state = .parked
        state.steps[step].token = nil
        state.steps[step].holder = nil
        state.steps[step].notBeforeMillis = now
        let attempt = state.steps[step].attempt
        emit(.stepParked(step: id(step), attempt: attempt, failure: failure), now, &out)
        out.actions.append(.park(step: step))
    }

    mutating func stepFailed(
        _ step: Int, _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].state = .failed
        guard step < state.plan.ownSteps, state.plan.steps[step].definition.isRequired else {
            return ended(step, now, &out)
        }
        endAttempt(step, now)
        let reason = StepFailure(
            type: failure.type, message: "step \"\(id(step))\" failed: \(failure.message)",
            retryable: false)
        fail(reason.bounded, now, &out)
    }
}
