import Coordination

/// Parked steps, found without looking at every run.
extension CoordinationEngine {
    /// The step has just been parked, or was when the run was restored.
    mutating func notePark(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        parked.insert(StepPlace(run: state.id, step: step), in: state.namespace)
    }

    mutating func forgetPark(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        parked.remove(StepPlace(run: state.id, step: step), in: state.namespace)
    }

    /// Lists what is parked; what was released since it was noted is forgotten on the way.
    mutating func listDeadLetters(
        _ namespace: Namespace, after: DeadLetterCursor?, limit: Int, _ ticket: ReplyTicket
    ) {
        var seen = BatchNumber.none
        var found: [DeadLetter] = []
        var next: DeadLetterCursor?
        var last = after?.place
        while let place = parked.first(after: last, in: namespace) {
            guard let run = runIndex[place.run],
                runs[run].machine.state.steps[place.step].state == .parked
            else {
                parked.remove(place, in: namespace)
                continue
            }
            if found.count == limit {
                next = last.map(DeadLetterCursor.init)
                break
            }
            last = place
            seen = max(seen, runs[run].changedIn)
            found.append(letter(run, place.step))
        }
        answer(ticket, .deadLetters(found, next: next), seen: seen)
    }

    private mutating func letter(_ run: Int32, _ step: Int) -> DeadLetter {
        let state = runs[run].machine.state
        return DeadLetter(
            run: state.id, workflowID: state.workflowID, definition: state.plan.definition.name,
            step: state.steps[step].summary(of: state.plan.steps[step].definition),
            parkedMillis: state.steps[step].notBeforeMillis,
            cursor: DeadLetterCursor(StepPlace(run: state.id, step: step)))
    }
}
