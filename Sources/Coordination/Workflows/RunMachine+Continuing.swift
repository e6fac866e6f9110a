/// Runs that end by a successor: the last step gives its input, the engine makes the run.
extension RunMachine {
    /// A run that is continued lives so long at least, so that a loop does not run hot.
    static let shortestLifeMillis: Int64 = 1_000

    /// The input of a `continue_as_new` step is made: it becomes the successor's when every other
    /// step has ended.
    ///
    /// - Parameter newBytes: 0 when it shares the payload of a step or the run's input.
    public mutating func successorInputReady(
        _ step: Int, _ input: PayloadID, newBytes: Int, at now: Int64, into out: inout RunOutput
    ) {
        guard state.steps[step].state == .scheduled else { return }
        if let failure = refusal(ofOutputBytes: newBytes) {
            return giveUp(step, failure, now, &out)
        }
        state.steps[step].startedMillis = state.steps[step].startedMillis ?? now
        state.payloadBytes += newBytes
        complete(step, output: input, now, &out)
    }

    /// Another run has taken this one's place.
    public mutating func continued(
        as successor: RunID, at now: Int64, into out: inout RunOutput
    ) {
        guard isFinishing else { return }
        state.extra.value.continuedAs = successor
        emit(.runContinued(as: successor), now, &out)
        close(.continuedAsNew, now, &out)
    }

    /// A child was continued as another run, whose end the step waits for now. Makes no event: a
    /// child that goes on for ever must not fill its parent's history.
    ///
    /// - Returns: whether the step waits for it.
    public mutating func childContinued(_ step: Int, _ child: RunID, as successor: RunID) -> Bool {
        guard state.steps.indices.contains(step), state.steps[step].state == .waiting,
            state.steps[step].extra.value.child == child
        else { return false }
        state.steps[step].extra.value.child = successor
        return true
    }
}

extension RunState {
    /// What the run goes on as, once every step has ended: the first of its `continue_as_new` steps
    /// that was reached, and the payload that is the successor's input.
    public var continuation: (spec: ContinueSpec, input: PayloadID)? {
        for (step, record) in zip(plan.steps, steps) {
            guard case .continueAsNew(let spec) = step.definition.kind, record.state == .completed,
                let input = record.output
            else { continue }
            return (spec, input)
        }
        return nil
    }
}
