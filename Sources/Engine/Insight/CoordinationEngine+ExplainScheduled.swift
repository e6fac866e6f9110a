import Coordination

/// Why a step that may run has not begun.
extension CoordinationEngine {
    mutating func explainScheduled(
        _ run: Int32, _ step: Int, _ state: RunState, _ cause: inout RunCause
    ) {
        if state.status == .paused {
            cause.kind = .run
            cause.message = "begins when the run goes on"
            return
        }
        let job = runs[run].steps[step].job
        let definition = state.work(of: step).definition
        guard job >= 0 else {
            return explainHeld(HeldStep(run: run, step: step), state, &cause)
        }
        if let gate = keys.jobs[job]?.waitsAt, gate >= 0 {
            explainGate(gate, job, &cause)
        } else if isHeldByDrain(job) {
            cause.kind = .noAgent
            cause.message = "the server drains: the step begins after its next start"
        } else if jobs[job].phase == .waiting {
            explainLine(job, definition, &cause)
        } else {
            cause.message = "its input is made, then its start is written"
        }
    }

    /// Nothing works for the step: the mode or a breaker keeps it, or its input is made.
    private mutating func explainHeld(
        _ held: HeldStep, _ state: RunState, _ cause: inout RunCause
    ) {
        if let mode = breakers.modes[state.namespace], mode.held.contains(held) {
            cause.kind = .mode
            cause.message = "held while the operating mode is \(self.mode(of: state.namespace))"
            return
        }
        if let wait = ballots.waiting[StepPlace(run: state.id, step: held.step)] {
            return explain(wait, &cause)
        }
        guard let hold = runs[held.run].steps[held.step].held,
            breakers.cells.contains(hold.breaker)
        else {
            cause.message = "its input is made"
            return
        }
        let breaker = breakers.cells[hold.breaker].breaker
        cause.kind = .breaker
        cause.waitsFor = [breaker.definition.name]
        cause.message = "breaker \"\(breaker.definition.name)\" is \(breaker.state.word)"
        if let next = breaker.nextDeadlineNanos(at: now) {
            cause.untilMillis = wallMillis(atNanos: next)
        }
    }

    private mutating func explainGate(_ gate: Int32, _ job: Int32, _ cause: inout RunCause) {
        let key = keys.gates.key(of: gate)
        let name = key.name.name
        cause.kind = .key
        cause.waitsFor = [name]
        cause.position = keys.gates.position(of: job, at: gate) ?? 0
        let place = "number \(cause.position + 1) of \(keys.gates.waiting(gate))"
        if keys.gates.isShut {
            cause.message = "\(place) at key \"\(name)\", which opens when all runs are taken up"
        } else if let cell = keys.pauseIndex[key.name] {
            let pause = keys.pauses[cell].pause
            cause.message =
                "\(place) at key \"\(name)\", which is paused"
                + (pause.reason.isEmpty ? "" : ": \(pause.reason)")
            cause.untilMillis = pause.untilMillis
        } else if key.isRate {
            cause.message = "\(place) that wait for the pace of key \"\(name)\""
            if let wake = keys.gates.wakeNanos(gate, now: now.monotonicNanos), cause.position == 0 {
                cause.untilMillis = wallMillis(atNanos: wake)
            }
        } else {
            let held = keys.gates.holders(gate).count
            cause.message = "\(place) behind the \(held) steps that hold key \"\(name)\""
        }
    }

    private mutating func explainLine(
        _ job: Int32, _ definition: StepDefinition, _ cause: inout RunCause
    ) {
        let type = pool.name(ofType: jobs[job].type)
        let alive = pool.aliveCount(type: jobs[job].type)
        let able = pool.aliveCount(type: jobs[job].type, having: definition.operation)
        cause.waitsFor = [type]
        if alive == 0 {
            cause.kind = .noAgent
            cause.message = "no instance of agent type \"\(type)\" is alive"
        } else if able == 0 {
            cause.kind = .noAgent
            cause.message =
                "none of the \(alive) instances of agent type \"\(type)\" that are alive has operation "
                + "\"\(definition.operation)\""
        } else {
            cause.kind = .queue
            let which = able == alive ? "" : " of those that have \"\(definition.operation)\""
            cause.message =
                "no instance of agent type \"\(type)\" takes new work: \(able)\(which) are alive, and "
                + "busy, draining or isolated"
        }
        if type != definition.agentType {
            cause.message += " (\"\(type)\" stands in for \"\(definition.agentType)\")"
        }
        if jobs[job].timer >= 0 { cause.untilMillis = wallMillis(atNanos: jobs[job].dueNanos) }
    }
}
