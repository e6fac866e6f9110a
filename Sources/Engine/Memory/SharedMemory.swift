import Coordination
import Store

/// The shared memory of one namespace, with what is not stored of it.
struct MemoryCell: Sendable {
    var namespace: Namespace
    var space: MemorySpace
    var watchers = MemoryWatchers<ReplyTicket>()
    /// Handle of the timer of its next expiry; -1: none.
    var timer: Int32 = -1
    /// Whether entries may have ended that are still there.
    var isDue = false
    /// Whether the filling batch moved its revision line.
    var isDirty = false
    /// Whether it stands in ``SharedMemory/unused``.
    var isListed = false

    /// Whether nothing was ever written and nobody watches: nothing is lost with it.
    var isUnused: Bool { space.line.revision == 0 && watchers.isEmpty }
}

/// Shared memory of the shard.
struct SharedMemory: Sendable {
    var cells: [MemoryCell] = []
    var index: [Namespace: Int32] = [:]
    /// Callers that watch.
    var watchers = 0
    /// Weight and number of all namespaces' entries.
    var bytes = 0
    var keys = 0
    /// Namespaces whose line the filling batch writes.
    var dirty: [Int32] = []
    /// Namespaces in which entries may have ended.
    var due: [Int32] = []
    /// Namespaces that nothing had been written in when they were looked at.
    private var unused: [Int32] = []
    /// Places that no namespace has.
    private var free: [Int32] = []
    /// Whether ends of entries that an earlier process left wait until the first turn knows the time.
    var isRestored = false

    /// What the metrics are told.
    var gauges: MemoryGauges {
        var gauges = MemoryGauges()
        gauges.keys = keys
        gauges.bytes = bytes
        gauges.watchers = watchers
        return gauges
    }

    /// Changes a namespace's entries, and keeps the sums right.
    mutating func change<Result>(
        _ cell: Int, _ body: (inout MemorySpace) throws -> Result
    ) rethrows -> Result {
        bytes -= cells[cell].space.bytes
        keys -= cells[cell].space.count
        defer {
            bytes += cells[cell].space.bytes
            keys += cells[cell].space.count
        }
        return try body(&cells[cell].space)
    }

    /// Looks at a namespace's entries in place: by an ordinary access they would be copied first.
    mutating func look<Result>(_ cell: Int, _ body: (inout MemorySpace) -> Result) -> Result {
        body(&cells[cell].space)
    }

    /// A place for a namespace that has none.
    mutating func insert(_ namespace: Namespace, _ space: MemorySpace) -> Int {
        let cell = MemoryCell(namespace: namespace, space: space)
        let number = free.popLast() ?? Int32(cells.count)
        if Int(number) == cells.count { cells.append(cell) } else { cells[Int(number)] = cell }
        index[namespace] = number
        noteIfUnused(Int(number))
        return Int(number)
    }

    /// Has a namespace forgotten if it is still unused when another one needs the place.
    mutating func noteIfUnused(_ cell: Int) {
        guard cells[cell].isUnused, !cells[cell].isListed else { return }
        cells[cell].isListed = true
        unused.append(Int32(cell))
    }

    /// Forgets the namespaces that nobody uses.
    mutating func forgetUnused() {
        for number in unused {
            let cell = Int(number)
            cells[cell].isListed = false
            if !cells[cell].isUnused { continue }
            index[cells[cell].namespace] = nil
            free.append(number)
        }
        unused.removeAll(keepingCapacity: true)
    }

    /// Where a namespace stands, if it has anything.
    func find(_ namespace: Namespace) -> Int? { index[namespace].map(Int.init) }
}
