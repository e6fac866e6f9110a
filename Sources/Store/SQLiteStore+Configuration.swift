extension SQLiteStore {
    /// How a store keeps its file. Make one with a directory and change what differs.
    public struct Configuration: Sendable {
        /// The data directory; created when missing (mode 0700), held exclusively while open.
        public var directory: String
        /// Threads that read, each with a connection of its own; at least 1, default 2.
        public var readerThreads = 2
        /// Free bytes on the disk below which ``SQLiteStore/isLowOnSpace`` holds; default 64 MiB.
        public var freeSpaceMarkBytes = FreeSpaceMark.defaultBytes
        /// Pages of 8 KiB in the write-ahead log that call for a checkpoint; default 1000 (8 MB).
        public var checkpointPages = 1000
        /// Milliseconds to wait for another connection's lock; default 500. Only a second program
        /// on the same file can make a commit wait at all.
        public var busyMillis: Int32 = 500
        /// Page cache of the writer in KiB; default 16 MiB: the live runs and index tips.
        public var writerCacheKibibytes = 16 << 10
        /// Page cache of each reader in KiB; default 2 MiB.
        public var readerCacheKibibytes = 2 << 10
        /// Rows in one page of recovery, at least 1; default 500.
        public var recoveryPageRows = 500
        /// Bytes of blobs after which a page of recovery ends; default 4 MiB.
        public var recoveryPageBytes = 4 << 20
        /// Whole hours that requests are remembered, at least 1; default 24.
        public var requestRetentionHours: Int64 = 24
        /// Requests remembered at most, over all namespaces; the oldest go early, in pieces of some
        /// thousand. Default 4 million, about 500 MB.
        public var maxRequests = 4_000_000
        /// Bytes in one transaction after which queued batches start the next; default 8 MiB.
        public var transactionBytes = 8 << 20
        /// Queries that may wait for a reader; more are refused with `.overloaded`; default 1024,
        /// which two readers work off in well under a second.
        public var maxWaitingQueries = 1024
        /// The file's limit in pages of 8 KiB, for tests of a full disk; default none.
        public var maxPages: Int?
        /// Told of every transaction, on the store thread before its completions; must not block.
        public var onCommit: (@Sendable (CommitObservation) -> Void)?

        /// The defaults for a directory.
        public init(directory: String) { self.directory = directory }
    }
}
