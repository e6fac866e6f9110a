/// Steps without an agent: timers, signals, events and decisions.
extension RunMachine {
    /// The instant that a step waits for has come: its next attempt is due, or its wait is over.
    public mutating func timerFired(_ step: Int, at now: Int64, into out: inout RunOutput) {
        switch state.steps[step].state {
        case .waitingRetry:
            state.steps[step].state = .scheduled
            place(step, &out)
        case .waiting: waitEnded(step, now, &out)
        default: break
        }
    }

    // MARK: Waits

    mutating func wait(
        _ step: Int, _ spec: WaitSpec, _ now: Int64, _ out: inout RunOutput
    ) {
        beginWaiting(step, millis: spec.millis, now, &out)
        if !spec.signal.isEmpty,
            let kept = state.extra.value.signals.firstIndex(where: { $0.name == spec.signal })
        {
            let signal = state.extra.value.signals.remove(at: kept)
            return waitGot(step, signal.payload, now, &out)
        }
        if !spec.eventType.isEmpty {
            out.actions.append(.listen(step: step, eventType: spec.eventType))
        }
    }

    private mutating func beginWaiting(
        _ step: Int, millis: Int64, _ now: Int64, _ out: inout RunOutput
    ) {
        state.steps[step].attempt += 1
        state.steps[step].state = .waiting
        state.steps[step].startedMillis = state.steps[step].startedMillis ?? now
        let until = millis > 0 ? now &+ millis : 0
        state.steps[step].notBeforeMillis = until
        let attempt = state.steps[step].attempt
        emit(.stepWaiting(step: id(step), attempt: attempt, until: until), now, &out)
        if until > 0 { out.actions.append(.armTimer(step: step, atMillis: until)) }
    }

    /// After a restart: what a waiting step needs to go on.
    func waitAgain(_ step: Int, _ out: inout RunOutput) {
        let until = state.steps[step].notBeforeMillis
        switch state.work(of: step).definition.kind {
        case .wait(let spec):
            if until > 0 { out.actions.append(.armTimer(step: step, atMillis: until)) }
            if !spec.eventType.isEmpty {
                out.actions.append(.listen(step: step, eventType: spec.eventType))
            }
        case .approval:
            if until > 0 { out.actions.append(.armTimer(step: step, atMillis: until)) }
        case .child:
            if state.steps[step].extra.value.childResult != nil {
                out.actions.append(.collect(step: step))
            } else {
                armDeadline(of: step, &out)
            }
        case .fanOut:
            if state.steps[step].extra.value.itemsOpen == 0 {
                out.actions.append(.collect(step: step))
            }
        case .invoke, .publish, .continueAsNew, .ballot: break
        }
    }

    private mutating func waitEnded(_ step: Int, _ now: Int64, _ out: inout RunOutput) {
        switch state.plan.steps[step].definition.kind {
        case .wait(let spec) where spec.isTimer:
            complete(step, output: nil, now, &out)
        case .wait(let spec):
            out.actions.append(.stop(step: step))
            let what =
                spec.signal.isEmpty
                ? "event of type \"\(spec.eventType)\"" : "signal \"\(spec.signal)\""
            giveUp(
                step,
                StepFailure(
                    type: "wait_timeout", message: "no \(what) within \(spec.millis) ms",
                    retryable: false), now, &out)
        case .approval(let spec):
            guard spec.defaultDecision == nil else {
                out.actions.append(.decideByDefault(step: step))
                return
            }
            giveUp(
                step,
                StepFailure(
                    type: "approval_timeout", message: "nobody decided within \(spec.millis) ms",
                    retryable: false), now, &out)
        case .child: childOverdue(step, now, &out)
        default: break
        }
    }

    private mutating func waitGot(
        _ step: Int, _ payload: PayloadID, _ now: Int64, _ out: inout RunOutput
    ) {
        out.actions.append(.stop(step: step))
        complete(step, output: payload, now, &out)
    }

    // MARK: Signals

    /// Why a signal cannot be taken.
    public enum SignalRefusal: Sendable, Hashable {
        /// The run has ended, or is about to.
        case ended
        /// So many wait already that no more are kept.
        case tooMany(Int)
        /// The history, or the payloads, have no room for it.
        case runFull
    }

    /// Whether a signal with so many bytes would be taken, so that none is stored for nothing.
    public func refusal(ofSignal name: String, bytes: Int) -> SignalRefusal? {
        guard isGoing || state.status == .queued else { return .ended }
        // One that a step waits for is not kept, and may be what lets the run take those that are.
        if state.extra.value.signals.count >= limits.maxKeptSignals,
            stepWaiting(forSignal: name) == nil
        {
            return .tooMany(limits.maxKeptSignals)
        }
        let isFull = state.payloadBytes + bytes > limits.maxPayloadBytes
        return isFull || !hasRoomForAttempt ? .runFull : nil
    }

    /// Somebody sent the run a signal: the first step that waits for it gets it, else it is kept.
    public mutating func signalled(
        _ name: String, _ payload: PayloadID, bytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard refusal(ofSignal: name, bytes: bytes) == nil else { return }
        state.payloadBytes += bytes
        emit(.signalReceived(name: name, payload: payload), now, &out)
        if let step = stepWaiting(forSignal: name) { return waitGot(step, payload, now, &out) }
        state.extra.value.signals.append(KeptSignal(name: name, payload: payload))
    }

    /// Whether a step waits for a signal, which would be taken at once and not kept.
    public func awaits(signal name: String) -> Bool { stepWaiting(forSignal: name) != nil }

    /// The first step that waits for a signal.
    private func stepWaiting(forSignal name: String) -> Int? {
        (0..<state.plan.ownSteps).first { step in
            guard state.steps[step].state == .waiting,
                case .wait(let spec) = state.plan.steps[step].definition.kind
            else { return false }
            return spec.signal == name
        }
    }

    /// An event that a step listens for was published.
    public mutating func eventReceived(
        _ step: Int, _ payload: PayloadID, bytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing, state.steps[step].state == .waiting else { return }
        if let failure = refusal(ofOutputBytes: bytes) {
            out.actions.append(.stop(step: step))
            return giveUp(step, failure, now, &out)
        }
        state.payloadBytes += bytes
        waitGot(step, payload, now, &out)
    }

    // MARK: Decisions

    mutating func request(
        _ step: Int, _ spec: ApprovalSpec, _ now: Int64, _ out: inout RunOutput
    ) {
        beginWaiting(step, millis: spec.millis, now, &out)
    }

    /// Why a decision cannot be taken.
    public enum DecisionRefusal: Sendable, Hashable {
        /// The definition has no such step, or it is of another kind.
        case noApproval
        /// The step does not wait for a decision: not yet, or not any more.
        case notWaiting(StepState)
        /// Only these may decide.
        case notAssigned([String])
        /// The payloads have no room for it.
        case runFull
    }

    /// Whether somebody's decision on a step would be taken.
    public func refusal(
        ofDecisionOn step: Int?, by actor: String, bytes: Int
    ) -> DecisionRefusal? {
        guard let step, step < state.plan.ownSteps,
            case .approval(let spec) = state.plan.steps[step].definition.kind
        else { return .noApproval }
        guard isGoing, state.steps[step].state == .waiting else {
            return .notWaiting(state.steps[step].state)
        }
        if !spec.assignees.isEmpty, !spec.assignees.contains(actor) {
            return .notAssigned(spec.assignees)
        }
        return refusal(ofOutputBytes: bytes) == nil ? nil : .runFull
    }

    /// Somebody decided: an approval completes the step with `payload`, a rejection fails it.
    public mutating func decided(
        _ step: Int, _ decision: ApprovalDecision, by actor: String, comment: String,
        payload: PayloadID, bytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing, state.steps[step].state == .waiting else { return }
        state.payloadBytes += bytes
        emit(
            .approvalDecided(
                step: id(step), decision: decision, by: actor, comment: comment,
                payload: payload), now, &out)
        switch decision {
        case .approve: waitGot(step, payload, now, &out)
        case .reject:
            out.actions.append(.stop(step: step))
            let why = comment.isEmpty ? "" : ": \(comment)"
            giveUp(
                step,
                StepFailure(
                    type: "rejected", message: "\(actor) rejected it\(why)", retryable: false
                ).bounded, now, &out)
        }
    }
}
