/// Steps whose turn comes in a mode in which they do not run.
extension RunMachine {
    /// What a scheduled step does in a mode. Elements of a list cannot be skipped or answered one
    /// by one, so they are refused.
    public func behavior(of step: Int, in mode: OperatingMode) -> StepBehavior {
        let behavior = state.work(of: step).definition.modes[mode]
        guard step >= state.plan.steps.count, behavior != .run, behavior != .hold else {
            return behavior
        }
        return .refuse
    }

    /// The step waits for another mode: it stays scheduled.
    public mutating func heldByMode(
        _ step: Int, _ mode: OperatingMode, at now: Int64, into out: inout RunOutput
    ) {
        // A mode that changes for ever must not fill the history.
        guard state.steps[step].state == .scheduled, hasRoomForAttempt else { return }
        note(step, .hold, mode, now, &out)
    }

    /// The step is not for this mode and counts as ended.
    public mutating func skippedByMode(
        _ step: Int, _ mode: OperatingMode, at now: Int64, into out: inout RunOutput
    ) {
        guard isGoing, step < state.plan.ownSteps, state.steps[step].state == .scheduled else {
            return
        }
        state.steps[step].state = .skipped
        emit(
            .stepSkipped(step: id(step), reason: "the operating mode is \(mode)"), now, &out)
        ended(step, now, &out)
    }

    /// The step gets an output that was remembered.
    public mutating func answeredFromCache(
        _ step: Int, _ output: PayloadID, bytes: Int, _ mode: OperatingMode, at now: Int64,
        into out: inout RunOutput
    ) {
        guard isGoing, state.steps[step].state == .scheduled else { return }
        if let failure = refusal(ofOutputBytes: bytes) { return giveUp(step, failure, now, &out) }
        note(step, .cached, mode, now, &out)
        state.steps[step].startedMillis = state.steps[step].startedMillis ?? now
        state.payloadBytes += bytes
        complete(step, output: output, now, &out)
    }

    private mutating func note(
        _ step: Int, _ behavior: StepBehavior, _ mode: OperatingMode, _ now: Int64,
        _ out: inout RunOutput
    ) {
        let attempt = state.steps[step].attempt
        emit(
            .stepModeApplied(step: id(step), attempt: attempt, behavior: behavior, mode: mode),
            now, &out)
    }
}
