/// How a resource is held. The numbers are stored.
public enum LockMode: UInt8, Sendable, Hashable {
    /// Nobody else holds it.
    case exclusive = 1
    /// Others may hold it shared, too.
    case shared = 2

    /// Whether two owners cannot hold a resource so at once.
    func excludes(_ other: LockMode) -> Bool { self == .exclusive || other == .exclusive }
}

/// One resource that somebody wants.
public struct LockWish: Sendable, Hashable {
    /// 1 to 256 bytes.
    public var resource: String
    public var mode: LockMode

    /// Combines the parts.
    public init(_ resource: String, _ mode: LockMode) {
        self.resource = resource
        self.mode = mode
    }

    var name: ExactName { ExactName(resource) }
}

/// What somebody wants, all or none.
public struct LockClaim: Sendable, Hashable {
    /// 1 to 64, each resource once.
    public var wishes: [LockWish]
    /// Acquires of one owner never exclude each other.
    public var owner: String
    /// How long it is held without a renewal.
    public var leaseMillis: Int64
    /// For people.
    public var purpose: String

    /// Combines the parts.
    public init(wishes: [LockWish], owner: String, leaseMillis: Int64, purpose: String = "") {
        self.wishes = wishes
        self.owner = owner
        self.leaseMillis = leaseMillis
        self.purpose = purpose
    }

    var ownerName: ExactName { ExactName(owner) }
}

/// How long somebody waits for a lock.
public enum LockWait: Sendable, Hashable {
    case not
    /// Until an instant of the monotonic clock.
    case until(nanos: Int64)
    /// As long as anybody asks.
    case always

    /// When it is over, by the monotonic clock, `.max`: never; `nil`: there is none.
    public var endNanos: Int64? {
        switch self {
        case .not: nil
        case .until(let nanos): nanos
        case .always: .max
        }
    }
}

/// What somebody has: one acquire, which holds all that it claimed.
public struct LockAcquire: Sendable, Hashable {
    /// Names it inside the namespace; greater than that of every earlier one, also over restarts.
    public var serial: UInt64
    public var claim: LockClaim
    /// The fencing token of each wish.
    public var tokens: [UInt64]
    /// Wall clock, milliseconds since 1970.
    public var grantedMillis: Int64
    /// As last renewed.
    public var leaseMillis: Int64
    /// When the lease ends, by the monotonic clock. Not stored.
    public var endsNanos = Int64.max
    /// The batch that holds it. Not stored.
    public var changedIn = BatchNumber.none

    /// Combines the parts that are stored.
    public init(serial: UInt64, claim: LockClaim, tokens: [UInt64], grantedMillis: Int64) {
        self.serial = serial
        self.claim = claim
        self.tokens = tokens
        self.grantedMillis = grantedMillis
        leaseMillis = claim.leaseMillis
    }
}

/// What an owner has of one resource.
public struct LockHold: Sendable, Hashable {
    /// What is held, and how: exclusive when any of its acquires is.
    public var resource: String
    public var mode: LockMode
    /// Greater than all that were given for the resource before, when it was given.
    public var token: UInt64
    /// Acquires of the owner that hold it.
    public var count: Int

    /// Combines the parts.
    public init(resource: String, mode: LockMode, token: UInt64, count: Int) {
        self.resource = resource
        self.mode = mode
        self.token = token
        self.count = count
    }
}

/// Where a waiter stands.
public struct LockPlace: Sendable, Hashable {
    /// In the longest of its lines; 1: the next.
    public var position: Int
    /// What it cannot have yet, and one owner who holds that or stands before it.
    public var resource: String
    public var holder: String

    /// Combines the parts.
    public init(position: Int, resource: String, holder: String) {
        self.position = position
        self.resource = resource
        self.holder = holder
    }
}

/// One step of a cycle: the owner waits for the resource, which the blocker has or will have.
public struct LockStep: Sendable, Hashable {
    /// Who waits, for what, and for whom.
    public var owner: String
    public var resource: String
    public var blocker: String
}

/// Why an acquire ended. The numbers are those of the API.
public enum LockEnd: UInt8, Sendable, Hashable {
    case released = 1
    case expired = 2
    case broken = 3
}

/// The bounds of one namespace's locks.
public struct LockLimits: Sendable, Hashable {
    /// Acquires that hold one resource shared, and waiters for it.
    public var maxHolders = 1_000
    public var maxWaiters = 1_000
    /// Acquires and waits of one owner.
    public var maxOfOwner = 10_000
    /// Acquires and waits of the namespace.
    public var maxInAll = 100_000

    /// The documented bounds.
    public init() {}
}

/// Which bound an acquire would go over.
public enum LockBound: Sendable, Hashable {
    case holders(resource: String, Int)
    case waiters(resource: String, Int)
    case owner(Int)
    case all(Int)
}
