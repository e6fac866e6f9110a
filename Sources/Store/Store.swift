import Coordination

/// Where promises are kept: takes whole batches, in order, and says when they are on disk.
///
/// Only Sendable values cross, no SQL and no closures over rows, so that another database can
/// stand behind it. ``SQLiteStore`` and ``InMemoryStore`` pass one and the same test suite.
///
/// Any thread may call, and no call blocks its thread. Completions run on a thread of the store's
/// (after `close` on the caller's); they must not block and may call the store again.
///
/// What a shard's owner can rely on, whatever fails:
/// - A batch is stored whole or not at all, and never before one that was handed over earlier.
/// - Only the latest claim of a shard writes; the batches of older ones are `.fenced`.
/// - Batch numbers ascend within an epoch; gaps are allowed. Anything else is a bug of the caller's
///   and answered `.unknown`.
/// - After `.full`, later batches are `.full` too until the refused one has been handed over
///   again, whole or smaller. After `.unknown`, nothing more is written.
public protocol Store: Sendable {
    /// Claims a shard for this process and gives its new epoch, durably, before anything else. On a
    /// full disk the claim is stored with the first batch that there is room for; SQLite itself needs
    /// 32 KiB to open what was closed well.
    ///
    /// The epoch is at least the last one plus one and at least `wallMillis / 1000`. Earlier
    /// claims can no longer commit. Requests that `wallMillis` finds too old are forgotten.
    ///
    /// - Parameter wallMillis: the wall clock, in milliseconds since 1970.
    /// - Throws: `.locked` (another program is writing), `.failed` or `.unavailable`;
    ///   nothing was claimed then, and the call may be repeated.
    func claim(_ shard: ShardID, wallMillis: Int64) async throws(StoreError) -> Epoch

    /// One page of what an engine needs to go on: definitions, then entities of the kinds that
    /// are recovered, then what the keys of shared memory hold, then open runs with their state by
    /// ascending id, then the requests still remembered, oldest first.
    ///
    /// Claim first and read to the end before committing: pages are transactions of their own.
    ///
    /// - Parameter cursor: `nil` for the first page, then each page's ``RecoveryPage/next`` until
    ///   that is `nil`. Only the last page may be empty.
    func recover(
        _ shard: ShardID, after cursor: RecoveryCursor?
    ) async throws(StoreError) -> RecoveryPage

    /// Commits a batch after all those handed over before, and answers once it is on disk.
    ///
    /// Never throws: what happened is the outcome. Completions run in the order of the calls.
    func commit(_ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void)

    /// Loads payloads by id; committed ones only. Missing ids are absent from the answer.
    ///
    /// Never refused for want of a free reader: the caller's own limits bound how many wait.
    func loadPayloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], StoreError>) -> Void
    )

    /// Reads one page of committed state, as one transaction.
    ///
    /// Fails with `.overloaded` when too many queries wait already; then repeat later.
    func query(
        _ query: StoreQuery,
        completion: @escaping @Sendable (Result<StoreAnswer, StoreError>) -> Void
    )

    /// Removes some of a shard's runs that ended before a moment, the longest ended first, with
    /// their history and payloads; never an open one. Readers see a run wholly or not at all.
    ///
    /// A small transaction of its own, behind the batches handed over before. Call again while
    /// ``PrunedPiece/hasMore`` says so, with pauses, since the next commit waits for it.
    ///
    /// - Parameter closedBeforeMillis: runs that ended at this moment, in milliseconds since 1970,
    ///   or later stay.
    func prune(
        _ shard: ShardID, closedBeforeMillis: Int64,
        completion: @escaping @Sendable (Result<PrunedPiece, StoreError>) -> Void
    )

    /// Makes a consistent copy of everything committed, beside the commits, and checks it before it
    /// is given: a good backup. The copy needs as much room as the store, on the same disk, until
    /// it is closed. One at a time, else `.overloaded`.
    func backUp(completion: @escaping @Sendable (Result<any StoreCopy, StoreError>) -> Void)

    /// Looks through everything stored, beside commits and reads: seconds per gigabyte.
    func verify(completion: @escaping @Sendable (Result<StoreVerdict, StoreError>) -> Void)

    /// What an operator is told.
    var facts: StoreFacts { get }

    /// Whether the disk is about to fill: refuse new work, so that what is under way can end.
    /// Cheap; may be a fraction of a second old.
    var isLowOnSpace: Bool { get }

    /// Finishes what was handed over and releases the file. Later calls answer `.unavailable`,
    /// later commits `.unknown`. May be called again.
    func close() async
}

/// The free space that a store on disk keeps for what is under way.
public enum FreeSpaceMark {
    /// Free bytes below which a store is low on space unless it is told another mark: 64 MiB.
    public static let defaultBytes: Int64 = 64 << 20
    /// The default as people read it.
    public static let defaultText = "\(defaultBytes >> 20) MiB"
}

extension Store {
    /// A store that knows no limit is never low on space.
    public var isLowOnSpace: Bool { false }

    /// A store that knows nothing of itself.
    public var facts: StoreFacts { StoreFacts() }

    /// A store without a file has no backup.
    public func backUp(
        completion: @escaping @Sendable (Result<any StoreCopy, StoreError>) -> Void
    ) {
        completion(.failure(.noFile))
    }

    /// A store without a file has nothing to look through.
    public func verify(
        completion: @escaping @Sendable (Result<StoreVerdict, StoreError>) -> Void
    ) {
        completion(.failure(.noFile))
    }

    /// A store that does not prune keeps everything.
    public func prune(
        _ shard: ShardID, closedBeforeMillis: Int64,
        completion: @escaping @Sendable (Result<PrunedPiece, StoreError>) -> Void
    ) {
        completion(.success(PrunedPiece(runs: 0, hasMore: false)))
    }
}

extension StoreError {
    /// What a store in memory says to a backup or a check.
    public static let noFile = StoreError(
        .unsupported, "this server keeps nothing on disk. Start it with --data DIRECTORY")
}

/// A part of the namespaces with an engine of its own. One today.
public struct ShardID: Sendable, Hashable {
    /// 0 or more.
    public let number: Int32

    /// Names a shard by number, 0 or more.
    public init(number: Int32) { self.number = number }

    /// The only shard of a single server.
    public static let only = ShardID(number: 0)
}

/// What became of a batch handed to ``Store/commit(_:completion:)``.
public enum CommitOutcome: Sendable, Equatable {
    /// On disk: what depends on it may be released.
    case committed
    /// Nothing was written: another server has claimed the shard since, or this one has not
    /// claimed it. Stop.
    case fenced
    /// The disk is full; nothing was written, and the same batch may be handed over again.
    case full
    /// It may or may not be on disk; the text says why. Stop, restart, recover.
    case unknown(String)
}
