import Coordination

/// What somebody wants of a namespace's shared memory.
public enum MemoryCommand: Sendable {
    // Durable.
    case write(WriteMemory)
    case transact(TransactMemory)

    // Reads.
    /// Answers `.entries`: those that exist, in this order, as they are at one revision.
    case get(Namespace, [MemoryKey])
    /// Answers `.page`: entries with a prefix and behind a key, by ascending key, as many as `limit` and
    /// `maxBytes` of values allow, as they are at one revision.
    case list(Namespace, prefix: MemoryKey, after: MemoryKey?, limit: Int, maxBytes: Int)
    /// Answers `.watching`, then `.changes` of each revision as it is committed. Changes from
    /// `from` up to the revision that `.watching` names are for the asker to read from the store.
    case watch(Namespace, MemoryScope, from: Int64)
    /// Answers `.position`: all watchers have been told of every change up to it.
    case position(Namespace)
}

extension MemoryCommand {
    /// Whether it changes nothing that is stored.
    var isRead: Bool {
        switch self {
        case .write: false
        case .transact(let transact): transact.isRead
        case .get, .list, .watch, .position: true
        }
    }

    /// Whether it asks for something to be stored that does not exist yet.
    var isNewWork: Bool {
        switch self {
        case .write(let write): write.value != nil
        case .transact(let transact): !transact.isRead
        case .get, .list, .watch, .position: false
        }
    }

    /// Bytes of what it writes.
    var inputBytes: Int {
        switch self {
        case .write(let write): write.value?.bytes.count ?? 0
        case .transact(let transact): transact.valueBytes
        case .get, .list, .watch, .position: 0
        }
    }
}

/// Puts or deletes one entry. An object, so that the command around it is moved, not copied.
public final class WriteMemory: Sendable {
    /// Which entry.
    public let namespace: Namespace
    public let key: MemoryKey
    /// `nil`: delete the entry.
    public let value: Payload?
    /// How long the entry lives; 0: until it is deleted.
    public let ttlMillis: Int64
    /// The revision that the entry must have, 0: there must be none; `nil`: whatever it is.
    public let expected: Int64?
    /// The lock that it is made under.
    public let fence: LockFence?
    /// Whether the answer carries what the key held.
    public let returnsPrevious: Bool
    public let signature: Signature
    /// Fingerprint of all that the change depends on; made by whoever builds the command.
    let contentHash: UInt64

    /// Combines the parts. O(bytes) when there is a request id, since its content is fingerprinted.
    public init(
        namespace: Namespace, key: MemoryKey, value: Payload?, ttlMillis: Int64 = 0,
        expected: Int64? = nil, fence: LockFence? = nil, returnsPrevious: Bool = false,
        signature: Signature
    ) {
        self.namespace = namespace
        self.key = key
        self.value = value
        self.ttlMillis = ttlMillis
        self.expected = expected
        self.fence = fence
        self.returnsPrevious = returnsPrevious
        self.signature = signature
        var hash = StableHash()
        if !signature.requestID.isEmpty {
            hash.combine(key.bytes)
            hash.combine(value)
            hash.combine(UInt64(bitPattern: ttlMillis))
            hash.combine(UInt64(bitPattern: expected ?? -1))
            hash.combine(fence)
        }
        contentHash = hash.value
    }
}

/// Compares, then carries out one of two lists of operations at one revision.
public struct TransactMemory: Sendable {
    /// Whose memory.
    public var namespace: Namespace
    /// All must hold.
    public var compares: [MemoryCompare]
    public var then: [MemoryOperation]
    public var orElse: [MemoryOperation]
    public var signature: Signature
    /// Whether neither list writes.
    let isRead: Bool
    let valueBytes: Int
    let contentHash: UInt64

    /// Combines the parts. O(bytes) when there is a request id.
    public init(
        namespace: Namespace, compares: [MemoryCompare], then: [MemoryOperation],
        orElse: [MemoryOperation], signature: Signature
    ) {
        self.namespace = namespace
        self.compares = compares
        self.then = then
        self.orElse = orElse
        self.signature = signature
        isRead = !then.contains(where: \.isWrite) && !orElse.contains(where: \.isWrite)
        valueBytes = (then + orElse).reduce(0) { $0 + $1.valueBytes }
        var hash = StableHash()
        if !signature.requestID.isEmpty {
            for compare in compares { hash.combine(compare) }
            for half in [then, orElse] {
                hash.combine(UInt64(half.count))
                for operation in half { hash.combine(operation) }
            }
        }
        contentHash = hash.value
    }
}

/// What the engine answers to a ``MemoryCommand``.
public enum MemoryAnswer: Sendable {
    /// To a put.
    case put(revision: Int64, created: Bool, previous: MemoryEntry?)
    /// To a deletion.
    case deleted(Bool, revision: Int64, previous: MemoryEntry?)
    /// To a transaction; no results for a repeat.
    case transacted(succeeded: Bool, revision: Int64, [MemoryResult])
    case entries([MemoryEntry], revision: Int64)
    case page([MemoryEntry], revision: Int64, isLast: Bool)
    case watching(revision: Int64, oldest: Int64)
    /// All that a watcher watches of one revision.
    case changes([MemoryChange])
    case position(revision: Int64)
}

extension StableHash {
    fileprivate mutating func combine(_ value: Payload?) {
        combine(UInt64(value == nil ? 0 : 1))
        guard let value else { return }
        combine(value.contentType)
        combine(value.bytes)
    }

    fileprivate mutating func combine(_ fence: LockFence?) {
        combine(fence?.resource ?? "")
        combine(fence?.token ?? 0)
    }

    fileprivate mutating func combine(_ compare: MemoryCompare) {
        switch compare {
        case .exists(let key, let wanted): combine(1, key, wanted ? 1 : 0)
        case .revisionEquals(let key, let wanted): combine(2, key, wanted)
        case .revisionAtMost(let key, let wanted): combine(3, key, wanted)
        case .versionEquals(let key, let wanted): combine(4, key, wanted)
        case .valueEquals(let key, let wanted):
            combine(5, key, 0)
            combine(wanted)
        case .fence(let fence): combine(fence)
        }
    }

    fileprivate mutating func combine(_ operation: MemoryOperation) {
        switch operation {
        case .put(let key, let value, let ttl):
            combine(6, key, ttl)
            combine(value)
        case .delete(let key): combine(7, key, 0)
        case .get(let key): combine(8, key, 0)
        }
    }

    private mutating func combine(_ kind: UInt64, _ key: MemoryKey, _ number: Int64) {
        combine(kind)
        combine(key.bytes)
        combine(UInt64(bitPattern: number))
    }
}
