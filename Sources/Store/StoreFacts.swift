/// What an operator is told of a store. A snapshot; cheap to make.
public struct StoreFacts: Sendable, Hashable {
    /// Bytes of the database file; 0 for a store in memory.
    public var storeBytes: Int64 = 0
    /// Bytes of the write-ahead log.
    public var logBytes: Int64 = 0
    /// Bytes that are free for this user on the disk; at most a quarter of a second old. `nil`: the
    /// store is in memory, or the system does not say.
    public var freeBytes: Int64?
    /// When the latest good backup was made, in milliseconds since 1970; `nil`: none since the
    /// start.
    public var lastBackupMillis: Int64?
    /// Runs removed since the start because they ended long ago.
    public var prunedRuns: UInt64 = 0

    /// Nothing is known.
    public init() {}
}

/// What looking through a whole store found.
public struct StoreVerdict: Sendable, Hashable {
    /// What is wrong, in the database's words, at most a hundred lines; empty: nothing.
    public var problems: [String]
    /// How long it took, in milliseconds.
    public var tookMillis: Int64

    /// Combines the parts.
    public init(problems: [String], tookMillis: Int64) {
        self.problems = problems
        self.tookMillis = tookMillis
    }
}

/// A backup that has been made and checked, to be read from its beginning to its end.
///
/// It occupies the disk until it is closed or let go of.
public protocol StoreCopy: Sendable {
    /// Bytes in all.
    var byteCount: Int64 { get }

    /// The next bytes, at most `count`; empty at the end. One read at a time; the completion runs
    /// on a thread of the store's.
    func read(
        upTo count: Int, completion: @escaping @Sendable (Result<[UInt8], StoreError>) -> Void)

    /// Removes the copy. May be called again, and during a read, which then fails or is the last.
    func close()
}
