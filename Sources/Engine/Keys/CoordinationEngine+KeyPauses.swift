import Coordination
import Store

/// Pausing keys, and looking at them.
extension CoordinationEngine {
    mutating func decide(_ command: KeyCommand, _ ticket: ReplyTicket) {
        switch command {
        case .pause(let order): pauseKey(order, ticket)
        case .list(let namespace, let after, let limit):
            listKeys(namespace, after: after, limit: limit, ticket)
        }
    }

    /// The newest batch that anything has changed, for answers that look at much at once.
    var newest: BatchNumber { draft.hasRows ? filling : inFlight ?? committed }

    // MARK: Pauses

    private mutating func pauseKey(_ order: PauseKey, _ ticket: ReplyTicket) {
        let known = keys.pauseIndex[order.name]
        let before = known.map { Self.plainText(until: keys.pauses[$0].pause.untilMillis) } ?? ""
        let isPause = order.untilMillis > now.wallMillis
        if isPause, known == nil, keys.pauses.count >= limits.maxPausedKeys {
            return reject(ticket, .tooManyPauses(limits.maxPausedKeys))
        }
        if isPause {
            let pause = KeyPause(
                untilMillis: order.untilMillis, sinceMillis: now.wallMillis,
                reason: order.signature.reason, actor: order.signature.actor)
            begin(pause, order.name)
            keys.changedIn = put(pauseRow(order.name, KeyCodec.encode(pause)))
        } else if let known {
            endPause(known)
        }
        if isPause || known != nil {
            audit(
                namespace: order.name.namespace, actor: order.signature.actor, action: "PauseKey",
                subject: "key/\(order.name.name)", before: before,
                after: order.signature.audited(
                    isPause ? Self.plainText(until: order.untilMillis) : "goes on"),
                requestID: order.signature.requestID)
        }
        settle()
        answer(ticket, .keys(.paused(view(of: order.name))), seen: newest)
    }

    private static func plainText(until millis: Int64) -> String {
        "paused until \(Timestamp(millis: millis))"
    }

    private mutating func begin(_ pause: KeyPause, _ name: KeyName) {
        let until = monotonicNanos(atWallMillis: pause.untilMillis)
        let cell: Int32
        if let known = keys.pauseIndex[name] {
            cell = known
            keys.pauses[cell].pause = pause
            timers.update(keys.pauses[cell].timer, key: until)
        } else {
            cell = keys.pauses.insert(PauseCell(name: name, pause: pause))
            keys.pauseIndex[name] = cell
            keys.pauses[cell].timer = timers.insert(.keyPause(cell), key: until)
        }
        keys.gates.pause(name, untilNanos: until, now: now.monotonicNanos)
        openGates(of: name)
    }

    private mutating func endPause(_ cell: Int32) {
        let name = keys.pauses[cell].name
        if keys.pauses[cell].timer >= 0 { timers.remove(keys.pauses[cell].timer) }
        keys.pauses.remove(cell)
        keys.pauseIndex[name] = nil
        keys.gates.pause(name, untilNanos: now.monotonicNanos, now: now.monotonicNanos)
        keys.changedIn = put(pauseRow(name, nil))
        openGates(of: name)
    }

    mutating func keyPauseDue(_ cell: Int32) {
        keys.pauses[cell].timer = -1
        endPause(cell)
    }

    /// What waits at a key's gates looks again: it goes on, or waits for another time.
    private mutating func openGates(of name: KeyName) {
        for isRate in [false, true] {
            let key = KeyGates.Key(name: name, isRate: isRate)
            if let gate = keys.gates.gate(of: key) { keys.opened.append(gate) }
        }
    }

    private mutating func pauseRow(_ name: KeyName, _ blob: [UInt8]?) -> EntityRow {
        EntityRow(
            kind: .pausedKey, namespace: name.namespace.name, key: name.name, blob: blob)
    }

    /// A pause that the store holds; one that has run out meanwhile is forgotten.
    mutating func takeUpPause(_ name: KeyName, _ blob: [UInt8]) {
        guard let pause = try? KeyCodec.decodePause(blob) else { return }
        if pause.untilMillis > now.wallMillis {
            begin(pause, name)
        } else {
            put(pauseRow(name, nil))
        }
    }

    // MARK: Views

    private static let shownSteps = 100

    private mutating func listKeys(
        _ namespace: Namespace, after: String?, limit: Int, _ ticket: ReplyTicket
    ) {
        var names: Set<String> = []
        for gate in keys.gates.all {
            let name = keys.gates.key(of: gate).name
            if name.namespace == namespace { names.insert(name.name) }
        }
        for cell in keys.pauses.indices where keys.pauses[cell].name.namespace == namespace {
            names.insert(keys.pauses[cell].name.name)
        }
        let found = names.filter { name in after.map { Self.isBefore($0, name) } ?? true }
            .sorted(by: Self.isBefore)
        let page = found.prefix(limit).map { view(of: KeyName(namespace: namespace, name: $0)) }
        answer(ticket, .keys(.list(page, more: found.count > limit)), seen: newest)
    }

    /// By UTF-8.
    private static func isBefore(_ a: String, _ b: String) -> Bool {
        a.utf8.lexicographicallyPrecedes(b.utf8)
    }

    private mutating func view(of name: KeyName) -> KeyView {
        var view = KeyView(name: name.name)
        view.pause = keys.pauseIndex[name].map { keys.pauses[$0].pause }
        if let gate = keys.gates.gate(of: KeyGates.Key(name: name, isRate: false)) {
            let holders = keys.gates.holders(gate)
            view.holderCount = holders.count
            let origins = holders.compactMap { origin(of: $0) }
            let first = origins.sorted { ($0.run, $0.step) < ($1.run, $1.step) }
            view.holders = Array(first.prefix(Self.shownSteps))
            addWaiters(gate, &view)
        }
        if let gate = keys.gates.gate(of: KeyGates.Key(name: name, isRate: true)) {
            let next = keys.gates.nextNanos(gate)
            if next > now.monotonicNanos { view.nextBeginMillis = wallMillis(atNanos: next) }
            addWaiters(gate, &view)
        }
        return view
    }

    private mutating func addWaiters(_ gate: Int32, _ view: inout KeyView) {
        view.waiterCount += keys.gates.waiting(gate)
        let room = max(0, Self.shownSteps - view.waiters.count)
        view.waiters += keys.gates.waiters(gate).prefix(room).compactMap { origin(of: $0) }
    }

    private mutating func origin(of job: Int32) -> StepOrigin? {
        guard case .step(let run, let step) = jobs[job].work else { return nil }
        let state = runs[run].machine.state
        return StepOrigin(run: state.id, step: state.name(of: step))
    }

    /// The wall-clock instant of a monotonic one that is to come, as the clocks stand now.
    mutating func wallMillis(atNanos nanos: Int64) -> Int64 {
        let wait = max(0, nanos &- now.monotonicNanos)
        return now.wallMillis.addingReportingOverflow(wait / 1_000_000).partialValue
    }
}
