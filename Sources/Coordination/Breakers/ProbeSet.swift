/// The permits of one half-open phase that are out, each with a deadline: none is ever lost.
struct ProbeSet: Sendable {
    private struct Probe {
        var serial: UInt32
        var deadlineNanos: Int64
    }

    private var probes: [Probe] = []
    private var lastSerial: UInt32 = 0

    init(capacity: Int) { probes.reserveCapacity(capacity) }

    /// How many are out.
    var count: Int { probes.count }

    /// When the next one goes back by itself.
    var firstDeadlineNanos: Int64? { probes.lazy.map(\.deadlineNanos).min() }

    /// Gives a permit out and returns its number, which is not 0.
    mutating func give(untilNanos deadline: Int64) -> UInt32 {
        lastSerial = lastSerial == .max ? 1 : lastSerial + 1
        probes.append(Probe(serial: lastSerial, deadlineNanos: deadline))
        return lastSerial
    }

    /// Whether a permit is out and its time is not over.
    func isOut(_ serial: UInt32, atNanos now: Int64) -> Bool {
        probes.contains { $0.serial == serial && $0.deadlineNanos > now }
    }

    /// Takes a permit back; false: it is not out.
    mutating func takeBack(_ serial: UInt32) -> Bool {
        guard let index = probes.firstIndex(where: { $0.serial == serial }) else { return false }
        probes.remove(at: index)
        return true
    }

    /// Takes back all whose time is over and says how many.
    mutating func takeBackOverdue(atNanos now: Int64) -> Int {
        let before = probes.count
        probes.removeAll { $0.deadlineNanos <= now }
        return before - probes.count
    }

    /// Forgets all. Numbers go on, so that none is given twice.
    mutating func clear() { probes.removeAll(keepingCapacity: true) }
}
