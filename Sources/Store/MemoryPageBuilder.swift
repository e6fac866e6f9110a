import Coordination

/// Fills a page of shared memory: the rule that both stores follow.
struct MemoryPageBuilder {
    let query: MemoryQuery
    var page = MemoryPage()
    private var bytes = 0

    /// An empty page.
    init(_ query: MemoryQuery) { self.query = query }

    /// Whether another row may be added.
    var hasRoom: Bool {
        page.rows.isEmpty || page.rows.count < query.limit && bytes < query.maxBytes
    }

    /// Adds a row.
    mutating func add(_ row: MemoryRow) {
        page.rows.append(row)
        bytes += row.byteCount
    }

    /// Adds what its key held before the row that was added last.
    mutating func add(previous row: MemoryRow?) {
        page.previous.append(row)
        bytes += row?.byteCount ?? 0
    }

    /// The page is full, and the next one begins at this change.
    mutating func ended(at next: MemoryPosition) {
        page.next = next
        page.isLast = false
    }

    /// The page is full.
    mutating func ended(beforeEnd: Bool) { page.isLast = !beforeEnd }
}

/// Counts changes of one revision, so that a page can begin in the middle of it.
struct MemoryPlace {
    private let from: MemoryPosition
    private var revision: Int64 = -1
    private var offset = 0

    /// From a position on.
    init(_ from: MemoryPosition) { self.from = from }

    /// Where the next change of a scan stands; `nil`: before the beginning, or it is not wanted.
    mutating func position(of revision: Int64, isWanted: Bool) -> MemoryPosition? {
        guard isWanted else { return nil }
        if revision != self.revision {
            self.revision = revision
            offset = 0
        }
        defer { offset += 1 }
        if revision == from.revision, offset < from.offset { return nil }
        return MemoryPosition(revision: revision, offset: offset)
    }
}
