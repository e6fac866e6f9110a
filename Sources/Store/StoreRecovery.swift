import Coordination

/// Where the next page of recovery begins. Opaque to the engine.
public struct RecoveryCursor: Sendable, Hashable {
    /// Which table the page before ended in.
    public var table: Int
    /// The last row of that page.
    public var rowID: Int64

    /// Made by a store.
    public init(table: Int, rowID: Int64) {
        self.table = table
        self.rowID = rowID
    }
}

/// One page of recovery, as ``Store/recover(_:after:)`` gives it.
public struct RecoveryPage: Sendable {
    /// All definitions of the shard, oldest first.
    public var definitions: [DefinitionRow] = []
    /// All entities of the shard whose kind says ``EntityKind/isRecovered``, in the order in which
    /// they were first stored; behind them those that are ``EntityKind/isBrief``, by kind and
    /// namespace.
    public var entities: [EntityRow] = []
    /// Changes of shared memory: first what the keys held when the window passed them, then those in
    /// the window in the order of commits. The last one of a key is what it holds; one without a value
    /// says that it holds nothing.
    public var memory: [MemoryRow] = []
    /// Runs without an end, by ascending id.
    public var openRuns: [RunRow] = []
    /// Requests still remembered, in the order in which they were committed.
    public var requests: [RequestRow] = []
    /// Where the next page begins; `nil` on the last page.
    public var next: RecoveryCursor?

    /// An empty last page.
    public init() {}
}
