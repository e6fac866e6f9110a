/// Gates that work with a key passes before it goes for a slot: concurrency keys limit how much goes
/// on at once, rate keys how much begins in a time. Either kind can be paused by its name.
///
/// First come first served inside a priority; whoever is first and may not pass yet holds up all
/// behind it, so that nobody starves. Each piece of work brings its own limit: with those of one key
/// at odds, never more goes on than the largest of them says.
///
/// A gate exists while work holds it or waits at it, or its pace has not run out: keys come from
/// definitions and must not pile up. Work is named by a number of the caller's. Instants are
/// monotonic nanoseconds.
public struct KeyGates: Sendable {
    private var gates = Slab(vacant: Gate.vacant)
    private var index: [Key: Int32] = [:]
    private var places: [Int32: Place] = [:]
    private var lines = WaitingLines()
    private var pauses: [KeyName: Int64] = [:]
    /// Nothing passes while it is set: what holds keys is still being found out.
    public var isShut = false

    /// No gates.
    public init() {}

    /// How many gates there are.
    public var count: Int { gates.count }

    /// Every gate, ascending.
    public var all: [Int32] { gates.indices }

    /// The gate of a key; `nil`: nothing is known of it.
    public func gate(of key: Key) -> Int32? { index[key] }

    /// Whether a number names a gate.
    public func contains(_ gate: Int32) -> Bool { gates.contains(gate) }

    /// The key of a gate.
    public func key(of gate: Int32) -> Key { gates[gate].key }

    // MARK: Coming and going

    /// Work wants to pass: it does at once, or waits in line.
    ///
    /// - Parameter priority: 1 (first) to 5 (last).
    /// - Returns: the gate, and whether the work has passed.
    public mutating func enter(
        _ key: Key, _ rule: Rule, work: Int32, priority: Int, now: Int64
    ) -> (gate: Int32, hasPassed: Bool) {
        let gate = require(key)
        if gates[gate].waiting == 0, isOpen(gate, to: rule, now) {
            pass(gate, work, rule, now)
            return (gate, true)
        }
        let number = min(max(priority, 1), 5) - 1
        if gates[gate].lines[number] < 0 { gates[gate].lines[number] = lines.open() }
        let place = lines.join(gates[gate].lines[number], work: work)
        places[work] = Place(gate: gate, rule: rule, place: place)
        gates[gate].waiting += 1
        return (gate, false)
    }

    /// Work that passed before a restart takes its part again, however many there are.
    public mutating func hold(_ key: Key, work: Int32) -> Int32 {
        let gate = require(key)
        gates[gate].holders.insert(work)
        return gate
    }

    /// Work waits no more, or what had passed has ended. Others may be able to pass now.
    public mutating func leave(_ gate: Int32, work: Int32) {
        if let place = places[work], place.gate == gate {
            lines.leave(place.place)
            places[work] = nil
            gates[gate].waiting -= 1
        } else {
            gates[gate].holders.remove(work)
        }
    }

    /// Work that a rate let pass did not begin after all: its part of the pace is given back.
    public mutating func giveBack(_ gate: Int32, _ rule: Rule) {
        guard case .pace(let interval, _) = rule, gates[gate].nextNanos != .max else { return }
        gates[gate].nextNanos -= interval
    }

    /// Takes the next work that may pass now out of its line.
    public mutating func next(_ gate: Int32, now: Int64) -> Int32? {
        guard let work = head(gate), let place = places[work], isOpen(gate, to: place.rule, now)
        else { return nil }
        lines.leave(place.place)
        places[work] = nil
        gates[gate].waiting -= 1
        pass(gate, work, place.rule, now)
        return work
    }

    /// When time alone changes something at the gate: it opens for what waits, or may go.
    ///
    /// - Returns: `nil`: time does nothing.
    public func wakeNanos(_ gate: Int32, now: Int64) -> Int64? {
        guard let work = head(gate), let place = places[work] else {
            return gates[gate].holders.isEmpty ? max(gates[gate].nextNanos, now) : nil
        }
        let paused = pausedUntilNanos(gates[gate].key.name, now: now) ?? now
        switch place.rule {
        case .pace(_, let slack): return max(paused, saturating(gates[gate].nextNanos, -slack))
        case .atOnce(let limit): return gates[gate].holders.count < limit ? paused : nil
        }
    }

    /// Forgets a gate that nothing is known of any more.
    ///
    /// - Returns: whether it is gone.
    public mutating func tidy(_ gate: Int32, now: Int64) -> Bool {
        guard gates[gate].holders.isEmpty, gates[gate].waiting == 0, gates[gate].nextNanos <= now
        else { return false }
        for line in gates[gate].lines where line >= 0 { lines.close(line) }
        index[gates[gate].key] = nil
        gates.remove(gate)
        return true
    }

    // MARK: Pauses and paces

    /// Nothing with this name passes before `nanos`; an instant that has passed lets it go on.
    public mutating func pause(_ name: KeyName, untilNanos nanos: Int64, now: Int64) {
        pauses[name] = nanos > now ? nanos : nil
    }

    /// When a pause ends; `nil`: there is none.
    public func pausedUntilNanos(_ name: KeyName, now: Int64) -> Int64? {
        if pauses.isEmpty { return nil }
        return pauses[name].flatMap { $0 > now ? $0 : nil }
    }

    /// The instant before which the pace of a rate key, kept over a restart, lets nothing begin.
    public mutating func setPace(_ key: Key, nextNanos: Int64) -> Int32 {
        let gate = require(key)
        gates[gate].nextNanos = max(gates[gate].nextNanos, nextNanos)
        return gate
    }

    /// The instant at which the next piece of work may begin by the pace of a rate key.
    public func nextNanos(_ gate: Int32) -> Int64 { gates[gate].nextNanos }

    // MARK: Who is there

    /// Work that has passed a concurrency key and not ended, in no order.
    public func holders(_ gate: Int32) -> Set<Int32> { gates[gate].holders }

    /// How many wait at a gate.
    public func waiting(_ gate: Int32) -> Int { gates[gate].waiting }

    /// What waits at a gate, in its order; walks the lines.
    public func waiters(_ gate: Int32) -> [Int32] {
        gates[gate].lines.flatMap { $0 < 0 ? [] : lines.all($0) }
    }

    /// How many stand before work that waits; walks the lines.
    public func position(of work: Int32, at gate: Int32) -> Int? {
        waiters(gate).firstIndex(of: work)
    }

    // MARK: Inside

    private mutating func require(_ key: Key) -> Int32 {
        if let known = index[key] { return known }
        let gate = gates.insert(Gate(key: key))
        index[key] = gate
        return gate
    }

    private func head(_ gate: Int32) -> Int32? {
        if gates[gate].waiting == 0 { return nil }
        for line in gates[gate].lines where line >= 0 {
            if let work = lines.head(line) { return work }
        }
        return nil
    }

    private func isOpen(_ gate: Int32, to rule: Rule, _ now: Int64) -> Bool {
        if isShut || pausedUntilNanos(gates[gate].key.name, now: now) != nil { return false }
        switch rule {
        case .atOnce(let limit): return gates[gate].holders.count < limit
        case .pace(_, let slack): return saturating(gates[gate].nextNanos, -slack) <= now
        }
    }

    private mutating func pass(_ gate: Int32, _ work: Int32, _ rule: Rule, _ now: Int64) {
        switch rule {
        case .atOnce: gates[gate].holders.insert(work)
        case .pace(let interval, _):
            gates[gate].nextNanos = saturating(max(gates[gate].nextNanos, now), interval)
        }
    }

    private func saturating(_ nanos: Int64, _ more: Int64) -> Int64 {
        let (sum, isTooFar) = nanos.addingReportingOverflow(more)
        return isTooFar ? (more > 0 ? .max : .min) : sum
    }
}
