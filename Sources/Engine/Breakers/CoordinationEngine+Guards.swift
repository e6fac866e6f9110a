import Coordination
import Store

/// Calls of the server's own agents pass the breakers that guard them without a round trip.
extension CoordinationEngine {
    /// What the breakers say to a call.
    enum Passage {
        case free([HeldPermit])
        case refused(by: Int32, BreakerRefusal)
    }

    /// Asks every breaker that guards an operation; all must let the call through.
    mutating func pass(
        _ namespace: Namespace, _ agentType: String, _ operation: String
    ) -> Passage {
        let name = ScopedName(namespace: namespace, name: agentType)
        guard let guards = breakers.guarding[name] else { return .free([]) }
        var permits: [HeldPermit] = []
        for cell in guards {
            let binding = breakers.cells[cell].breaker.definition.binding
            guard let binding, binding.operation.isEmpty || binding.operation == operation else {
                continue
            }
            let decision = breakers.cells[cell].breaker.permit(at: now)
            breakerLooked(cell)
            switch decision {
            case .granted(let permit):
                permits.append(
                    HeldPermit(
                        breaker: cell, serial: breakers.cells[cell].serial, permit: permit))
            case .refused(let refusal):
                noteLater(cell)
                release(permits)
                return .refused(by: cell, refusal)
            }
        }
        return .free(permits)
    }

    /// Refuses a call that a breaker does not let through.
    mutating func rejectGuarded(
        _ ticket: ReplyTicket, _ cell: Int32, _ refusal: BreakerRefusal
    ) {
        let name = breakers.cells[cell].breaker.definition.name
        reject(ticket, .breakerOpen(name, refusal), seen: breakers.cells[cell].changedIn)
    }

    /// How a guarded piece of work went; its permits are used up.
    mutating func judge(_ job: Int32, _ result: AssignmentResult) {
        let nanos = max(0, result.endedNanos - result.startedNanos)
        switch result.outcome {
        case .success: usePermits(of: job, durationNanos: nanos) { _ in .success }
        case .failure(let failure):
            usePermits(of: job, durationNanos: nanos) { binding in
                let isExcluded = binding?.excludedFailures.contains(failure.type) == true
                return failure.retryable && !isExcluded ? .failure : .excluded
            }
        }
    }

    /// A guarded piece of work was not done in its time: that is a failure.
    mutating func judgeTimeout(_ job: Int32) {
        guard jobs[job].phase == .running else { return }
        usePermits(of: job, durationNanos: max(0, now.monotonicNanos - jobs[job].grantedNanos)) {
            _ in .failure
        }
    }

    /// Gives back what a piece of work still holds: nothing is known of how it went.
    mutating func dropPermits(of job: Int32) {
        if jobs[job].permits.isEmpty { return }
        let permits = jobs[job].permits
        jobs[job].permits = []
        release(permits)
    }

    private mutating func release(_ permits: [HeldPermit]) {
        for held in permits where stands(held) {
            _ = breakers.cells[held.breaker].breaker.reported(
                held.permit, .excluded, durationNanos: 0, at: now, random: 0)
            wakeProbe(held.breaker)
        }
    }

    private mutating func usePermits(
        of job: Int32, durationNanos: Int64,
        _ verdict: (BreakerDefinition.Binding?) -> CallVerdict
    ) {
        if jobs[job].permits.isEmpty { return }
        let permits = jobs[job].permits
        jobs[job].permits = []
        for held in permits where stands(held) {
            let binding = breakers.cells[held.breaker].breaker.definition.binding
            _ = breakers.cells[held.breaker].breaker.reported(
                held.permit, verdict(binding), durationNanos: durationNanos, at: now,
                random: nextRandom())
            noteLater(held.breaker)
            breakerLooked(held.breaker)
            wakeProbe(held.breaker)
        }
    }

    private mutating func stands(_ held: HeldPermit) -> Bool {
        breakers.cells.contains(held.breaker)
            && breakers.cells[held.breaker].serial == held.serial
    }

    /// A probe of a half-open breaker has ended without deciding: another step may be one.
    private mutating func wakeProbe(_ cell: Int32) {
        guard breakers.cells[cell].breaker.state == .halfOpen,
            let next = breakers.cells[cell].held.popLast()
        else { return }
        wake([next])
    }

    // MARK: Steps

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
    private mutating func hold(
        _ run: Int32, _ step: Int, behind cell: Int32, _ refusal: BreakerRefusal
    ) {
        var hold = runs[run].steps[step].held ?? StepHold(endNanos: holdEnd(run, step))
        if hold.breaker != cell { breakers.cells[cell].held.append(HeldStep(run: run, step: step)) }
        hold.breaker = cell
        runs[run].steps[step].held = hold
        var due = hold.endNanos
        if refusal.state == .halfOpen, let wait = refusal.retryAfterNanos {
            let (again, isTooLate) = now.monotonicNanos.addingReportingOverflow(wait)
            if !isTooLate { due = min(due, again) }
        }
        armHold(run, step, atNanos: due)
    }

    /// A step that the mode holds fails when its time to start is over.
    mutating func armHoldEnd(_ run: Int32, _ step: Int) {
        let hold = runs[run].steps[step].held ?? StepHold(endNanos: holdEnd(run, step))
        runs[run].steps[step].held = hold
        armHold(run, step, atNanos: hold.endNanos)
    }

    private mutating func armHold(_ run: Int32, _ step: Int, atNanos due: Int64) {
        if runs[run].steps[step].timer >= 0 { timers.remove(runs[run].steps[step].timer) }
        runs[run].steps[step].timer =
            due == .max ? -1 : timers.insert(.held(run: run, step: step), key: due)
    }

    /// How long a step waits for its breakers at most. Unlike an instance that should be there, a
    /// breaker is waited for without limit unless the definition gives one.
    private mutating func holdEnd(_ run: Int32, _ step: Int) -> Int64 {
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
}

extension StepFailure {
    fileprivate static func heldTooLong(by breaker: String, _ limit: String) -> StepFailure {
        StepFailure(
            type: "breaker_open",
            message: "breaker \"\(breaker)\" let no call through within the step's \(limit); see "
                + "why it is open, or raise that", retryable: false)
    }
}
