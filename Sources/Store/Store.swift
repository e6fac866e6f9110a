import Coordination

/// Where promises are kept: takes whole batches, in order, and says when they are on disk.
///
/// Only Sendable values cross, no SQL and no closures over rows, so that another database can
/// stand behind it. SQLite and the in-memory store pass one and the same test suite.
public protocol Store: Sendable {
    /// Claims the shard for this process and gives its new epoch, durably, before anything else.
    /// The epoch is at least the last one plus one and at least `wallMillis / 1000`.
    func claim(_ shard: ShardID, wallMillis: Int64) async throws(StoreError) -> Epoch

    /// One page of what an engine needs to go on: definitions first, then open runs with their
    /// state, then live request ids. `cursor` is `nil` for the first page; the last has no next.
    func recover(
        _ shard: ShardID, after cursor: RecoveryCursor?
    ) async throws(StoreError) -> RecoveryPage

    /// Commits a batch in the order of the calls and answers on the store's own thread, once it is
    /// on disk. Never throws: what happened is the outcome.
    func commit(_ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void)

    /// Loads payloads by id; committed ones only. Missing ids are absent from the answer.
    func loadPayloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], StoreError>) -> Void
    )

    /// Reads committed state on a reader connection, one page per transaction.
    func query(
        _ query: StoreQuery,
        completion: @escaping @Sendable (Result<StoreAnswer, StoreError>) -> Void
    )

    /// Whether the disk is about to fill: refuse new work, so that what is under way can end.
    /// Cheap; may be a fraction of a second old.
    var isLowOnSpace: Bool { get }

    /// Finishes what was handed over and releases the file. Later calls answer `.unavailable`,
    /// later commits `.unknown`.
    func close() async
}

extension Store {
    /// A store that knows no limit is never low on space.
    public var isLowOnSpace: Bool { false }
}

/// A part of the namespaces with an engine of its own. One today.
public struct ShardID: Sendable, Hashable {
    public let number: Int32

    /// Names a shard by number, 0 or more.
    public init(number: Int32) { self.number = number }

    /// The only shard of a single server.
    public static let only = ShardID(number: 0)
}

/// What became of a batch.
public enum CommitOutcome: Sendable, Equatable {
    /// On disk: what depends on it may be released.
    case committed
    /// Another server has claimed the shard since; nothing was written. Stop.
    case fenced
    /// The disk is full; nothing was written, and the same batch may be handed over again.
    case full
    /// It may or may not be on disk. Stop, restart, recover.
    case unknown(String)
}

/// All durable changes of one engine batch, grouped by table, applied in one transaction.
public struct StoreBatch: Sendable {
    public var shard: ShardID
    public var epoch: Epoch
    public var number: BatchNumber
    /// Insert or replace by namespace and name.
    public var definitions: [DefinitionRow] = []
    /// Insert.
    public var payloads: [PayloadRow] = []
    /// Insert or replace by run; a run occurs at most once in a batch.
    public var runs: [RunRow] = []
    /// Insert; one packed row per run and batch.
    public var history: [HistoryRow] = []
    /// Insert.
    public var requests: [RequestRow] = []

    /// An empty batch.
    public init(shard: ShardID, epoch: Epoch, number: BatchNumber) {
        self.shard = shard
        self.epoch = epoch
        self.number = number
    }

    /// Whether committing it would change nothing.
    public var isEmpty: Bool {
        definitions.isEmpty && payloads.isEmpty && runs.isEmpty && history.isEmpty
            && requests.isEmpty
    }
}

/// A stored definition. The blob begins with its format version.
public struct DefinitionRow: Sendable, Hashable {
    public var namespace: String
    public var name: String
    public var version: String
    public var updatedMillis: Int64
    public var blob: [UInt8]

    /// Combines the columns.
    public init(
        namespace: String, name: String, version: String, updatedMillis: Int64, blob: [UInt8]
    ) {
        self.namespace = namespace
        self.name = name
        self.version = version
        self.updatedMillis = updatedMillis
        self.blob = blob
    }
}

/// A stored payload, kept as long as its run.
public struct PayloadRow: Sendable, Hashable {
    public var id: PayloadID
    public var run: RunID
    public var payload: Payload

    /// Combines the columns.
    public init(id: PayloadID, run: RunID, payload: Payload) {
        self.id = id
        self.run = run
        self.payload = payload
    }
}

/// The latest state of a run. The blob begins with its format version.
public struct RunRow: Sendable, Hashable {
    public var run: RunID
    public var namespace: String
    public var workflowID: String
    public var definition: String
    /// The engine's status code; open runs are those with `closedMillis` nil.
    public var status: UInt8
    public var startedMillis: Int64
    public var closedMillis: Int64?
    public var blob: [UInt8]

    /// Combines the columns.
    public init(
        run: RunID, namespace: String, workflowID: String, definition: String, status: UInt8,
        startedMillis: Int64, closedMillis: Int64?, blob: [UInt8]
    ) {
        self.run = run
        self.namespace = namespace
        self.workflowID = workflowID
        self.definition = definition
        self.status = status
        self.startedMillis = startedMillis
        self.closedMillis = closedMillis
        self.blob = blob
    }
}

/// The history events that one batch added to one run, packed. Sequence numbers start at 1 and
/// have no gaps.
public struct HistoryRow: Sendable, Hashable {
    public var run: RunID
    public var firstSequence: Int64
    public var count: Int
    public var blob: [UInt8]

    /// Combines the columns.
    public init(run: RunID, firstSequence: Int64, count: Int, blob: [UInt8]) {
        self.run = run
        self.firstSequence = firstSequence
        self.count = count
        self.blob = blob
    }
}

/// A request id remembered with the change it made, so that a repeated call gets the same answer.
public struct RequestRow: Sendable, Hashable {
    public var namespace: String
    public var method: String
    public var requestID: String
    /// 64-bit hash of the request's content, to tell a repeat from a misuse.
    public var contentHash: UInt64
    public var createdMillis: Int64
    /// The short answer: ids and status, no payload.
    public var answer: [UInt8]

    /// Combines the columns.
    public init(
        namespace: String, method: String, requestID: String, contentHash: UInt64,
        createdMillis: Int64, answer: [UInt8]
    ) {
        self.namespace = namespace
        self.method = method
        self.requestID = requestID
        self.contentHash = contentHash
        self.createdMillis = createdMillis
        self.answer = answer
    }
}

/// Where the next page of recovery begins. Opaque to the engine.
public struct RecoveryCursor: Sendable, Hashable {
    public var table: Int
    public var rowID: Int64

    /// Made by a store.
    public init(table: Int, rowID: Int64) {
        self.table = table
        self.rowID = rowID
    }
}

/// One page of recovery.
public struct RecoveryPage: Sendable {
    public var definitions: [DefinitionRow] = []
    public var openRuns: [RunRow] = []
    public var requests: [RequestRow] = []
    public var next: RecoveryCursor?

    /// An empty last page.
    public init() {}
}

/// A read of committed state.
public enum StoreQuery: Sendable {
    case run(RunID)
    /// The newest run of a workflow id.
    case latestRun(namespace: String, workflowID: String)
    /// Newest first; `before` is the last run of the page before.
    case runs(namespace: String, definition: String?, openOnly: Bool, before: RunID?, limit: Int)
    /// Rows that hold events from `fromSequence` on, in order.
    case history(run: RunID, fromSequence: Int64, limit: Int)
}

/// The answer to a ``StoreQuery``.
public enum StoreAnswer: Sendable {
    case run(RunRow?)
    case runs([RunRow])
    case history([HistoryRow])
}

/// Why a store could not do what was asked.
public struct StoreError: Error, Sendable, Hashable {
    /// What a caller can tell apart.
    public enum Code: Sendable, Hashable {
        /// Another process holds the data directory.
        case locked
        /// A newer server wrote the store.
        case newerVersion
        /// The directory or the file cannot be written.
        case notWritable
        /// The disk is full.
        case full
        /// The file is damaged.
        case corrupt
        /// The store is closed.
        case unavailable
        /// Too many reads wait; repeat later.
        case overloaded
        /// Anything else the database said.
        case failed
    }

    public var code: Code
    /// What happened and what to do.
    public var message: String

    /// Describes a failure.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
