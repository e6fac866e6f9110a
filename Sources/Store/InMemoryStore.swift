import Coordination
import Threads

/// A store that keeps everything in memory and loses it with the process: for tests, simulations
/// and `--data :memory:`.
///
/// It follows the same rules as ``SQLiteStore`` and passes the same suite: order, epochs, pages,
/// refused duplicates, a limit on space. Any thread may call.
public final class InMemoryStore: Store {
    /// Where completions run.
    public enum Completions: Sendable, Hashable {
        /// On a thread of the store's own, after the call has returned, in the order of the calls.
        case ownThread
        /// On the calling thread, before the call returns: for simulations with one caller.
        case inline
    }

    /// What a store is limited to. The defaults are those of ``SQLiteStore``.
    public struct Configuration: Sendable {
        /// Default ``Completions/ownThread``.
        public var completions = Completions.ownThread
        /// Bytes of blobs and payloads that fit; beyond, commits are `.full`. Default: no limit.
        public var capacityBytes: Int?
        /// Rows in one page of recovery, at least 1; default 500.
        public var recoveryPageRows = 500
        /// Bytes of blobs after which a page of recovery ends; default 4 MiB.
        public var recoveryPageBytes = 4 << 20
        /// Whole hours that requests are remembered, at least 1; default 24.
        public var requestRetentionHours: Int64 = 24
        /// Requests remembered at most; the oldest go early. Default 4 million.
        public var maxRequests = 4_000_000

        /// The defaults.
        public init() {}
    }

    private let configuration: Configuration
    private let state: Locked<State>
    private let jobs: Mailbox<@Sendable () -> Void>
    private let ended = EndSignal()

    fileprivate struct State: Sendable {
        var tables: MemoryTables
        var orders: [ShardID: CommitOrder] = [:]
        var retention: RequestRetention
        /// Set when a batch was refused for good: later ones may build on it.
        var broken: String?
        var isClosed = false
    }

    /// An empty store.
    ///
    /// - Throws: `.failed` when the system refuses a thread; never with inline completions.
    public convenience init(
        _ configuration: Configuration = Configuration()
    ) throws(StoreError) {
        try self.init(configuration, tables: MemoryTables())
    }

    private init(_ configuration: Configuration, tables: MemoryTables) throws(StoreError) {
        self.configuration = configuration
        state = Locked(
            State(
                tables: tables,
                retention: RequestRetention(hours: configuration.requestRetentionHours)))
        // Everything goes by the vital lane; the engine's own limits bound what waits.
        jobs = Mailbox(capacity: 1)
        switch configuration.completions {
        case .inline: ended.end()
        case .ownThread: try Self.startThread(jobs, ended)
        }
    }

    deinit {
        jobs.close()
    }

    /// A store of its own that holds what this one has committed: what a server finds that starts
    /// again after a crash at this moment.
    public func committedCopy() throws(StoreError) -> InMemoryStore {
        try InMemoryStore(configuration, tables: state.withLock { $0.tables })
    }

    private static func startThread(
        _ jobs: Mailbox<@Sendable () -> Void>, _ ended: EndSignal
    ) throws(StoreError) {
        do throws(ThreadStartError) {
            _ = try NamedThread.start(name: "store-memory") {
                var batch: [@Sendable () -> Void] = []
                while jobs.waitAndDrain(into: &batch) == .drained {
                    for job in batch { job() }
                }
                ended.end()
            }
        } catch {
            throw StoreError(.failed, error.description)
        }
    }

    /// Runs a job where completions run; `false` when the store is closed.
    private func perform(_ job: @escaping @Sendable () -> Void) -> Bool {
        switch configuration.completions {
        case .ownThread:
            return jobs.post(job, lane: .vital) != .closed
        case .inline:
            guard !state.withLock({ $0.isClosed }) else { return false }
            job()
            return true
        }
    }

    /// Ends the thread after what was handed over; ``committedCopy()`` still works.
    public func close() async {
        state.withLock { $0.isClosed = true }
        jobs.close()
        await ended.wait()
    }

    // MARK: Writing

    /// Counts epochs as the durable store does, for as long as the process lives.
    public func claim(
        _ shard: ShardID, wallMillis: Int64
    ) async throws(StoreError) -> Epoch {
        let claimed = await withCheckedContinuation { continuation in
            let taken = perform { [state] in
                continuation.resume(
                    returning: state.withLock { $0.claim(shard, wallMillis: wallMillis) })
            }
            if !taken { continuation.resume(returning: .failure(.closed)) }
        }
        return try claimed.get()
    }

    /// Applies the batch, or refuses it for the same reasons as the durable store.
    public func commit(
        _ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void
    ) {
        let taken = perform { [state, configuration] in
            completion(
                state.withLock {
                    $0.commit(
                        batch, capacityBytes: configuration.capacityBytes,
                        maxRequests: configuration.maxRequests)
                })
        }
        if !taken { completion(.unknown(StoreError.closed.message)) }
    }

    /// Removes runs as the durable store does.
    public func prune(
        _ shard: ShardID, closedBeforeMillis: Int64,
        completion: @escaping @Sendable (Result<PrunedPiece, StoreError>) -> Void
    ) {
        let taken = perform { [state] in
            completion(
                .success(
                    state.withLock {
                        $0.tables.prune(shard, closedBeforeMillis: closedBeforeMillis)
                    }))
        }
        if !taken { completion(.failure(.closed)) }
    }

    // MARK: Reading

    /// A page of what is held now.
    public func recover(
        _ shard: ShardID, after cursor: RecoveryCursor?
    ) async throws(StoreError) -> RecoveryPage {
        let page = await withCheckedContinuation { continuation in
            read({ [configuration] state in
                state.tables.recoveryPage(
                    RecoveryRequest(
                        shard: shard, cursor: cursor, maxRows: configuration.recoveryPageRows,
                        maxBytes: configuration.recoveryPageBytes,
                        oldestHour: state.retention.oldestHour))
            }) { continuation.resume(returning: $0) }
        }
        return try page.get()
    }

    /// Completes where completions run; never fails while the store is open.
    public func loadPayloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], StoreError>) -> Void
    ) {
        read({ $0.tables.payloads(ids) }, completion)
    }

    /// Completes where completions run; never fails while the store is open.
    public func query(
        _ query: StoreQuery,
        completion: @escaping @Sendable (Result<StoreAnswer, StoreError>) -> Void
    ) {
        read({ $0.tables.answer(query) }, completion)
    }

    private func read<Answer: Sendable>(
        _ body: @escaping @Sendable (State) -> Answer,
        _ completion: @escaping @Sendable (Result<Answer, StoreError>) -> Void
    ) {
        let taken = perform { [state] in
            // The tables are values: a copy under the lock, the reading outside of it.
            completion(.success(body(state.withLock { $0 })))
        }
        if !taken { completion(.failure(.closed)) }
    }
}

extension InMemoryStore.State {
    fileprivate mutating func claim(
        _ shard: ShardID, wallMillis: Int64
    ) -> Result<Epoch, StoreError> {
        do throws(StoreError) {
            let epoch = try Epoch.claimed(after: tables.epochs[shard], wallMillis: wallMillis)
            tables.setEpoch(epoch, of: shard)
            orders[shard] = CommitOrder(epoch: epoch)
            timePassed(toMillis: wallMillis)
            return .success(epoch)
        } catch {
            return .failure(error)
        }
    }

    fileprivate mutating func commit(
        _ batch: StoreBatch, capacityBytes: Int?, maxRequests: Int
    ) -> CommitOutcome {
        if let broken { return .unknown(broken) }
        guard let order = orders[batch.shard] else { return .fenced }
        switch order.admits(epoch: batch.epoch, number: batch.number) {
        case .fenced: return .fenced
        case .waitsForRefused: return .full
        case .outOfOrder(let why): return breakOff(because: why)
        case .apply: break
        }
        if let capacityBytes, tables.bytes + batch.byteCount > capacityBytes {
            orders[batch.shard]?.refusedAsFull(batch.number)
            return .full
        }
        if let conflict = tables.conflict(in: batch) {
            return breakOff(because: "nothing was written: \(conflict)")
        }
        tables.apply(batch)
        orders[batch.shard]?.committed(batch.number)
        for row in batch.requests { timePassed(toMillis: row.createdMillis) }
        tables.dropRequests(beyond: maxRequests)
        return .committed
    }

    private mutating func breakOff(because why: String) -> CommitOutcome {
        broken = "an earlier commit failed: \(why). Restart the server"
        return .unknown(why)
    }

    private mutating func timePassed(toMillis millis: Int64) {
        if retention.timePassed(toMillis: millis) { tables.dropRequests(retention) }
    }
}
