/// Isolations of instances that are not here, so that they come back as they went.
///
/// One is forgotten a day after its end, and the next to be forgotten goes early when there are too
/// many; those that a person gave no end go last, oldest first. Their ids are handed out once, so that
/// their rows go, too. O(log n) each.
struct AbsentIsolations: Sendable {
    private struct Entry: Sendable {
        var isolation: Isolation
        /// Handle in `ends`.
        var end: Int32
    }

    private var entries: [AgentID: Entry] = [:]
    /// When each is forgotten, monotonic; from `endless` on those without an end.
    private var ends = IndexedHeap<AgentID>()
    private var forgotten: [AgentID] = []
    private let max: Int

    /// How long one is kept after its end: a day.
    private static let keptMillis: Int64 = 86_400_000
    private static let endless = Int64.max / 2

    init(max: Int) { self.max = max }

    /// When ``timeReached(_:)`` has something to forget; `nil`: never.
    var nextDeadlineNanos: Int64? { ends.smallestKey.flatMap { $0 < Self.endless ? $0 : nil } }

    subscript(id: AgentID) -> Isolation? { entries[id]?.isolation }

    mutating func keep(_ isolation: Isolation, of id: AgentID, at now: EngineTime) {
        take(id)
        let end = ends.insert(id, key: Self.end(of: isolation, at: now))
        entries[id] = Entry(isolation: isolation, end: end)
        if entries.count > max, let first = ends.first { forget(first) }
    }

    /// The instance is here: nothing is kept of it any more.
    @discardableResult
    mutating func take(_ id: AgentID) -> Isolation? {
        guard let entry = entries.removeValue(forKey: id) else { return nil }
        ends.remove(entry.end)
        return entry.isolation
    }

    mutating func timeReached(_ now: EngineTime) {
        while let next = nextDeadlineNanos, next <= now.monotonicNanos, let first = ends.first {
            forget(first)
        }
    }

    /// Those that were forgotten since this was asked last.
    mutating func takeForgotten() -> [AgentID] {
        defer { forgotten = [] }
        return forgotten
    }

    private mutating func forget(_ id: AgentID) {
        if take(id) != nil { forgotten.append(id) }
    }

    private static func end(of isolation: Isolation, at now: EngineTime) -> Int64 {
        guard let until = isolation.untilMillis else {
            return endless + Swift.max(0, isolation.sinceMillis)
        }
        let (wall, isTooFar) = until.addingReportingOverflow(keptMillis)
        if isTooFar { return endless }
        return min(now.nanos(atWallMillis: wall), endless - 1)
    }
}
