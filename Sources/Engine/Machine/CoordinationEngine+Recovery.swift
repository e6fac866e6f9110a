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
        recovering.append(state.id)
        let isQueued = state.status == .queued
        let run = insert(RunMachine(state, limits: limits.run), isQueued: isQueued)
        runs[run].sealedSequence = state.lastSequence
        rejoinFamily(run)
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
            returnEndNanos = monotonicNanos(inMillis: limits.returnMillis)
            recovering = []
            takenUp = 0
            armRestoredTimers()
            fireTimers()
            openGates()
            takeWaitingHellos()
        }
    }

    /// Whether restored runs are being taken up. Until all are, none of their timers is armed that tells
    /// of the past (their own time, retries, waits, lateness): what fell due while there was no process
    /// goes in the order in which it did, over all runs and before anything new.
    var isTakingUp: Bool { !recovering.isEmpty }

    private mutating func armRestoredTimers() {
        let restored = restoredTimers
        restoredTimers = []
        for timer in restored {
            guard let run = runIndex[timer.run], !runs[run].machine.state.status.isClosed else {
                continue
            }
            switch timer {
            case .run: armRun(run)
            case .step(let place, let millis):
                guard runs[run].machine.state.steps.indices.contains(place.step) else { continue }
                armStep(run, place.step, atMillis: millis)
            case .late(let place): armLateStep(run, place.step)
            }
        }
    }

    /// A step whose time for all attempts is over fails when that was.
    private mutating func armLateStep(_ run: Int32, _ step: Int) {
        let state = runs[run].machine.state
        guard state.steps.indices.contains(step), state.steps[step].state == .scheduled,
            let limit = runs[run].machine.deadline(of: step)
        else { return }
        armHold(run, step, atNanos: monotonicNanos(atWallMillis: limit))
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

/// Something of a restored run that is due at a time.
enum RestoredTimer: Sendable {
    /// The run's own time is over.
    case run(RunID)
    /// A retry is due, or a wait is over, at this instant of the wall clock.
    case step(StepPlace, atMillis: Int64)
    /// A step may not begin any more.
    case late(StepPlace)

    /// Whose it is.
    var run: RunID {
        switch self {
        case .run(let run): run
        case .step(let place, _), .late(let place): place.run
        }
    }
}
