import Coordination
import Threads

/// The store of a single server: one SQLite file in a data directory that no other server may use.
///
/// Threads: one that writes (`store`), a few that read (`reader-1` …), one that copies the
/// write-ahead log (`checkpoint`). Any thread may call; nothing blocks the caller. Completions of
/// commits run on the store thread in the order of the calls, those of reads on a reader thread;
/// they must not block, and may call the store again.
///
/// Durability: write-ahead log with `synchronous = FULL`, so a commit has been synced to the disk
/// when its completion says `.committed` (sqlite.org/pragma.html#pragma_synchronous). Batches
/// that wait while one is being synced share the next transaction.
///
/// A store that is dropped without `close` finishes what was handed over, then ends its threads.
public final class SQLiteStore: Store {
    private let jobs: Mailbox<WriteJob>
    private let readers: SQLiteReaderPool
    private let shared: SQLiteStoreShared
    private let freeSpace: SQLiteFreeSpace
    private let maintenance: SQLiteMaintenance
    private let ended: EndSignal

    /// Opens or creates the store, waiting for migrations; the work is done on the store thread.
    ///
    /// - Throws: ``StoreError`` with `.locked`, `.newerVersion`, `.notWritable`, `.corrupt`,
    ///   `.full` or `.failed`; its message names the path and what to do.
    public static func open(
        _ configuration: Configuration
    ) async throws(StoreError) -> SQLiteStore {
        let opened = await withCheckedContinuation { continuation in
            start(configuration) { continuation.resume(returning: $0) }
        }
        return try opened.get()
    }

    /// Hands out what callers need; what only the store thread needs stays with it.
    fileprivate init(
        jobs: Mailbox<WriteJob>, readers: SQLiteReaderPool, maintenance: SQLiteMaintenance,
        shared: SQLiteStoreShared, ended: EndSignal
    ) {
        self.jobs = jobs
        self.readers = readers
        self.maintenance = maintenance
        self.shared = shared
        freeSpace = SQLiteFreeSpace(
            path: shared.configuration.directory, mark: shared.configuration.freeSpaceMarkBytes)
        self.ended = ended
    }

    deinit {
        jobs.close()
    }

    /// What the store has done since it was opened.
    public var statistics: StoreStatistics { shared.statistics.withLock { $0 } }

    /// Whether less than the configured mark is free on the disk; at most a quarter of a second old.
    public var isLowOnSpace: Bool { freeSpace.isLow }

    /// Writes the new epoch in a transaction of its own, after the batches handed over before.
    public func claim(
        _ shard: ShardID, wallMillis: Int64
    ) async throws(StoreError) -> Epoch {
        let claimed = await withCheckedContinuation { continuation in
            let job = WriteJob.claim(shard, wallMillis: wallMillis) {
                continuation.resume(returning: $0)
            }
            if jobs.post(job, lane: .vital) == .closed {
                continuation.resume(returning: .failure(.closed))
            }
        }
        return try claimed.get()
    }

    /// One read transaction on a reader connection; size as configured.
    public func recover(
        _ shard: ShardID, after cursor: RecoveryCursor?
    ) async throws(StoreError) -> RecoveryPage {
        let request = RecoveryRequest(
            shard: shard, cursor: cursor, maxRows: shared.configuration.recoveryPageRows,
            maxBytes: shared.configuration.recoveryPageBytes,
            oldestHour: shared.retention.withLock { $0.oldestHour })
        let page = await withCheckedContinuation { continuation in
            read(
                bounded: false,
                { reader throws(SQLiteFailure) in
                    try reader.recoveryPage(request)
                }
            ) { continuation.resume(returning: $0) }
        }
        return try page.get()
    }

    /// Joins the transaction that the store thread makes next; completes on that thread.
    public func commit(
        _ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void
    ) {
        if jobs.post(.commit(batch, completion), lane: .vital) == .closed {
            completion(.unknown(StoreError.closed.message))
        }
    }

    /// One read transaction; completes on a reader thread.
    public func loadPayloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], StoreError>) -> Void
    ) {
        read(
            bounded: false,
            { reader throws(SQLiteFailure) in
                try reader.payloads(ids)
            }, completion)
    }

    /// One read transaction; completes on a reader thread. `.overloaded` beyond the configured
    /// number of waiting queries.
    public func query(
        _ query: StoreQuery,
        completion: @escaping @Sendable (Result<StoreAnswer, StoreError>) -> Void
    ) {
        read(
            bounded: true,
            { reader throws(SQLiteFailure) in
                try reader.answer(query)
            }, completion)
    }

    /// One small transaction on the store thread, which completes it.
    public func prune(
        _ shard: ShardID, closedBeforeMillis: Int64,
        completion: @escaping @Sendable (Result<PrunedPiece, StoreError>) -> Void
    ) {
        let job = WriteJob.prune(shard, closedBeforeMillis: closedBeforeMillis, completion)
        if jobs.post(job, lane: .vital) == .closed { completion(.failure(.closed)) }
    }

    /// `VACUUM INTO` on a connection of its own, then `quick_check` of the copy.
    public func backUp(
        completion: @escaping @Sendable (Result<any StoreCopy, StoreError>) -> Void
    ) {
        guard !freeSpace.isLow else { return completion(.failure(.noRoomForBackup)) }
        maintenance.backUp(completion)
    }

    /// `PRAGMA quick_check` on a connection of its own.
    public func verify(
        completion: @escaping @Sendable (Result<StoreVerdict, StoreError>) -> Void
    ) {
        maintenance.verify(completion)
    }

    /// Sizes as the file system has them now.
    public var facts: StoreFacts {
        var facts = StoreFacts()
        let path = "\(shared.configuration.directory)/\(SQLiteDirectory.databaseName)"
        facts.storeBytes = SQLiteDirectory.size(of: path)
        facts.logBytes = SQLiteDirectory.size(of: path + "-wal")
        facts.freeBytes = freeSpace.freeBytes
        facts.lastBackupMillis = maintenance.lastBackupMillis
        facts.prunedRuns = statistics.prunedRuns
        return facts
    }

    /// Also copies the write-ahead log into the database file and gives the directory back.
    public func close() async {
        jobs.close()
        await ended.wait()
    }

    private func read<Answer: Sendable>(
        bounded: Bool, _ body: @escaping @Sendable (SQLiteReader) throws(SQLiteFailure) -> Answer,
        _ completion: @escaping @Sendable (Result<Answer, StoreError>) -> Void
    ) {
        let file = "the store"
        let refusal = readers.post(bounded: bounded) { reader in
            completion(
                reader.flatMap { reader in
                    do throws(SQLiteFailure) {
                        return .success(try body(reader))
                    } catch {
                        return .failure(StoreError(error, file: file))
                    }
                })
        }
        switch refusal {
        case nil: break
        case .closed: completion(.failure(.closed))
        case .full: completion(.failure(.tooManyReads))
        }
    }
}

// MARK: Starting

extension SQLiteStore {
    /// Starts the store thread, which opens everything and reports once.
    private static func start(
        _ configuration: Configuration,
        report: @escaping @Sendable (Result<SQLiteStore, StoreError>) -> Void
    ) {
        do throws(ThreadStartError) {
            _ = try NamedThread.start(name: "store") { live(configuration, report: report) }
        } catch {
            report(.failure(StoreError(.failed, error.description)))
        }
    }

    /// The life of the store thread: takes the directory, works, and gives it back when all
    /// connections are closed.
    private static func live(
        _ configuration: Configuration,
        report: @Sendable (Result<SQLiteStore, StoreError>) -> Void
    ) {
        let ended = EndSignal()
        do throws(StoreError) {
            let directory = try SQLiteDirectory(path: configuration.directory)
            // The connections live on the stack of this call, so they are gone when it returns.
            openAndRun(configuration, directory.databasePath, ended: ended, report: report)
            directory.release()
        } catch {
            report(.failure(error))
        }
        ended.end()
    }

    private static func openAndRun(
        _ configuration: Configuration, _ path: String, ended: EndSignal,
        report: @Sendable (Result<SQLiteStore, StoreError>) -> Void
    ) {
        // The limit of the work lane is never met: everything goes by the vital lane, and the
        // engine has at most two batches under way.
        let jobs = Mailbox<WriteJob>(capacity: 1)
        do throws(StoreError) {
            let parts = try SQLiteStoreParts(configuration, path: path)
            report(.success(parts.store(jobs: jobs, ended: ended)))
            parts.runUntilClosed(jobs)
        } catch {
            report(.failure(error))
        }
    }
}

/// What the store thread opens and closes, in order.
private struct SQLiteStoreParts {
    let shared: SQLiteStoreShared
    let readers: SQLiteReaderPool
    let maintenance: SQLiteMaintenance
    private let thread: SQLiteStoreThread

    init(_ configuration: SQLiteStore.Configuration, path: String) throws(StoreError) {
        let writer = try SQLiteWriter(
            path: path, busyMillis: configuration.busyMillis,
            cacheKibibytes: configuration.writerCacheKibibytes, maxPages: configuration.maxPages)
        shared = SQLiteStoreShared(configuration)
        do throws(ThreadStartError) {
            let checkpointer = try SQLiteCheckpointer(
                path: path, busyMillis: configuration.busyMillis)
            thread = SQLiteStoreThread(writer: writer, checkpointer: checkpointer, shared: shared)
            do throws(ThreadStartError) {
                readers = try SQLiteReaderPool(path: path, configuration: configuration)
            } catch {
                checkpointer.stop()
                throw error
            }
            do throws(ThreadStartError) {
                maintenance = try SQLiteMaintenance(
                    path: path, busyMillis: configuration.busyMillis)
            } catch {
                readers.stop()
                checkpointer.stop()
                throw error
            }
        } catch {
            throw StoreError(.failed, error.description)
        }
    }

    func store(jobs: Mailbox<WriteJob>, ended: EndSignal) -> SQLiteStore {
        SQLiteStore(
            jobs: jobs, readers: readers, maintenance: maintenance, shared: shared, ended: ended)
    }

    /// The readers end first, so that the last checkpoint may cut the log.
    func runUntilClosed(_ jobs: Mailbox<WriteJob>) {
        thread.run(jobs) {
            readers.stop()
            maintenance.stop()
        }
    }
}

extension StoreError {
    /// What every call after `close` is told.
    static let closed = StoreError(
        .unavailable, "the store is closed. Call again when the server has started again")

    /// What a backup is told when the disk runs low.
    static let noRoomForBackup = StoreError(
        .full,
        "less than \(FreeSpaceMark.defaultText) of the store's disk are free, and a backup needs as "
            + "much room as the store. Free some")

    /// What a query is told when too many wait already.
    static let tooManyReads = StoreError(
        .overloaded, "too many reads wait for the store. Repeat the call later")
}
