import Coordination
import Store

/// Breakers: putting, asking, telling, forcing, looking.
extension CoordinationEngine {
    mutating func decide(_ command: BreakerCommand, _ ticket: ReplyTicket) {
        switch command {
        case .put(let put): putBreaker(put, ticket)
        case .delete(let namespace, let name, let by): deleteBreaker(namespace, name, by, ticket)
        case .force(let force): forceBreaker(force, ticket)
        case .permit(let namespace, let name): permit(namespace, name, ticket)
        case .report(let namespace, let reports): report(namespace, reports, ticket)
        case .get(let namespace, let name): getBreaker(namespace, name, ticket)
        case .list(let namespace): listBreakers(namespace, ticket)
        case .watch(let namespace): watchBreakers(namespace, ticket)
        case .setMode(let set): setMode(set, ticket)
        case .setPlan(let namespace, let policy, let plan, let by):
            setPlan(namespace, policy, plan, by, ticket)
        case .acknowledge(let namespace, let action, let number, let by):
            acknowledge(namespace, action, number, by, ticket)
        case .getMode(let namespace): getMode(namespace, ticket)
        case .watchMode(let namespace): watchMode(namespace, ticket)
        }
    }

    // MARK: Putting

    private mutating func putBreaker(_ put: PutBreaker, _ ticket: ReplyTicket) {
        let definition = put.definition
        let key = RequestLog.Key(
            namespace: put.namespace, method: "PutBreaker", requestID: put.signature.requestID)
        var hash = StableHash()
        hash.combine(BreakerCodec.encode(definition))
        let name = ScopedName(namespace: put.namespace, name: definition.name)
        if isRepeat(key, hash.value) {
            return getBreaker(put.namespace, definition.name, ticket)
        }
        if isAnswered(key, hash.value, ticket) { return }
        if let refusal = refusalOfChanges ?? refusalOfNamespace(put.namespace) {
            return reject(ticket, refusal)
        }
        let known = breakers.index[name]
        if known == nil, breakers.count(in: put.namespace) >= limits.maxBreakers {
            return reject(
                ticket, .tooManyBreakers(limits.maxBreakers), seen: breakers.changedIn)
        }
        let before = known.map { breakers.cells[$0].breaker.definition }
        if before == definition { return getBreaker(put.namespace, definition.name, ticket) }
        // Whoever has a breaker counts among the namespaces.
        requireMode(put.namespace)
        let cell = known ?? insertBreaker(GuardingBreaker(definition, at: now), put.namespace)
        unbind(cell)
        if known != nil { reconfigureBreaker(cell, definition) }
        bind(cell)
        storeBreaker(cell)
        breakers.changedIn = filling
        audit(
            namespace: put.namespace, actor: put.signature.actor, action: "PutBreaker",
            subject: "breaker/\(definition.name)", before: before?.plainText ?? "",
            after: definition.plainText, requestID: put.signature.requestID)
        remember(key, hash: hash.value, answer: [1])
        breakerLooked(cell, isForced: true)
        answer(ticket, .breaker(.breaker(view(cell))), seen: filling)
    }

    /// Gives a breaker its new definition. One that is tripped counts under its new severity.
    private mutating func reconfigureBreaker(_ cell: Int32, _ new: BreakerDefinition) {
        let old = breakers.cells[cell].breaker.definition
        breakers.cells[cell].breaker.reconfigure(new, at: now)
        guard breakers.cells[cell].wasTripped, old.severity != new.severity else { return }
        breakers.cells[cell].wasTripped = false
        meter.openBreakerUncounted()
        if !breakers.cells[cell].breaker.state.isTripped {
            breakers.cells[cell].trippedNanos = 0
        }
        countTripped(breakers.cells[cell].namespace, old.severity, by: -1)
    }

    /// Takes a breaker into memory.
    mutating func insertBreaker(_ breaker: GuardingBreaker, _ namespace: Namespace) -> Int32 {
        breakers.lastSerial += 1
        let cell = breakers.cells.insert(
            BreakerCell(
                namespace: namespace, serial: breakers.lastSerial, breaker: breaker,
                seenGeneration: breaker.generation))
        breakers.index[ScopedName(namespace: namespace, name: breaker.definition.name)] = cell
        return cell
    }

    private mutating func deleteBreaker(
        _ namespace: Namespace, _ name: String, _ by: Signature, _ ticket: ReplyTicket
    ) {
        let key = RequestLog.Key(
            namespace: namespace, method: "DeleteBreaker", requestID: by.requestID)
        var hash = StableHash()
        hash.combine(name)
        if isRepeat(key, hash.value) {
            return answer(ticket, .breaker(.deleted(name: name)), seen: breakers.changedIn)
        }
        if isAnswered(key, hash.value, ticket) { return }
        guard let cell = breakers.index[ScopedName(namespace: namespace, name: name)] else {
            return rejectUnknownBreaker(name, namespace, ticket)
        }
        let before = breakers.cells[cell].breaker.definition
        unbind(cell)
        noteBreaker(cell)
        if breakers.cells[cell].timer >= 0 { timers.remove(breakers.cells[cell].timer) }
        let held = breakers.cells[cell].held.removeAll()
        let wasTripped = breakers.cells[cell].wasTripped
        breakers.cells.remove(cell)
        breakers.unnoted.removeAll { $0 == cell }
        breakers.index[ScopedName(namespace: namespace, name: name)] = nil
        put(EntityRow(kind: .breaker, namespace: namespace.name, key: name, blob: nil))
        breakers.changedIn = filling
        audit(
            namespace: namespace, actor: by.actor, action: "DeleteBreaker",
            subject: "breaker/\(name)", before: before.plainText, requestID: by.requestID)
        remember(key, hash: hash.value, answer: [1])
        draft.effects.notices.append(.guarding(.breakerDeleted(namespace: namespace, name: name)))
        tellBreakerWatchers(namespace, .deleted(name: name))
        if wasTripped {
            countTripped(namespace, before.severity, by: -1)
            meter.openBreakerUncounted()
        }
        wake(held)
        breakers.forgetModeIfUnused(namespace)
        answer(ticket, .breaker(.deleted(name: name)), seen: filling)
    }

    private mutating func forceBreaker(_ force: ForceBreaker, _ ticket: ReplyTicket) {
        let key = RequestLog.Key(
            namespace: force.namespace, method: "ForceBreaker",
            requestID: force.signature.requestID)
        var hash = StableHash()
        hash.combine(force.name)
        hash.combine(force.change.requestWords)
        hash.combine(force.signature.reason)
        if isRepeat(key, hash.value) {
            return getBreaker(force.namespace, force.name, ticket)
        }
        if isAnswered(key, hash.value, ticket) { return }
        let name = ScopedName(namespace: force.namespace, name: force.name)
        guard let cell = breakers.index[name] else {
            return rejectUnknownBreaker(force.name, force.namespace, ticket)
        }
        let before = breakers.cells[cell].breaker.state
        switch force.change {
        case .release: breakers.cells[cell].breaker.endOverride(at: now)
        case .reset: breakers.cells[cell].breaker.reset(at: now)
        case .override(let kind, let millis):
            breakers.cells[cell].breaker.forced(
                BreakerOverride(
                    kind: kind, reason: force.signature.reason, actor: force.signature.actor,
                    sinceMillis: now.wallMillis, untilMillis: millis.map { now.wallMillis + $0 }),
                at: now)
        }
        storeBreaker(cell)
        let after = plainText(
            breakers.cells[cell].breaker.state.word,
            until: breakers.cells[cell].breaker.override?.untilMillis)
        audit(
            namespace: force.namespace, actor: force.signature.actor, action: "ForceBreaker",
            subject: "breaker/\(force.name)", before: before.word,
            after: force.signature.audited(after),
            requestID: force.signature.requestID)
        remember(key, hash: hash.value, answer: [1])
        breakerLooked(cell)
        answer(ticket, .breaker(.breaker(view(cell))), seen: filling)
    }

    // MARK: Calls

    private mutating func permit(
        _ namespace: Namespace, _ name: String, _ ticket: ReplyTicket
    ) {
        guard let cell = breakers.index[ScopedName(namespace: namespace, name: name)] else {
            return rejectUnknownBreaker(name, namespace, ticket)
        }
        let decision = breakers.cells[cell].breaker.permit(at: now)
        breakerLooked(cell)
        if case .refused = decision { noteLater(cell) }
        answer(
            ticket, .breaker(.permit(decision, view(cell))), seen: breakers.cells[cell].changedIn)
    }

    private mutating func report(
        _ namespace: Namespace, _ reports: [BreakerReport], _ ticket: ReplyTicket
    ) {
        let cells = reports.map { report in
            breakers.index[ScopedName(namespace: namespace, name: report.name)]
        }
        for (report, cell) in zip(reports, cells) {
            guard let cell, !suits(report.content, cell) else { continue }
            return reject(
                ticket, .wrongReport(report, isMetric: breakers.cells[cell].breaker.isMetric),
                seen: max(breakers.cells[cell].changedIn, breakers.changedIn))
        }
        var seen = BatchNumber.none
        var outcomes: [ReportOutcome?] = []
        outcomes.reserveCapacity(reports.count)
        for (report, cell) in zip(reports, cells) {
            outcomes.append(cell.map { take(report.content, $0) })
            seen = max(seen, cell.map { breakers.cells[$0].changedIn } ?? breakers.changedIn)
        }
        answer(ticket, .breaker(.reported(outcomes)), seen: seen)
    }

    /// Whether a breaker looks at what is reported at all.
    private mutating func suits(_ content: BreakerReport.Content, _ cell: Int32) -> Bool {
        switch content {
        case .call: !breakers.cells[cell].breaker.isMetric
        case .value: breakers.cells[cell].breaker.isMetric
        }
    }

    private mutating func take(_ content: BreakerReport.Content, _ cell: Int32) -> ReportOutcome {
        let outcome: ReportOutcome
        switch content {
        case .call(let permit, let verdict, let nanos):
            outcome = breakers.cells[cell].breaker.reported(
                permit, verdict, durationNanos: nanos, at: now, random: nextRandom())
        case .value(let value):
            let wasRecovering = breakers.cells[cell].breaker.isRecovering
            outcome = breakers.cells[cell].breaker.reported(value, at: now)
            // A value may begin the time after which it closes by itself, also over a restart.
            armBreaker(cell)
            if breakers.cells[cell].breaker.isRecovering != wasRecovering { storeBreaker(cell) }
        }
        breakerLooked(cell)
        noteLater(cell)
        return outcome
    }

    // MARK: Looking

    private mutating func getBreaker(
        _ namespace: Namespace, _ name: String, _ ticket: ReplyTicket
    ) {
        guard let cell = breakers.index[ScopedName(namespace: namespace, name: name)] else {
            return rejectUnknownBreaker(name, namespace, ticket)
        }
        answer(
            ticket, .breaker(.breaker(view(cell))),
            seen: max(breakers.cells[cell].changedIn, breakers.changedIn))
    }

    private mutating func listBreakers(_ namespace: Namespace, _ ticket: ReplyTicket) {
        let (views, seen) = allViews(namespace)
        answer(ticket, .breaker(.breakers(views)), seen: seen)
    }

    private mutating func watchBreakers(_ namespace: Namespace, _ ticket: ReplyTicket) {
        if let refusal = refusalOfWatcher(namespace) { return reject(ticket, refusal) }
        let (views, seen) = allViews(namespace)
        answer(ticket, .breaker(.snapshot(views)), seen: seen)
        let number = requireMode(namespace)
        breakers.modes[namespace]?.breakerWatchers.append(ticket)
        breakers.watchers += 1
        open.insert(.watchingBreakers(mode: number), for: ticket)
    }

    private mutating func allViews(_ namespace: Namespace) -> ([BreakerView], BatchNumber) {
        var seen = breakers.changedIn
        var views: [BreakerView] = []
        for name in breakers.names(in: namespace) {
            guard let cell = breakers.index[ScopedName(namespace: namespace, name: name)] else {
                continue
            }
            seen = max(seen, breakers.cells[cell].changedIn)
            views.append(view(cell))
        }
        return (views, seen)
    }

    /// A breaker as it stands now.
    mutating func view(_ cell: Int32) -> BreakerView {
        let window = breakers.cells[cell].breaker.windowNow(at: now)
        // Probes whose time is over count from this look on.
        noteLater(cell)
        let breaker = breakers.cells[cell].breaker
        return BreakerView(
            definition: breaker.definition, state: breaker.state, generation: breaker.generation,
            override: breaker.override, lastTrip: breaker.lastTrip, counts: breaker.counts,
            changedMillis: breaker.changedMillis,
            nextChangeMillis: breaker.nextDeadlineNanos(at: now).map {
                now.wallMillis(atNanos: $0)
            },
            window: window, lastValue: breaker.lastValue)
    }

    // MARK: Refusals

    mutating func rejectUnknownBreaker(
        _ name: String, _ namespace: Namespace, _ ticket: ReplyTicket
    ) {
        let known = breakers.names(in: namespace)
        reject(ticket, .unknownBreaker(name, known: known), seen: breakers.changedIn)
    }

    /// Why nothing new may be stored.
    var refusalOfChanges: Rejection? {
        if isDraining { return .draining }
        return isDiskFull || isLowOnSpace ? .diskFull : nil
    }

    /// Why nobody else may watch.
    mutating func refusalOfWatcher(_ namespace: Namespace) -> Rejection? {
        if breakers.watchers >= limits.maxBreakerWatchers {
            return .tooManyWatchers(limits.maxBreakerWatchers)
        }
        return refusalOfNamespace(namespace)
    }

    /// Whether a request was carried out before; what it answers is looked up anew.
    mutating func isRepeat(_ key: RequestLog.Key, _ hash: UInt64) -> Bool {
        if case .known = rememberedAnswer(key, hash: hash) { return true }
        return false
    }

    /// Refuses a request id that belongs to another request; whether it did.
    mutating func isAnswered(
        _ key: RequestLog.Key, _ hash: UInt64, _ ticket: ReplyTicket
    ) -> Bool {
        guard case .reused(let seen) = rememberedAnswer(key, hash: hash) else { return false }
        reject(ticket, .requestReused, seen: seen)
        return true
    }
}
