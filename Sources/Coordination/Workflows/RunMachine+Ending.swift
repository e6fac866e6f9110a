/// How a run ends: what runs is stopped, what was done is undone, then it closes.
extension RunMachine {
    /// The run's own time is over. What it did is undone all the same. When its steps have ended in
    /// time, their result is put together, however long that takes.
    public mutating func runTimedOut(at now: Int64, into out: inout RunOutput) {
        guard isGoing && openSteps > 0 || state.status == .queued else { return }
        state.failure = StepFailure(
            type: "run_timeout",
            message: "the run did not end within its time; "
                + "raise run_timeout or shorten its steps", retryable: false)
        end(.timedOut, "the run timed out", now, &out)
    }

    /// Somebody wants the run to stop: what runs is stopped, what was done is undone.
    public mutating func cancelRequested(
        reason: String, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing || state.status == .queued else { return }
        state.extra.value.reason = reason.prefix(bytes: StepFailure.maxMessageBytes)
        end(.cancelled, "the run was cancelled", now, &out)
    }

    /// Somebody wants the run to be over now: nothing is undone.
    public mutating func terminated(
        reason: String, at now: Int64, into out: inout RunOutput
    ) {
        guard !state.status.isClosed else { return }
        stopSteps("the run was terminated", now, &out)
        let kept = reason.prefix(bytes: StepFailure.maxMessageBytes)
        state.extra.value.reason = kept
        if state.status == .compensating {
            state.extra.value.closing = nil
            state.extra.value.compensation = .failed
        }
        close(as: .terminated, now, &out)
    }

    mutating func fail(
        _ failure: StepFailure, _ now: Int64, _ out: inout RunOutput
    ) {
        state.failure = failure
        end(.failed, "the run failed", now, &out)
    }

    private mutating func end(
        _ status: RunStatus, _ reason: String, _ now: Int64, _ out: inout RunOutput
    ) {
        stopSteps(reason, now, &out)
        guard nextToCompensate != nil else { return close(as: status, now, &out) }
        state.status = .compensating
        state.extra.value.closing = status
        state.extra.value.compensation = .running
        emit(.runCompensating(reason: reason), now, &out)
        compensateNext(now, &out)
    }

    // MARK: Undoing

    /// The newest completed step that is not undone yet.
    private var nextToCompensate: Int? {
        var newest: (step: Int, sequence: Int64)?
        for step in state.plan.ownSteps..<state.plan.steps.count
        where state.steps[step].state == .pending {
            guard case .compensation(let done) = state.plan.steps[step].role,
                state.steps[done].state == .completed
            else { continue }
            let sequence = state.steps[done].extra.value.committedSequence
            if sequence > newest?.sequence ?? 0 { newest = (step, sequence) }
        }
        return newest?.step
    }

    /// One after the other, in the reverse of the order in which their steps completed. One that
    /// fails is noted and does not keep the others from being tried.
    mutating func compensateNext(_ now: Int64, _ out: inout RunOutput) {
        guard state.status == .compensating, let status = state.extra.value.closing else { return }
        if let step = nextToCompensate { return schedule(step, notBefore: now, now, &out) }
        if state.extra.value.compensation == .running {
            state.extra.value.compensation = .compensated
        }
        state.extra.value.closing = nil
        close(as: status, now, &out)
    }

    // MARK: Closing

    /// Ends every open step: what never ran is skipped, what ran or was due to is cancelled.
    private mutating func stopSteps(
        _ reason: String, _ now: Int64, _ out: inout RunOutput
    ) {
        for step in state.steps.indices where !state.steps[step].state.hasEnded {
            let isPending = state.steps[step].state == .pending
            if step >= state.plan.ownSteps, isPending {
                // Compensations wait for their turn; elements that were not begun leave no trace.
                if step >= state.plan.steps.count { state.steps[step].state = .skipped }
                continue
            }
            stopStep(step, isPending: isPending, reason, now, &out)
        }
    }

    private mutating func stopStep(
        _ step: Int, isPending: Bool, _ reason: String, _ now: Int64, _ out: inout RunOutput
    ) {
        if isPending || state.steps[step].state == .evaluating {
            state.steps[step].state = .skipped
            emit(.stepSkipped(step: id(step), reason: reason), now, &out)
        } else {
            closeChild(of: step, &out)
            out.actions.append(.stop(step: step))
            let attempt = state.steps[step].attempt
            state.steps[step].state = .cancelled
            emit(.stepCancelled(step: id(step), attempt: attempt, reason: reason), now, &out)
        }
        endAttempt(step, now)
    }

    private mutating func close(as status: RunStatus, _ now: Int64, _ out: inout RunOutput) {
        switch status {
        case .cancelled: emit(.runCancelled(reason: state.extra.value.reason), now, &out)
        case .terminated: emit(.runTerminated(reason: state.extra.value.reason), now, &out)
        case .timedOut: emit(.runTimedOut, now, &out)
        default: if let failure = state.failure { emit(.runFailed(failure: failure), now, &out) }
        }
        close(status, now, &out)
    }

    mutating func close(_ status: RunStatus, _ now: Int64, _ out: inout RunOutput) {
        // Compensations that had no turn.
        for step in state.plan.ownSteps..<state.steps.count
        where state.steps[step].state == .pending {
            state.steps[step].state = .skipped
        }
        state.status = status
        state.closedMillis = now
        out.actions.append(.closed)
    }
}
