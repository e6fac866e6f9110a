import Coordination

/// What somebody wants of a namespace's locks.
public enum LockCommand: Sendable {
    // Durable.
    /// Answers `.granted` or is refused. A stream is told `.queued` before and what follows after.
    case acquire(AcquireLocks)
    /// Answers `.released`.
    case release(Namespace, acquire: UInt64, owner: String)
    /// Answers `.broken`.
    case breakLock(BreakLock)

    // Volatile.
    /// Answers `.renewed`.
    case renew(Namespace, acquire: UInt64, owner: String, leaseMillis: Int64?)
    /// Answers `.lock`.
    case get(Namespace, resource: String)
    /// Answers `.locks`: resources by ascending name, behind `after`.
    case list(Namespace, prefix: String, owner: String, after: String?, limit: Int)
}

extension LockCommand {
    /// Whether it changes nothing that is stored.
    var isVolatile: Bool {
        switch self {
        case .acquire, .release, .breakLock: false
        case .renew, .get, .list: true
        }
    }

    /// Whether it asks for something that does not exist yet.
    var isNewWork: Bool {
        if case .acquire = self { true } else { false }
    }

    /// Whether it must get through when new work no longer does: what ends or keeps a lock.
    var isVital: Bool {
        switch self {
        case .release, .breakLock, .renew: true
        case .acquire, .get, .list: false
        }
    }
}

/// Acquires one resource or several, all or none.
public struct AcquireLocks: Sendable {
    /// Whose locks, what is wanted, and how long to wait for it.
    public var namespace: Namespace
    public var claim: LockClaim
    public var wait: LockWait
    /// Whether the asker follows what becomes of it.
    public var isStream: Bool
    /// Empty: none.
    public var requestID: String
    let contentHash: UInt64

    /// Combines the parts.
    public init(
        namespace: Namespace, claim: LockClaim, wait: LockWait, isStream: Bool, requestID: String
    ) {
        self.namespace = namespace
        self.claim = claim
        self.wait = wait
        self.isStream = isStream
        self.requestID = requestID
        var hash = StableHash()
        if !requestID.isEmpty {
            hash.combine(claim.owner)
            hash.combine(UInt64(bitPattern: claim.leaseMillis))
            hash.combine(claim.purpose)
            for wish in claim.wishes {
                hash.combine(wish.resource)
                hash.combine(UInt64(wish.mode.rawValue))
            }
        }
        contentHash = hash.value
    }
}

/// Takes a resource from those who hold it.
public struct BreakLock: Sendable {
    /// Which lock.
    public var namespace: Namespace
    public var resource: String
    /// `nil`: all that hold it.
    public var acquire: UInt64?
    public var signature: Signature

    /// Combines the parts.
    public init(
        namespace: Namespace, resource: String, acquire: UInt64?, signature: Signature
    ) {
        self.namespace = namespace
        self.resource = resource
        self.acquire = acquire
        self.signature = signature
    }
}

/// What the engine answers to a ``LockCommand``.
public enum LockAnswer: Sendable {
    case granted(LockGrantView)
    case queued(LockPlace)
    /// Also to the stream of an acquire that somebody renews.
    case renewed(leaseMillis: Int64, expiresMillis: Int64)
    /// Whether it was held until now, and what its owner still has of it.
    case released(Bool, stillHeld: [LockHold])
    case lock(LockView, expiresMillis: [Int64])
    case locks([LockView], expiresMillis: [[Int64]], more: Bool)
    /// How many acquires lost it.
    case broken(Int)
    /// The last word to a stream.
    case lost(LockEnd, reason: String)
}

/// What somebody got.
public struct LockGrantView: Sendable, Hashable {
    /// The acquire, and what its owner holds by it and others.
    public var acquire: LockAcquire
    public var holds: [LockHold]
    /// When its lease ends, wall clock milliseconds.
    public var expiresMillis: Int64
}
