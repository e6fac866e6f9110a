/// The revisions of one namespace: which one is the newest, and which one was the newest in each
/// batch that is not on disk yet.
public struct RevisionLine: Sendable {
    private struct Mark: Sendable {
        var batch: BatchNumber
        var revision: Int64
    }

    /// The newest revision, on disk or not; 0 before the first write.
    public private(set) var revision: Int64
    /// What held when all batches before the first mark were on disk.
    private var settled: Int64
    /// Ascending; three at most are not on disk.
    private var marks: [Mark] = []

    /// A line that stands at a revision which is on disk.
    public init(revision: Int64 = 0) {
        self.revision = revision
        settled = revision
    }

    /// The newest batch that moved it.
    public var changedIn: BatchNumber { marks.last?.batch ?? .none }

    /// The newest revision of this batch and all before it.
    public func revision(asOf batch: BatchNumber) -> Int64 {
        marks.last { $0.batch <= batch }?.revision ?? settled
    }

    /// Goes on to the next revision.
    mutating func advance(in batch: BatchNumber, committed: BatchNumber) {
        revision += 1
        if let last = marks.indices.last, marks[last].batch == batch {
            marks[last].revision = revision
            return
        }
        while let first = marks.first, first.batch <= committed {
            settled = first.revision
            marks.removeFirst()
        }
        marks.append(Mark(batch: batch, revision: revision))
    }
}
