import Coordination
import Store

/// A store that hands everything to another one. A test's store conforms, and says only what it
/// does in another way.
public protocol ForwardingStore: Store {
    /// What does the work.
    var base: any Store { get }
}

extension ForwardingStore {
    public var facts: StoreFacts { base.facts }
    public var isLowOnSpace: Bool { base.isLowOnSpace }

    public func claim(_ shard: ShardID, wallMillis: Int64) async throws(StoreError) -> Epoch {
        try await base.claim(shard, wallMillis: wallMillis)
    }

    public func recover(
        _ shard: ShardID, after cursor: RecoveryCursor?
    ) async throws(StoreError) -> RecoveryPage {
        try await base.recover(shard, after: cursor)
    }

    public func commit(
        _ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void
    ) {
        base.commit(batch, completion: completion)
    }

    public func loadPayloads(
        _ ids: [PayloadID],
        completion: @escaping @Sendable (Result<[PayloadID: Payload], StoreError>) -> Void
    ) {
        base.loadPayloads(ids, completion: completion)
    }

    public func query(
        _ query: StoreQuery,
        completion: @escaping @Sendable (Result<StoreAnswer, StoreError>) -> Void
    ) {
        base.query(query, completion: completion)
    }

    public func prune(
        _ shard: ShardID, closedBeforeMillis: Int64,
        completion: @escaping @Sendable (Result<PrunedPiece, StoreError>) -> Void
    ) {
        base.prune(shard, closedBeforeMillis: closedBeforeMillis, completion: completion)
    }

    public func backUp(
        completion: @escaping @Sendable (Result<any StoreCopy, StoreError>) -> Void
    ) {
        base.backUp(completion: completion)
    }

    public func verify(
        completion: @escaping @Sendable (Result<StoreVerdict, StoreError>) -> Void
    ) {
        base.verify(completion: completion)
    }

    public func close() async { await base.close() }
}
