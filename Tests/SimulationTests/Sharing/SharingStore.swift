import Coordination
import Store

@testable import Engine

/// What is on disk in a world of shared memory and locks; looks at every batch for what must never
/// get there.
struct SharingStore {
    /// Everything that was ever written of shared memory, in order.
    private(set) var changes: [MemoryChange] = []
    /// Acquires that are held.
    private(set) var held: [UInt64: LockAcquire] = [:]
    /// Acquires that ever were.
    private(set) var everHeld: Set<UInt64> = []
    private(set) var faults: [String] = []
    private var entities: [EntityRow] = []
    /// Shared memory: what the window has passed, and what it has.
    private var settled: [MemoryKey: MemoryRow] = [:]
    private var log: [MemoryRow] = []
    private var requests: [RequestRow] = []
    private var newestToken: [String: UInt64] = [:]
    private var epoch: UInt32 = 0

    /// The newest revision on disk.
    var revision: Int64 { changes.last?.entry.revision ?? 0 }

    mutating func apply(_ batch: StoreBatch) {
        for row in batch.memory { apply(row) }
        for settlement in batch.memorySettlements { settle(settlement) }
        for row in batch.entities { apply(row) }
        requests += batch.requests
        checkExclusion()
    }

    /// Another process takes up what is here.
    mutating func recover(_ limits: EngineLimits) throws -> CoordinationEngine {
        epoch += 1
        var engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: epoch), limits: limits)
        for row in entities { try engine.restore(row) }
        for row in settled.values { try engine.restore(row) }
        for row in log { try engine.restore(row) }
        for row in requests { try engine.restore(row) }
        return engine
    }

    /// What a key held at a revision.
    func entry(_ key: MemoryKey, asOf revision: Int64) -> MemoryEntry? {
        let last = changes.last { $0.entry.key == key && $0.entry.revision <= revision }
        return last?.kind == .put ? last?.entry : nil
    }

    /// Changes in a range of revisions that belong to a scope.
    func changes(_ range: Range<Int64>, _ scope: MemoryScope) -> [MemoryChange] {
        changes.filter { range.contains($0.entry.revision) && scope.contains($0.entry.key) }
    }

    // MARK: Batches

    private mutating func apply(_ row: MemoryRow) {
        guard
            let change = try? MemoryCodec.decode(
                row.meta, key: row.key, revision: row.revision, value: row.value ?? [])
        else { return faults.append("a change of \(row.key) cannot be read") }
        if row.revision != revision, row.revision != revision + 1 {
            faults.append("revision \(row.revision) after \(revision)")
        }
        let before = entry(row.key, asOf: .max)
        let entry = change.entry
        switch change.kind {
        case .put:
            if entry.version != (before?.version ?? 0) + 1 {
                faults.append("\(row.key) has version \(entry.version) at \(row.revision)")
            }
            if entry.createdRevision != before?.createdRevision ?? row.revision {
                faults.append("\(row.key) was made at \(entry.createdRevision)")
            }
        case .deleted, .expired:
            if before == nil { faults.append("\(row.key) ended without having been there") }
            if change.kind == .expired, before?.expiresMillis == 0 {
                faults.append("\(row.key) ended by itself, for ever as it was")
            }
        }
        if (before?.revision ?? 0) != row.previous {
            faults.append("\(row.key) at \(row.revision) replaces \(row.previous)")
        }
        log.append(row)
        changes.append(change)
    }

    /// Nothing that still means something may be left behind with the log.
    private mutating func settle(_ settlement: MemorySettlement) {
        for row in settlement.held {
            if entry(row.key, asOf: settlement.below - 1)?.revision != row.revision {
                faults.append("\(row.key) is kept at \(row.revision), which it did not hold")
            }
            settled[row.key] = row
        }
        for key in settlement.gone {
            if entry(key, asOf: settlement.below - 1) != nil {
                faults.append("\(key) is forgotten, and held something")
            }
            settled[key] = nil
        }
        log.removeAll { $0.revision < settlement.below }
    }

    private mutating func apply(_ row: EntityRow) {
        let known = entities.firstIndex { ($0.kind, $0.key) == (row.kind, row.key) }
        switch (known, row.blob) {
        case (let known?, nil): entities.remove(at: known)
        case (let known?, _?): entities[known] = row
        case (nil, nil): break
        case (nil, _?): entities.append(row)
        }
        guard row.entityKind == .lockAcquire, let serial = LockName.serial(row.key) else { return }
        guard let blob = row.blob else {
            // One that ended in the batch that granted it was never here.
            if held.removeValue(forKey: serial) == nil, !everHeld.insert(serial).inserted {
                faults.append("\(serial) ended twice")
            }
            return
        }
        guard let acquire = try? LockCodec.decode(blob, serial: serial) else {
            return faults.append("acquire \(serial) cannot be read")
        }
        take(acquire)
    }

    /// A token is greater than every one before of its resource, but for who has that already.
    private mutating func take(_ acquire: LockAcquire) {
        for (wish, token) in zip(acquire.claim.wishes, acquire.tokens) {
            let own = held.values.contains {
                $0.claim.owner == acquire.claim.owner
                    && token == Self.token($0, of: wish.resource)
            }
            let newest = newestToken[wish.resource, default: 0]
            if token <= newest, !own {
                faults.append("token \(token) of \(wish.resource) after \(newest)")
            }
            newestToken[wish.resource] = max(newest, token)
        }
        if !everHeld.insert(acquire.serial).inserted {
            faults.append("acquire \(acquire.serial) was granted twice")
        }
        held[acquire.serial] = acquire
    }

    static func token(_ acquire: LockAcquire, of resource: String) -> UInt64? {
        zip(acquire.claim.wishes, acquire.tokens).first { $0.0.resource == resource }?.1
    }

    /// Whoever looks at the disk never finds two who exclude each other.
    private mutating func checkExclusion() {
        let holds = held.values.flatMap { acquire in
            acquire.claim.wishes.map { (wish: $0, owner: acquire.claim.owner) }
        }
        for (index, one) in holds.enumerated() {
            for other in holds.dropFirst(index + 1)
            where one.wish.resource == other.wish.resource && one.owner != other.owner
                && (one.wish.mode == .exclusive || other.wish.mode == .exclusive)
            {
                faults.append("\(one.owner) and \(other.owner) hold \(one.wish.resource)")
            }
        }
    }
}
