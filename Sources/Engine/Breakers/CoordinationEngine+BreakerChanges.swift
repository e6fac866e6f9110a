import Coordination
import Store

/// What follows when a breaker is in another state: its row, its timer, the mode, watchers, steps.
extension CoordinationEngine {
    /// Looks whether a breaker has changed; everything that may change one calls this.
    ///
    /// - Parameter isForced: something else about it changed that watchers should know.
    mutating func breakerLooked(_ cell: Int32, isForced: Bool = false) {
        let generation = breakers.cells[cell].breaker.generation
        guard generation != breakers.cells[cell].seenGeneration || isForced else { return }
        breakers.cells[cell].seenGeneration = generation
        storeBreaker(cell)
        armBreaker(cell)
        noteLater(cell)
        let namespace = breakers.cells[cell].namespace
        let breaker = breakers.cells[cell].breaker
        draft.effects.notices.append(
            .guarding(
                .breakerState(
                    namespace: namespace, name: breaker.definition.name, state: breaker.state)))
        tellBreakerWatchers(namespace, .changed(view(cell)))
        recount(cell)
        if breaker.definition.binding != nil { breakers.guardsChanged() }
        wake(breakers.cells[cell].held.removeAll())
    }

    /// Writes a breaker with the filling batch.
    mutating func storeBreaker(_ cell: Int32) {
        let breaker = breakers.cells[cell].breaker
        let number = put(
            EntityRow(
                kind: .breaker, namespace: breakers.cells[cell].namespace.name,
                key: breaker.definition.name, blob: BreakerCodec.encode(breaker, at: now)))
        breakers.cells[cell].changedIn = number
    }

    /// Sets the timer for what the breaker does by itself.
    mutating func armBreaker(_ cell: Int32) {
        let due = breakers.cells[cell].breaker.nextDeadlineNanos(at: now)
        let timer = breakers.cells[cell].timer
        switch (due, timer >= 0) {
        case (let due?, true): timers.update(timer, key: due)
        case (let due?, false):
            breakers.cells[cell].timer = timers.insert(.breaker(cell), key: due)
        case (nil, true):
            timers.remove(timer)
            breakers.cells[cell].timer = -1
        case (nil, false): break
        }
    }

    mutating func breakerDue(_ cell: Int32) {
        breakers.cells[cell].timer = -1
        breakers.cells[cell].breaker.timeReached(now)
        breakerLooked(cell)
        armBreaker(cell)
    }

    // MARK: The mode

    /// Counts the breaker among the tripped ones of its severity, or no longer.
    private mutating func recount(_ cell: Int32) {
        let isTripped = breakers.cells[cell].breaker.state.isTripped
        guard isTripped != breakers.cells[cell].wasTripped else { return }
        breakers.cells[cell].wasTripped = isTripped
        measureBreaker(cell, isTripped: isTripped)
        countTripped(
            breakers.cells[cell].namespace, breakers.cells[cell].breaker.definition.severity,
            by: isTripped ? 1 : -1)
    }

    mutating func countTripped(
        _ namespace: Namespace, _ severity: BreakerSeverity, by difference: Int
    ) {
        requireMode(namespace)
        switch severity {
        case .low, .medium: return
        case .high: breakers.modes[namespace]?.openHigh += difference
        case .critical: breakers.modes[namespace]?.openCritical += difference
        }
        tripsCounted(namespace)
    }

    // MARK: Calls of the server's own agents

    /// Makes the breaker guard what its definition binds it to.
    mutating func bind(_ cell: Int32) {
        guard let binding = breakers.cells[cell].breaker.definition.binding else { return }
        let name = ScopedName(
            namespace: breakers.cells[cell].namespace, name: binding.agentType)
        breakers.guarding[name, default: []].append(cell)
        breakers.guardsChanged()
    }

    /// Takes that back, before its definition changes.
    mutating func unbind(_ cell: Int32) {
        let definition = breakers.cells[cell].breaker.definition
        if let binding = definition.binding {
            let name = ScopedName(
                namespace: breakers.cells[cell].namespace, name: binding.agentType)
            breakers.guarding[name]?.removeAll { $0 == cell }
            if breakers.guarding[name]?.isEmpty == true { breakers.guarding[name] = nil }
            breakers.guardsChanged()
        }
    }

    // MARK: Watchers

    mutating func tellBreakerWatchers(_ namespace: Namespace, _ answer: BreakerAnswer) {
        guard let watchers = breakers.modes[namespace]?.breakerWatchers else { return }
        for watcher in watchers {
            draft.effects.events.append(Reply(watcher, .breaker(answer)))
        }
    }

    mutating func stopWatching(_ ticket: ReplyTicket, mode number: Int32) {
        let namespace = breakers.modeNames[Int(number)]
        breakers.modes[namespace]?.watchers.removeAll { $0 == ticket }
        breakers.modes[namespace]?.breakerWatchers.removeAll { $0 == ticket }
        breakers.watchers -= 1
        breakers.forgetModeIfUnused(namespace)
    }

    // MARK: Metrics

    /// The metrics hear of a breaker's counts at the end of the turn.
    mutating func noteLater(_ cell: Int32) {
        guard breakers.cells[cell].isNoted else { return }
        breakers.cells[cell].isNoted = false
        breakers.unnoted.append(cell)
    }

    mutating func noteBreakers() {
        for cell in breakers.unnoted { noteBreaker(cell) }
        breakers.unnoted.removeAll(keepingCapacity: true)
    }

    mutating func noteBreaker(_ cell: Int32) {
        let counts = breakers.cells[cell].breaker.counts
        let difference = counts.since(breakers.cells[cell].noted)
        breakers.cells[cell].noted = counts
        breakers.cells[cell].isNoted = true
        if difference == BreakerCounts() { return }
        ready.notices.append(
            .guarding(
                .breakerCalls(
                    namespace: breakers.cells[cell].namespace,
                    name: breakers.cells[cell].breaker.definition.name, difference)))
    }
}
