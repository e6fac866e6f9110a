import Coordination

@testable import Engine

/// Looks through an engine between two turns for anything that could get stuck or does not add up.
enum EngineAudit {
    static func faults(_ engine: CoordinationEngine, pendingResults: Set<RunID>) -> [String] {
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
            faults += check(run, engine, pendingResults)
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
        _ run: Int32, _ engine: CoordinationEngine, _ pendingResults: Set<RunID>
    ) -> [String] {
        let cell = engine.runs[run]
        let state = cell.machine.state
        if state.status.isClosed { return [] }
        var faults: [String] = []
        var isMoving = false
        for (step, record) in state.steps.enumerated() {
            let own = cell.steps[step]
            switch record.state {
            case .scheduled, .running:
                isMoving = true
                let waits = HeldStep(run: run, step: step)
                let isHeld = engine.breakers.cells.indices.contains {
                    engine.breakers.cells[$0].held.contains(waits)
                }
                if own.job < 0, !isHeld {
                    faults.append("\(state.id): step \(step) has no job")
                }
            case .waitingRetry:
                isMoving = true
                if own.timer < 0 { faults.append("\(state.id): step \(step) has no timer") }
            case .pending: break
            case .completed, .failed, .skipped, .cancelled:
                if own.job >= 0 { faults.append("\(state.id): an ended step has a job") }
            }
        }
        if !isMoving, !(cell.machine.isFinishing && pendingResults.contains(state.id)) {
            faults.append("\(state.id): nothing will ever move it")
        }
        return faults
    }
}
