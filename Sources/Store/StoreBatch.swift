import Coordination

/// All durable changes of one engine batch, grouped by table, applied in one transaction.
public struct StoreBatch: Sendable {
    /// Whose changes these are; must have been claimed.
    public var shard: ShardID
    /// The claim under which they are made.
    public var epoch: Epoch
    /// Above that of every earlier batch of this epoch.
    public var number: BatchNumber
    /// Insert or replace by namespace and name.
    public var definitions: [DefinitionRow] = []
    /// Insert; an id that is stored already refuses the whole batch.
    public var payloads: [PayloadRow] = []
    /// Insert, or change status, end and state of a known run; a run occurs at most once here.
    public var runs: [RunRow] = []
    /// Insert; one packed row per run and batch. A run and first sequence that are stored already
    /// refuse the whole batch.
    public var history: [HistoryRow] = []
    /// Append. A key that is stored already is stored again: recovery gives the later row later,
    /// so that it wins, and an index over random keys is not paid for.
    public var requests: [RequestRow] = []
    /// Insert, replace or delete by kind, namespace and key, in this order.
    public var entities: [EntityRow] = []
    /// Append, numbered by the store in this order.
    public var audits: [AuditRow] = []
    /// Append, by ascending revisions of each namespace, a key once in each; the newest of a key
    /// becomes what it holds. A revision that is stored already refuses the whole batch.
    public var memory: [MemoryRow] = []
    /// Carried out after `memory`.
    public var memorySettlements: [MemorySettlement] = []
    /// Append; a namespace and sequence occur once, ever.
    public var publications: [PublicationRow] = []
    /// Removed after `publications` are appended; those that are not there are passed over.
    public var removedPublications: [PublicationName] = []

    /// An empty batch.
    public init(shard: ShardID, epoch: Epoch, number: BatchNumber) {
        self.shard = shard
        self.epoch = epoch
        self.number = number
    }

    /// Whether committing it would change nothing.
    public var isEmpty: Bool {
        definitions.isEmpty && payloads.isEmpty && runs.isEmpty && history.isEmpty
            && requests.isEmpty && entities.isEmpty && audits.isEmpty && memory.isEmpty
            && memorySettlements.isEmpty
            && publications.isEmpty && removedPublications.isEmpty
    }
}

extension StoreBatch {
    /// Rows of all tables.
    public var rowCount: Int {
        definitions.count + payloads.count + runs.count + history.count + requests.count
            + entities.count + audits.count + memory.count + memorySettlements.count
            + publications.count + removedPublications.count
    }

    /// Bytes of blobs and payloads: what limits how much one transaction carries.
    var byteCount: Int {
        var total = 0
        for row in definitions { total += row.blob.count }
        for row in payloads { total += row.payload.bytes.count }
        for row in runs { total += row.blob.count }
        for row in history { total += row.blob.count }
        for row in requests { total += row.answer.count }
        for row in entities { total += row.blob?.count ?? 0 }
        for row in audits { total += row.byteCount }
        for row in memory { total += row.byteCount }
        for settlement in memorySettlements { total += settlement.byteCount }
        for row in publications { total += row.byteCount }
        return total
    }
}
