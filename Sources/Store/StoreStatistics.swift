/// What a store has done since it was opened. A snapshot; the numbers only grow, except where
/// told.
public struct StoreStatistics: Sendable, Hashable {
    /// Transactions on disk; several batches may share one.
    public internal(set) var commits: UInt64 = 0
    /// Batches on disk.
    public internal(set) var batches: UInt64 = 0
    /// Rows in them.
    public internal(set) var rows: UInt64 = 0
    /// Bytes of blobs and payloads in them.
    public internal(set) var bytes: UInt64 = 0
    /// Batches refused because the disk was full.
    public internal(set) var refusedAsFull: UInt64 = 0
    /// Duration of the latest transaction, begin to synced, in nanoseconds.
    public internal(set) var lastNanos: Int64 = 0
    /// Duration of the longest transaction in nanoseconds.
    public internal(set) var maxNanos: Int64 = 0
    /// Duration of all transactions together in nanoseconds.
    public internal(set) var totalNanos: Int64 = 0
    /// Batches in the latest transaction.
    public internal(set) var lastBatches: Int = 0
    /// Rows in the latest transaction.
    public internal(set) var lastRows: Int = 0
    /// Checkpoints that copied the write-ahead log into the database file, or tried to.
    public internal(set) var checkpoints: UInt64 = 0
    /// Why a checkpoint failed; `nil` when the latest went well. The log grows until the cause is
    /// gone; nothing is lost.
    public internal(set) var checkpointFailure: String?
    /// Pages in the write-ahead log after the latest commit; goes down again.
    public internal(set) var loggedPages: Int = 0

    /// Runs removed because they ended long ago.
    public internal(set) var prunedRuns: UInt64 = 0

    /// Nothing has happened.
    public init() {}

    mutating func add(_ commit: CommitObservation) {
        commits += 1
        batches += UInt64(commit.batches)
        rows += UInt64(commit.rows)
        bytes += UInt64(commit.bytes)
        lastNanos = commit.nanos
        maxNanos = max(maxNanos, commit.nanos)
        totalNanos += commit.nanos
        lastBatches = commit.batches
        lastRows = commit.rows
    }
}

/// One transaction, told to the observer of a store for its metrics.
public struct CommitObservation: Sendable, Hashable {
    /// Batches that shared the transaction, at least 1.
    public let batches: Int
    /// Rows written.
    public let rows: Int
    /// Bytes of blobs and payloads written.
    public let bytes: Int
    /// Begin to synced, in nanoseconds of the monotonic clock.
    public let nanos: Int64

    /// The same in seconds, as Prometheus wants it.
    public var seconds: Double { Double(nanos) / 1e9 }
}
