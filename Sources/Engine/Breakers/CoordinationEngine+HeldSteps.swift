import Coordination

/// Steps that a breaker does not let go: they wait behind it, oldest first.
extension CoordinationEngine {
    /// Whether a step may go for a slot now, and with which permits; `nil`: it waits or has ended.
    mutating func leave(forStep step: Int, of run: Int32) -> [HeldPermit]? {
        let state = runs[run].machine.state
        let definition = state.work(of: step).definition
        if breakers.guarding.isEmpty {
            runs[run].steps[step].held = nil
            return []
        }
        switch pass(state.namespace, definition.agentType, definition.operation) {
        case .free(let permits):
            runs[run].steps[step].held = nil
            return permits
        case .refused(let cell, let refusal):
            hold(run, step, behind: cell, refusal)
            return nil
        }
    }

    /// The step waits for a breaker: until its state changes, until it says that asking may help, or
    /// until the step's own time to start is over.
    mutating func hold(
        _ run: Int32, _ step: Int, behind cell: Int32, _ refusal: BreakerRefusal
    ) {
        var hold = runs[run].steps[step].held ?? StepHold(endNanos: holdEnd(run, step))
        if hold.breaker != cell { joinHeld(cell, HeldStep(run: run, step: step)) }
        hold.breaker = cell
        runs[run].steps[step].held = hold
        var due = hold.endNanos
        if refusal.state == .halfOpen, let wait = refusal.retryAfterNanos {
            let (again, isTooLate) = now.monotonicNanos.addingReportingOverflow(wait)
            if !isTooLate { due = min(due, again) }
        }
        armHold(run, step, atNanos: due)
    }

    private mutating func joinHeld(_ cell: Int32, _ step: HeldStep) {
        breakers.cells[cell].held.append(step)
        guard breakers.cells[cell].held.isLong else { return }
        var line = breakers.cells[cell].held
        breakers.cells[cell].held = HeldLine()
        line.keep { $0 == step || isHeld($0, behind: cell) }
        breakers.cells[cell].held = line
    }

    /// Whether a step in a breaker's line waits for it still, be its run paused. One that does not is in
    /// no line any more.
    private mutating func isHeld(_ held: HeldStep, behind cell: Int32) -> Bool {
        guard stands(held), runs[held.run].steps[held.step].held?.breaker == cell else {
            return false
        }
        let state = runs[held.run].machine.state
        if state.steps[held.step].state == .scheduled, !state.status.isClosed { return true }
        runs[held.run].steps[held.step].held?.breaker = -1
        return false
    }

    /// A step that the mode holds fails when its time to start is over.
    mutating func armHoldEnd(_ run: Int32, _ step: Int) {
        let hold = runs[run].steps[step].held ?? StepHold(endNanos: holdEnd(run, step))
        runs[run].steps[step].held = hold
        armHold(run, step, atNanos: hold.endNanos)
    }

    mutating func armHold(_ run: Int32, _ step: Int, atNanos due: Int64) {
        if runs[run].steps[step].timer >= 0 { timers.remove(runs[run].steps[step].timer) }
        runs[run].steps[step].timer =
            due == .max ? -1 : timers.insert(.held(run: run, step: step), key: due)
    }

    /// How long a step waits for its breakers at most. Unlike an instance that should be there, a
    /// breaker is waited for without limit unless the definition gives one.
    mutating func holdEnd(_ run: Int32, _ step: Int) -> Int64 {
        let definition = runs[run].machine.state.work(of: step).definition
        let start = definition.scheduleToStartMillis.map { monotonicNanos(inMillis: $0) }
        let close = runs[run].machine.deadline(of: step).map { monotonicNanos(atWallMillis: $0) }
        return min(start ?? .max, close ?? .max)
    }

    mutating func heldStepDue(_ run: Int32, _ step: Int) {
        runs[run].steps[step].timer = -1
        guard mayTryAgain(HeldStep(run: run, step: step)) else { return }
        guard let hold = runs[run].steps[step].held, hold.endNanos <= now.monotonicNanos else {
            return actions.append((run, .schedule(step: step)))
        }
        runs[run].steps[step].held = nil
        let failure = heldTooLong(run, step, hold)
        stopHolding(run, step)
        let at = now.wallMillis
        change(run) { machine, out, _ in
            machine.startFailed(step, failure, at: at, into: &out)
        }
    }

    private mutating func heldTooLong(
        _ run: Int32, _ step: Int, _ hold: StepHold
    ) -> StepFailure {
        let limit = limitOfStart(run, step)
        if runs[run].steps[step].isHeldByMode {
            return .heldByMode(mode(of: runs[run].machine.state.namespace), limit)
        }
        return .heldTooLong(by: breakerName(hold.breaker), limit)
    }

    private mutating func breakerName(_ cell: Int32) -> String {
        breakers.cells.contains(cell) ? breakers.cells[cell].breaker.definition.name : ""
    }

    /// Lets steps try again. Those that have been stopped, or have gone on, are passed over.
    mutating func wake(_ held: [HeldStep]) {
        for waiting in held where stands(waiting) {
            let (run, step) = (waiting.run, waiting.step)
            // It stands in no breaker's list any more.
            runs[run].steps[step].held?.breaker = -1
            guard mayTryAgain(waiting) else { continue }
            if runs[run].steps[step].timer >= 0 {
                timers.remove(runs[run].steps[step].timer)
                runs[run].steps[step].timer = -1
            }
            actions.append((run, .schedule(step: step)))
        }
    }

    private mutating func stands(_ held: HeldStep) -> Bool {
        runs.contains(held.run) && runs[held.run].steps.indices.contains(held.step)
    }

    /// Whether a step still waits to start.
    private mutating func mayTryAgain(_ held: HeldStep) -> Bool {
        guard stands(held) else { return false }
        let cell = runs[held.run]
        return cell.steps[held.step].job < 0 && !cell.machine.state.status.isClosed
            && cell.machine.state.status != .paused
            && cell.machine.state.steps[held.step].state == .scheduled
    }

    /// A probe of a half-open breaker has ended without deciding: another step may be one, the one
    /// that has waited longest.
    mutating func wakeProbe(_ cell: Int32) {
        guard breakers.cells[cell].breaker.hasProbe else { return }
        while let next = breakers.cells[cell].held.popFirst() {
            guard isHeld(next, behind: cell) else { continue }
            let mayGo = mayTryAgain(next)
            wake([next])
            if mayGo { return }
        }
    }
}

extension StepFailure {
    fileprivate static func heldTooLong(by breaker: String, _ limit: String) -> StepFailure {
        StepFailure(
            type: "breaker_open",
            message: "breaker \"\(breaker)\" let no call through within the step's \(limit); see "
                + "why it is open, or raise that", retryable: false)
    }
}
