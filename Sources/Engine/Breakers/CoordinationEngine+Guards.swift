import Coordination

/// Calls of the server's own agents pass the breakers that guard them without a round trip.
extension CoordinationEngine {
    /// What the breakers say to a call.
    enum Passage {
        case free([HeldPermit])
        case refused(by: Int32, BreakerRefusal)
    }

    /// Asks every breaker that guards an operation; all must let the call through.
    ///
    /// - Parameter held: leave that the call has already. Those that gave it are not asked again while
    ///   it is good.
    mutating func pass(
        _ namespace: Namespace, _ agentType: String, _ operation: String,
        holding held: [HeldPermit] = []
    ) -> Passage {
        let name = ScopedName(namespace: namespace, name: agentType)
        guard let guards = breakers.guarding[name] else { return .free([]) }
        var permits: [HeldPermit] = []
        for cell in guards {
            let binding = breakers.cells[cell].breaker.definition.binding
            guard let binding, binding.operation.isEmpty || binding.operation == operation else {
                continue
            }
            if let known = held.first(where: { $0.breaker == cell }), isGood(known) {
                permits.append(known)
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
                release(permits.filter { !held.contains($0) })
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

    /// An instance was lost with a guarded piece of work in its hands: that is a failure, so that what
    /// kills whoever takes it up opens a breaker.
    mutating func judgeLoss(_ job: Int32) {
        guard jobs[job].phase == .running, !isDraining else { return }
        usePermits(of: job, durationNanos: max(0, now.monotonicNanos - jobs[job].grantedNanos)) {
            $0?.excludedFailures.contains("instance_lost") == true ? .excluded : .failure
        }
        jobs[job].guardsSeen = Self.guardsUnseen
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

    private mutating func isGood(_ held: HeldPermit) -> Bool {
        stands(held) && breakers.cells[held.breaker].breaker.isGood(held.permit, at: now)
    }

    // MARK: Work in line

    /// Breakers have been asked for nothing yet, or must be asked again.
    private static var guardsUnseen: UInt32 { .max }

    /// What the breakers gave a piece of work before it goes for a slot.
    mutating func guardJob(_ job: Int32, with permits: [HeldPermit]) {
        jobs[job].permits = permits
        // A probe's time may end while it stands in line, though no breaker changes.
        let hasProbe = permits.contains { $0.permit.isProbe }
        jobs[job].guardsSeen = hasProbe ? Self.guardsUnseen : breakers.changes
    }

    /// Whether a breaker keeps a piece of work from the slot that it has got: one opened, or was put,
    /// since it was asked. The work and the slot are gone then.
    mutating func isTurnedBack(_ job: Int32, _ agent: Int32) -> Bool {
        if jobs[job].guardsSeen == breakers.changes { return false }
        let permits = jobs[job].permits
        switch passAgain(job, holding: permits) {
        case .free(let granted):
            guardJob(job, with: granted)
            return false
        case .refused(let cell, let refusal):
            jobs[job].permits = permits.filter { isGood($0) }
            pool.freeSlot(of: agent)
            turnBack(job, cell, refusal)
            return true
        }
    }

    private mutating func passAgain(_ job: Int32, holding permits: [HeldPermit]) -> Passage {
        switch jobs[job].work {
        case .invoke(let part):
            if part.isProbe { return .free([]) }
            let invoke = part.invoke
            return pass(
                invoke.namespace, invoke.agentType, invoke.operation, holding: permits)
        case .step(let run, let step):
            let state = runs[run].machine.state
            let definition = state.work(of: step).definition
            return pass(
                state.namespace, definition.agentType, definition.operation, holding: permits)
        }
    }

    /// A call is refused; a step waits, with what is left of its time to start. Its part of a rate key's
    /// pace is over since it stood in line, and is not given back.
    private mutating func turnBack(_ job: Int32, _ cell: Int32, _ refusal: BreakerRefusal) {
        switch jobs[job].work {
        case .invoke(let part):
            let breaker = breakers.cells[cell]
            turnAway(
                job, part.ticket, .breakerOpen(breaker.breaker.definition.name, refusal),
                seen: breaker.changedIn)
        case .step(let run, let step):
            let definition = runs[run].machine.state.work(of: step).definition
            let isTimed = definition.scheduleToStartMillis != nil
            let end = min(holdEnd(run, step), isTimed ? jobs[job].dueNanos : .max)
            endStep(job)
            runs[run].steps[step].held = StepHold(endNanos: end)
            hold(run, step, behind: cell, refusal)
        }
    }
}
