import Coordination

@testable import Engine

/// Looks through an engine between two turns for anything that could get stuck or does not add up.
enum EngineAudit {
    static func faults(_ engine: CoordinationEngine, pending: Set<Preparation.Purpose>) -> [String]
    {
        var faults: [String] = []
        var held: [Int32: Int] = [:]
        for index in engine.jobs.indices {
            let job = engine.jobs[index]
            if job.agent >= 0 { held[job.agent, default: 0] += 1 }
            faults += check(job, index, engine)
        }
        for agent in engine.pool.livingAgents
        where engine.pool.inFlight(of: agent) != held[agent, default: 0] {
            faults.append("slots of \(engine.pool.id(of: agent)) do not add up")
        }
        let takenUp = Set(engine.recovering[engine.takenUp...])
        for run in engine.runs.indices where !takenUp.contains(engine.runs[run].machine.state.id) {
            faults += check(run, engine, pending)
        }
        return faults
    }

    private static func check(
        _ job: Job, _ index: Int32, _ engine: CoordinationEngine
    ) -> [String] {
        var faults: [String] = []
        if job.agent >= 0, engine.tokens[job.token] != index {
            faults.append("a job holds a slot without its token")
        }
        if job.phase == .orphaned {
            if job.place != nil || job.agent >= 0 { faults.append("an orphan is in two places") }
        } else if (job.place != nil) == (job.agent >= 0) {
            faults.append("a job neither waits nor holds a slot, or both")
        }
        guard case .step(let run, let step) = job.work else { return faults }
        let cell = engine.runs[run]
        if cell.steps[step].job != index { faults.append("a step does not know its job") }
        if cell.machine.state.status.isClosed { faults.append("a closed run has live work") }
        if job.phase == .committing {
            let effects = engine.draft.effects.dispatches + engine.inFlightEffects.dispatches
            if !effects.contains(where: { $0.token == job.token }) {
                faults.append("a committing step has no dispatch")
            }
        } else if job.timer < 0 {
            faults.append("a step's job has no deadline")
        }
        return faults
    }

    /// Every open step of an open run must have something that will move it.
    private static func check(
        _ run: Int32, _ engine: CoordinationEngine, _ pending: Set<Preparation.Purpose>
    ) -> [String] {
        let cell = engine.runs[run]
        let state = cell.machine.state
        if state.status.isClosed || state.status == .queued { return checkQueued(run, engine) }
        var faults: [String] = []
        var isMoving =
            state.extra.value.isInputUnchecked && pending.contains(.runInput(state.id))
        for (step, record) in state.steps.enumerated() {
            let own = cell.steps[step]
            switch record.state {
            case .scheduled where state.status == .paused:
                isMoving = true
                if own.job >= 0 { faults.append("\(state.id): a paused step has a job") }
            case .scheduled, .running:
                isMoving = true
                let waits = HeldStep(run: run, step: step)
                let isHeld = engine.breakers.cells.indices.contains {
                    engine.breakers.cells[$0].held.contains(waits)
                }
                let place = StepPlace(run: state.id, step: step)
                let isPending =
                    pending.contains(.partInput(place, attempt: record.attempt))
                    || pending.contains(.elements(place, attempt: record.attempt))
                if own.job < 0, !isHeld, !isPending {
                    let kind = state.work(of: step).definition.kind
                    faults.append(
                        "\(state.id) \(state.status): \(record.state) step \(step) has no job, "
                            + "attempt \(record.attempt), \(kind)")
                }
            case .waiting:
                isMoving = true
                if let fault = checkWaiting(run, step, engine, pending) { faults.append(fault) }
            case .evaluating:
                isMoving = true
                if !pending.contains(.condition(StepPlace(run: state.id, step: step))) {
                    faults.append("\(state.id): nobody looks at the condition of step \(step)")
                }
            case .parked:
                isMoving = true
                if !engine.parked.contains(StepPlace(run: state.id, step: step)) {
                    faults.append("\(state.id): a parked step is not among the dead letters")
                }
            case .waitingRetry:
                isMoving = true
                if own.timer < 0 { faults.append("\(state.id): step \(step) has no timer") }
            case .pending: break
            case .completed, .failed, .skipped, .cancelled:
                if own.job >= 0 { faults.append("\(state.id): an ended step has a job") }
            }
        }
        let isPaused = state.status == .paused
        let isFinishing = cell.machine.isFinishing && pending.contains(.runResult(state.id))
        if !isMoving, !isPaused, !isFinishing {
            faults.append("\(state.id): nothing will ever move it")
        }
        return faults
    }

    /// A queued run stands behind the open one of its workflow id.
    private static func checkQueued(_ run: Int32, _ engine: CoordinationEngine) -> [String] {
        let state = engine.runs[run].machine.state
        guard state.status == .queued else { return [] }
        let name = ScopedName(namespace: state.namespace, name: state.workflowID)
        guard let active = engine.workflowIndex[name],
            engine.runs[active].followers.contains(run)
        else { return ["\(state.id): queued, but behind nobody"] }
        return []
    }

    /// What a waiting step waits for must be able to come.
    private static func checkWaiting(
        _ run: Int32, _ step: Int, _ engine: CoordinationEngine, _ pending: Set<Preparation.Purpose>
    ) -> String? {
        let cell = engine.runs[run]
        let state = cell.machine.state
        let record = state.steps[step]
        let place = StepPlace(run: state.id, step: step)
        if record.notBeforeMillis > 0, cell.steps[step].timer < 0 {
            return "\(state.id): waiting step \(step) has no timer"
        }
        if cell.machine.isCollecting(step) {
            return pending.contains(.collected(place, attempt: record.attempt))
                ? nil : "\(state.id): nobody puts the output of step \(step) together"
        }
        switch state.plan.steps[step].definition.kind {
        case .wait(let spec):
            let isDeaf = !spec.eventType.isEmpty && !cell.steps[step].isListening
            return isDeaf ? "\(state.id): step \(step) does not listen" : nil
        case .child:
            let child = record.extra.value.child.flatMap { engine.runIndex[$0] }
            return child == nil ? "\(state.id): the child of step \(step) is gone" : nil
        case .approval, .fanOut: return nil
        case .invoke, .publish: return "\(state.id): step \(step) waits for nothing"
        }
    }
}
