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

    private func stands(_ held: HeldPermit) -> Bool {
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
        if breakers.guarding.isEmpty { return [] }
        switch pass(state.namespace, definition.agentType, definition.operation) {
        case .free(let permits): return permits
        case .refused(let cell, let refusal):
            hold(run, step, behind: cell, refusal)
            return nil
        }
    }

    /// The step waits for a breaker: until its state changes, or until it says that asking may help.
    private mutating func hold(
        _ run: Int32, _ step: Int, behind cell: Int32, _ refusal: BreakerRefusal
    ) {
        breakers.cells[cell].held.append(HeldStep(run: run, step: step))
        guard refusal.state == .halfOpen, let wait = refusal.retryAfterNanos else { return }
        let (due, isTooLate) = now.monotonicNanos.addingReportingOverflow(wait)
        if runs[run].steps[step].timer >= 0 || isTooLate { return }
        runs[run].steps[step].timer = timers.insert(.held(run: run, step: step), key: due)
    }

    mutating func heldStepDue(_ run: Int32, _ step: Int) {
        runs[run].steps[step].timer = -1
        wake([HeldStep(run: run, step: step)])
    }

    /// Lets steps try again. Those that have been stopped, or have gone on, are passed over.
    mutating func wake(_ held: [HeldStep]) {
        for waiting in held where runs.contains(waiting.run) {
            let cell = runs[waiting.run]
            guard cell.steps.indices.contains(waiting.step), cell.steps[waiting.step].job < 0,
                !cell.machine.state.status.isClosed, cell.machine.state.status != .paused,
                cell.machine.state.steps[waiting.step].state == .scheduled
            else { continue }
            if cell.steps[waiting.step].timer >= 0 {
                timers.remove(cell.steps[waiting.step].timer)
                runs[waiting.run].steps[waiting.step].timer = -1
            }
            actions.append((waiting.run, .schedule(step: waiting.step)))
        }
    }
}
