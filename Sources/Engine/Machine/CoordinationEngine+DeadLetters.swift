import Coordination

/// Parked steps, found without looking at every run.
extension CoordinationEngine {
    /// The step has just been parked, or was when the run was restored.
    mutating func notePark(_ run: Int32, _ step: Int) {
        parked.insert(StepPlace(run: runs[run].machine.state.id, step: step))
    }

    /// Lists what is parked; what was released since it was noted is forgotten on the way.
    mutating func listDeadLetters(
        _ namespace: Namespace, after: DeadLetterCursor?, limit: Int, _ ticket: ReplyTicket
    ) {
        var seen = BatchNumber.none
        var found: [DeadLetter] = []
        var last: StepPlace?
        var next: DeadLetterCursor?
        for place in parked.sorted(by: Self.isBefore) {
            guard let run = runIndex[place.run],
                runs[run].machine.state.steps[place.step].state == .parked
            else {
                parked.remove(place)
                continue
            }
            guard runs[run].machine.state.namespace == namespace,
                after.map({ Self.isBefore($0.place, place) }) ?? true
            else { continue }
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

    private func letter(_ run: Int32, _ step: Int) -> DeadLetter {
        let state = runs[run].machine.state
        return DeadLetter(
            run: state.id, workflowID: state.workflowID, definition: state.plan.definition.name,
            step: state.steps[step].summary(of: state.plan.steps[step].definition),
            parkedMillis: state.steps[step].notBeforeMillis,
            cursor: DeadLetterCursor(StepPlace(run: state.id, step: step)))
    }

    private static func isBefore(_ a: StepPlace, _ b: StepPlace) -> Bool {
        (a.run, a.step) < (b.run, b.step)
    }
}
