import Coordination
import Store
import Testing

/// Which store a test of the common suite runs against.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case sqlite, memory

    var testDescription: String { rawValue }
}

/// What a test asks of its store beyond the defaults.
struct StoreLimits: Sendable {
    var recoveryPageRows = 500
    var recoveryPageBytes = 4 << 20
    /// Holds the small batches of the tests, and no payload of a mebibyte.
    var isSmall = false
    var requestRetentionHours: Int64 = 24
    var maxRequests = 4_000_000
}

/// A store of either kind, with a way to see what a restart would find.
struct StoreUnderTest: Sendable {
    let store: any Store
    private let limits: StoreLimits
    private let directory: TemporaryDirectory?

    /// Opens an empty store.
    init(_ kind: StoreKind, _ limits: StoreLimits = StoreLimits()) async throws {
        self.limits = limits
        switch kind {
        case .memory:
            directory = nil
            var configuration = InMemoryStore.Configuration()
            configuration.recoveryPageRows = limits.recoveryPageRows
            configuration.recoveryPageBytes = limits.recoveryPageBytes
            configuration.requestRetentionHours = limits.requestRetentionHours
            configuration.maxRequests = limits.maxRequests
            configuration.capacityBytes = limits.isSmall ? 200_000 : nil
            store = try InMemoryStore(configuration)
        case .sqlite:
            let directory = try TemporaryDirectory()
            self.directory = directory
            store = try await SQLiteStore.open(Self.configuration(directory, limits))
        }
    }

    private init(_ store: any Store, _ limits: StoreLimits, _ directory: TemporaryDirectory?) {
        self.store = store
        self.limits = limits
        self.directory = directory
    }

    private static func configuration(
        _ directory: TemporaryDirectory, _ limits: StoreLimits
    ) -> SQLiteStore.Configuration {
        var configuration = SQLiteStore.Configuration(directory: directory.path)
        configuration.recoveryPageRows = limits.recoveryPageRows
        configuration.recoveryPageBytes = limits.recoveryPageBytes
        configuration.requestRetentionHours = limits.requestRetentionHours
        configuration.maxRequests = limits.maxRequests
        // Keeps the directory as long as the store's threads have use for it.
        configuration.onCommit = { _ in _ = directory }
        configuration.maxPages = limits.isSmall ? 60 : nil
        return configuration
    }

    /// What a server finds that starts again; the old store is closed.
    func restarted() async throws -> StoreUnderTest {
        guard let directory else {
            guard let memory = store as? InMemoryStore else { return self }
            await memory.close()
            let copy = try memory.committedCopy()
            return StoreUnderTest(copy, limits, nil)
        }
        await store.close()
        return StoreUnderTest(
            try await SQLiteStore.open(Self.configuration(directory, limits)), limits, directory)
    }
}

// The completions as async answers, for tests only.
extension Store {
    func commit(_ batch: StoreBatch) async -> CommitOutcome {
        await withCheckedContinuation { continuation in
            commit(batch) { continuation.resume(returning: $0) }
        }
    }

    func loadPayloads(_ ids: [PayloadID]) async throws -> [PayloadID: Payload] {
        try await withCheckedContinuation { continuation in
            loadPayloads(ids) { continuation.resume(returning: $0) }
        }.get()
    }

    func query(_ query: StoreQuery) async throws -> StoreAnswer {
        try await withCheckedContinuation { continuation in
            self.query(query) { continuation.resume(returning: $0) }
        }.get()
    }

    func run(_ id: RunID) async throws -> RunRow? {
        guard case .run(let row) = try await query(.run(id)) else { return nil }
        return row
    }

    func latestRun(_ workflowID: String, in namespace: String) async throws -> RunRow? {
        let query = StoreQuery.latestRun(namespace: namespace, workflowID: workflowID)
        guard case .run(let row) = try await self.query(query) else { return nil }
        return row
    }

    func runs(
        in namespace: String, definition: String? = nil, openOnly: Bool = false,
        before: RunID? = nil, limit: Int = 100
    ) async throws -> [RunRow] {
        let query = StoreQuery.runs(
            namespace: namespace, definition: definition, openOnly: openOnly, before: before,
            limit: limit)
        guard case .runs(let rows) = try await self.query(query) else { return [] }
        return rows
    }

    func history(_ run: RunID, from: Int64, limit: Int = 100) async throws -> [HistoryRow] {
        let query = StoreQuery.history(run: run, fromSequence: from, limit: limit)
        guard case .history(let rows) = try await self.query(query) else { return [] }
        return rows
    }

    func prune(
        closedBefore millis: Int64, _ shard: ShardID = .only
    ) async throws -> PrunedPiece {
        try await withCheckedContinuation { continuation in
            prune(shard, closedBeforeMillis: millis) { continuation.resume(returning: $0) }
        }.get()
    }

    /// Prunes to the end and gives the number of runs removed.
    func pruneAll(closedBefore millis: Int64) async throws -> Int {
        var runs = 0
        while true {
            let piece = try await prune(closedBefore: millis)
            runs += piece.runs
            if !piece.hasMore { return runs }
        }
    }

    func entities(
        _ kind: EntityKind, in namespace: String, after: String? = nil, limit: Int = 100
    ) async throws -> [EntityRow] {
        let query = StoreQuery.entities(
            kind: kind, namespace: namespace, after: after, limit: limit)
        guard case .entities(let rows) = try await self.query(query) else { return [] }
        return rows
    }

    func audit(
        namespace: String? = nil, subject: String? = nil, before: Int64? = nil, limit: Int = 100
    ) async throws -> [AuditRow] {
        let query = StoreQuery.audit(
            namespace: namespace, subject: subject, before: before, limit: limit)
        guard case .audit(let rows) = try await self.query(query) else { return [] }
        return rows
    }

    /// All pages of recovery, in order.
    func recoverAll(_ shard: ShardID = .only) async throws -> [RecoveryPage] {
        var pages = [try await recover(shard, after: nil)]
        while let next = pages.last?.next {
            pages.append(try await recover(shard, after: next))
        }
        return pages
    }
}
