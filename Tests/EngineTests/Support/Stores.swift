import Coordination
import Engine
import Store
import Threads

/// A store that tells of every commit.
struct CountingStore: Store {
    let base: any Store
    let onCommit: @Sendable () -> Void

    init(_ base: any Store, _ onCommit: @escaping @Sendable () -> Void) {
        self.base = base
        self.onCommit = onCommit
    }

    func claim(_ shard: ShardID, wallMillis: Int64) async throws(StoreError) -> Epoch {
        try await base.claim(shard, wallMillis: wallMillis)
    }

    func recover(
        _ shard: ShardID, after cursor: RecoveryCursor?
    ) async throws(StoreError) -> RecoveryPage {
        try await base.recover(shard, after: cursor)
    }

    func commit(_ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void) {
        onCommit()
        base.commit(batch, completion: completion)
    }

    func loadPayloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], StoreError>) -> Void
    ) {
        base.loadPayloads(ids, completion: completion)
    }

    func query(
        _ query: StoreQuery,
        completion: @escaping @Sendable (Result<StoreAnswer, StoreError>) -> Void
    ) {
        base.query(query, completion: completion)
    }

    func close() async { await base.close() }
}

/// A store whose commits end as a test decides.
struct ScriptedStore: Store {
    let base: any Store
    /// The outcome to give instead of committing; `nil`: commit.
    let outcome: @Sendable () -> CommitOutcome?

    func claim(_ shard: ShardID, wallMillis: Int64) async throws(StoreError) -> Epoch {
        try await base.claim(shard, wallMillis: wallMillis)
    }

    func recover(
        _ shard: ShardID, after cursor: RecoveryCursor?
    ) async throws(StoreError) -> RecoveryPage {
        try await base.recover(shard, after: cursor)
    }

    func commit(_ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void) {
        if let outcome = outcome() { return completion(outcome) }
        base.commit(batch, completion: completion)
    }

    func loadPayloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], StoreError>) -> Void
    ) {
        base.loadPayloads(ids, completion: completion)
    }

    func query(
        _ query: StoreQuery,
        completion: @escaping @Sendable (Result<StoreAnswer, StoreError>) -> Void
    ) {
        base.query(query, completion: completion)
    }

    func close() async { await base.close() }
}

/// Gives assignments to fake agents that answer to a host of their own.
struct Forwarding: AssignmentPort {
    private let agents: FakeAgents

    init(_ agents: FakeAgents, _ host: EngineHost) {
        self.agents = agents
        agents.answer(to: host)
    }

    func dispatch(_ assignments: [Assignment]) { agents.dispatch(assignments) }
    func cancel(_ tokens: [AssignmentToken]) { agents.cancel(tokens) }
}
