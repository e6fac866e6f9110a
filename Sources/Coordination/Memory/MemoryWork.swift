/// One operation on shared memory.
public enum MemoryOperation: Sendable, Hashable {
    /// - Parameter ttlMillis: how long the entry lives; 0: until it is deleted.
    case put(MemoryKey, Payload, ttlMillis: Int64)
    case delete(MemoryKey)
    case get(MemoryKey)

    /// Which key it is about.
    public var key: MemoryKey {
        switch self {
        case .put(let key, _, _), .delete(let key), .get(let key): key
        }
    }

    /// Whether it may change something.
    public var isWrite: Bool {
        if case .get = self { false } else { true }
    }

    /// Bytes of what it writes.
    public var valueBytes: Int {
        if case .put(_, let value, _) = self { value.bytes.count } else { 0 }
    }
}

extension [MemoryOperation] {
    /// How much heavier all entries are afterwards at most, as if every key were new; O(operations).
    public var mostGrowth: Int {
        reduce(count * MemoryEntry.overhead) { $0 + $1.valueBytes + $1.key.bytes.count }
    }
}

/// A lock that a write must be made under.
public struct LockFence: Sendable, Hashable {
    /// Of the same namespace.
    public var resource: String
    /// The fencing token of the hold.
    public var token: UInt64

    /// Combines the parts.
    public init(resource: String, token: UInt64) {
        self.resource = resource
        self.token = token
    }
}

/// What must hold for the first half of a transaction to be carried out.
public enum MemoryCompare: Sendable, Hashable {
    case exists(MemoryKey, Bool)
    /// 0: there is no entry.
    case revisionEquals(MemoryKey, Int64)
    /// Also when there is no entry.
    case revisionAtMost(MemoryKey, Int64)
    /// 0: there is no entry.
    case versionEquals(MemoryKey, Int64)
    /// Bytes and content type.
    case valueEquals(MemoryKey, Payload)
    /// The lock is held under this token now; somebody else knows that.
    case fence(LockFence)

    /// Which key it looks at; `nil`: a lock.
    public var key: MemoryKey? {
        switch self {
        case .exists(let key, _), .revisionEquals(let key, _), .revisionAtMost(let key, _),
            .versionEquals(let key, _), .valueEquals(let key, _):
            key
        case .fence: nil
        }
    }
}

/// What one operation gave.
public enum MemoryResult: Sendable, Hashable {
    /// What the key holds now.
    case put(MemoryEntry)
    /// Whether there was something.
    case deleted(Bool)
    case read(MemoryEntry?)
}

/// The bounds of one namespace's shared memory.
public struct MemoryLimits: Sendable, Hashable {
    /// Keys that exist at once.
    public var maxKeys = 100_000
    /// Their weight, see ``MemoryEntry/weight``.
    public var maxBytes = 256 << 20
    /// Changes that watchers can ask for: about so many of the newest ...
    public var windowChanges = 100_000
    /// ... and of so many bytes, whichever is less.
    public var windowBytes = 64 << 20
    /// Changes of a key that its history keeps beyond the window, of those that the key still held
    /// when they left it.
    public var keptPerKey = 16

    /// The documented bounds.
    public init() {}
}
