/// What became of looking whether a step's condition holds.
extension RunMachine {
    /// The step's condition was looked at: it begins, or is skipped and counts as ended.
    public mutating func conditionKnown(
        _ step: Int, holds: Bool, at now: Int64, into out: inout RunOutput
    ) {
        guard isEvaluating(step) else { return }
        if holds { return begin(step, now, &out) }
        state.steps[step].state = .skipped
        emit(.stepSkipped(step: id(step), reason: "its condition does not hold"), now, &out)
        ended(step, now, &out)
    }

    /// The step's condition could not be looked at: it fails.
    public mutating func conditionFailed(
        _ step: Int, _ failure: StepFailure, at now: Int64, into out: inout RunOutput
    ) {
        guard isEvaluating(step) else { return }
        countAttempt(step, now)
        giveUp(step, failure, now, &out)
    }

    /// Whether the step waits for its condition to be looked at.
    public func isEvaluating(_ step: Int) -> Bool {
        isGoing && state.steps.indices.contains(step) && state.steps[step].state == .evaluating
    }
}
