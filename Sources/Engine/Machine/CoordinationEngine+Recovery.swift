import Coordination
import Store

/// Taking up what an earlier process left, before the first turn.
extension CoordinationEngine {
    /// A definition that the store holds.
    public mutating func restore(
        _ plan: WorkflowPlan, id: PayloadID, namespace: Namespace
    ) {
        let name = ScopedName(namespace: namespace, name: plan.definition.name)
        definitions[name] = DefinitionEntry(plan: plan, planID: id)
        router.setTriggers(of: name.name, plan.definition.triggers, in: namespace)
    }

    /// An open run that the store holds. The next turns take it up, some per batch: attempts that
    /// ran when the old process ended become lost and are made again.
    public mutating func restore(_ state: RunState, at time: EngineTime) {
        precondition(!state.status.isClosed, "only open runs are restored")
        advance(to: time)
        let isQueued = state.status == .queued
        let run = insert(RunMachine(state, limits: limits.run), isQueued: isQueued)
        runs[run].sealedSequence = state.lastSequence
        rejoinFamily(run)
        recovering.append(state.id)
        shutGates()
        ready.notices.append(.workflowRecovered(definition: state.plan.definition.name))
        meter.runRecovered()
    }

    /// Takes up restored runs, oldest first, as far as the filling batch has room.
    mutating func takeUpRecoveredRuns() {
        while hasRoom, takenUp < recovering.count {
            let run = runIndex[recovering[takenUp]]
            takenUp += 1
            // A run that its own time or a caller has ended meanwhile may have left already.
            guard let run else { continue }
            draft.commands += 1
            let at = now.wallMillis
            change(run) { machine, out, _ in machine.recovered(at: at, into: &out) }
            if runs[run].machine.state.status == .queued { queueAgain(run) }
            settle()
        }
        if takenUp == recovering.count, takenUp > 0 {
            recovering = []
            takenUp = 0
            openGates()
            takeWaitingHellos()
        }
    }

    /// A restored run waits again for the open one of its workflow id, or begins if that has ended.
    private mutating func queueAgain(_ run: Int32) {
        let state = runs[run].machine.state
        let name = ScopedName(namespace: state.namespace, name: state.workflowID)
        if let active = workflowIndex[name], !runs[active].machine.state.status.isClosed {
            runs[active].followers.append(run)
        } else {
            takeTurn(run)
        }
    }
}
