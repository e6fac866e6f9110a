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
        var asked = engine
        for agent in engine.pool.livingAgents
        where engine.pool.inFlight(of: agent) != held[agent, default: 0]
            || asked.tokensHeld(by: agent).count != held[agent, default: 0]
        {
            faults.append("slots of \(engine.pool.id(of: agent)) do not add up")
        }
        faults += checkKeys(engine)
        faults += CrowdAudit.faults(engine, pending: pending)
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
        } else if let keyed = engine.keys.jobs[index], keyed.waitsAt >= 0 {
            return faults + checkGate(job, index, keyed, engine)
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

    /// Work at a gate stands in its line, and nowhere else.
    private static func checkGate(
        _ job: Job, _ index: Int32, _ keyed: KeyedJob, _ engine: CoordinationEngine
    ) -> [String] {
        var faults: [String] = []
        if job.place != nil || job.agent >= 0 || job.phase != .waiting {
            faults.append("work at a gate is elsewhere too")
        }
        if engine.keys.gates.position(of: index, at: keyed.waitsAt) == nil {
            faults.append("work that waits at a gate is not in its line")
        }
        return faults
    }

    /// No more work holds a key than the most generous of its steps allows, counted from the work
    /// itself; and whoever waits for a key that has room waits for something else too.
    private static func checkKeys(_ engine: CoordinationEngine) -> [String] {
        var held: [KeyName: (count: Int, limit: Int)] = [:]
        for index in engine.jobs.indices {
            guard case .step(let run, let step) = engine.jobs[index].work else { continue }
            let state = engine.runs[run].machine.state
            guard let key = state.work(of: step).definition.concurrency,
                engine.keys.jobs[index]?.stage != .concurrency
            else { continue }
            let name = KeyName(namespace: state.namespace, name: key.key)
            let known = held[name] ?? (0, 0)
            held[name] = (known.count + 1, max(known.limit, key.limit))
        }
        var faults = held.filter { $0.value.count > $0.value.limit }.map {
            "\($0.value.count) steps hold key \($0.key.name), at most \($0.value.limit) may"
        }
        let gates = engine.keys.gates
        for gate in gates.all where gates.waiting(gate) > 0 && !gates.isShut {
            let isHeld = !gates.holders(gate).isEmpty
            if !isHeld, engine.keys.timers[gate] == nil {
                faults.append("nothing will ever open key \(gates.key(of: gate).name.name)")
            }
            if engine.keys.timers[gate] == nil, let first = gates.waiters(gate).first,
                let wake = gates.wakeNanos(gate, now: engine.now.monotonicNanos), wake < .max
            {
                faults.append("job \(first) waits at a gate that time opens, without a timer")
            }
        }
        let holding = gates.all.reduce(0) { $0 + gates.holders($1).count }
        if holding != engine.keys.jobs.values.count(where: { $0.held >= 0 }) {
            faults.append("holders of keys do not add up")
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
                if let fault = checkScheduled(run, step, engine, pending) { faults.append(fault) }
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
                if !engine.parked.contains(
                    StepPlace(run: state.id, step: step), in: state.namespace)
                {
                    faults.append("\(state.id): a parked step is not among the dead letters")
                }
            case .waitingRetry:
                isMoving = true
                if own.timer < 0, !engine.isTakingUp {
                    faults.append("\(state.id): step \(step) has no timer")
                }
            case .pending: break
            case .completed, .failed, .skipped, .cancelled:
                if own.job >= 0 { faults.append("\(state.id): an ended step has a job") }
            }
        }
        let isPaused = state.status == .paused
        let isFinishing = cell.machine.isFinishing && pending.contains { $0.ends(state.id) }
        if !isMoving, !isPaused, !isFinishing {
            faults.append("\(state.id): nothing will ever move it")
        }
        return faults
    }

    /// A scheduled step has a job, or waits for a breaker, for a mode, for voters, or for its input.
    private static func checkScheduled(
        _ run: Int32, _ step: Int, _ engine: CoordinationEngine, _ pending: Set<Preparation.Purpose>
    ) -> String? {
        let own = engine.runs[run].steps[step]
        if own.job >= 0 { return nil }
        let state = engine.runs[run].machine.state
        let record = state.steps[step]
        let waits = HeldStep(run: run, step: step)
        if own.isHeldByMode {
            return engine.breakers.modes[state.namespace]?.held.contains(waits) == true
                ? nil : "\(state.id): no mode knows the held step \(step)"
        }
        let cells = engine.breakers.cells
        if cells.indices.contains(where: { cells[$0].held.contains(waits) }) { return nil }
        let place = StepPlace(run: state.id, step: step)
        let purposes: [Preparation.Purpose] = [
            .partInput(place, attempt: record.attempt), .elements(place, attempt: record.attempt),
            .cachedInput(place, attempt: record.attempt),
            .ballotOutput(place, attempt: record.attempt),
        ]
        if engine.ballots.ofSteps[place] != nil { return nil }
        // A timer wakes it, or will when all restored runs are taken up.
        if own.timer >= 0 || engine.isTakingUp { return nil }
        if purposes.contains(where: pending.contains) { return nil }
        if engine.ballots.waiting[place] != nil { return checkWaitForVoters(run, step, engine) }
        return "\(state.id) \(state.status): \(record.state) step \(step) has no job, "
            + "attempt \(record.attempt), \(state.work(of: step).definition.kind)"
    }

    /// A step waits for voters only while some are missing, and not for ever.
    private static func checkWaitForVoters(
        _ run: Int32, _ step: Int, _ engine: CoordinationEngine
    ) -> String? {
        var engine = engine
        let state = engine.runs[run].machine.state
        let definition = state.work(of: step).definition
        guard !engine.isDraining, case .ballot(let spec) = definition.kind else { return nil }
        if engine.absence(of: spec, asked: definition.operation) == nil {
            return "\(state.id): step \(step) waits for voters who are there"
        }
        return engine.runs[run].steps[step].timer >= 0
            ? nil : "\(state.id): step \(step) waits for its voters for ever"
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
        if record.notBeforeMillis > 0, cell.steps[step].timer < 0, !engine.isTakingUp {
            return "\(state.id): waiting step \(step) has no timer"
        }
        if cell.machine.isCollecting(step) {
            return pending.contains(.collected(place, attempt: record.attempt))
                || pending.contains(.loopEnd(place, attempt: record.attempt))
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
        case .invoke, .publish, .continueAsNew, .ballot:
            return "\(state.id): step \(step) waits for nothing"
        }
    }
}

extension Preparation.Purpose {
    /// Whether it is the last thing that a run waits for.
    fileprivate func ends(_ run: RunID) -> Bool {
        switch self {
        case .runResult(run), .successor(run, _): true
        default: false
        }
    }
}
