/// What a lookup found.
public enum CacheLookup: Sendable {
    /// A value, or that there is none.
    case hit(CacheHit)
    /// Nothing. With a lease: the caller is to fill the key.
    case miss(FillLease?)
    /// Nothing yet: somebody else is to fill the key until then, monotonic nanoseconds.
    case filling(until: Int64)
}

/// A value that was found.
public struct CacheHit: Sendable {
    /// The value and its times.
    public let item: CacheItem
    /// Where it was found.
    public let tier: CacheTier
    /// Whether its soft TTL has ended.
    public var isStale = false
    /// Whether this read moved it to the shared tier.
    public var isPromoted = false
    /// The caller is to bring a new value.
    public var lease: FillLease?
}

/// Leave to fill one key.
public struct FillLease: Sendable, Equatable {
    /// Names the lease; never 0.
    public let token: UInt64
    /// When it runs out, monotonic nanoseconds.
    public let expiresAt: Int64
    /// Whether the value is still fresh.
    public var isEarly = false
}

/// Asks for a lease when the key must be filled.
public struct FillTerms: Sendable {
    /// How long the lease shall hold.
    public let leaseNanos: Int64

    /// Terms for a lease of so many nanoseconds. Default 10 s.
    public init(leaseNanos: Int64 = 10_000_000_000) { self.leaseNanos = leaseNanos }
}

/// What to set, and how long it holds.
public struct CacheWrite: Sendable {
    /// The value; `nil`: there is none, and that is to be known.
    public var payload: CachedPayload?
    /// The hard TTL, nanoseconds.
    public var ttlNanos: Int64
    /// The soft TTL; `nil`: as long as the hard one.
    public var softNanos: Int64?
    /// The share of both that chance takes off, 0 to 1.
    public var jitter: Double
    /// Labels by which it can be invalidated.
    public var tags: [String]
    /// Where to; `nil`: where the key belongs.
    public var tier: CacheTier?
    /// The lease that this fills; 0: a plain write.
    public var lease: UInt64
    /// What it weighs; `nil`: its bytes and what the table needs.
    public var weight: Int?

    /// A plain write; everything may be changed afterwards.
    public init(_ payload: CachedPayload?, ttlNanos: Int64) {
        self.payload = payload
        self.ttlNanos = ttlNanos
        softNanos = nil
        jitter = 0
        tags = []
        tier = nil
        lease = 0
        weight = nil
    }
}

/// What became of a write.
public enum CacheSetOutcome: Sendable, Equatable {
    /// It lies in that tier.
    case stored(CacheTier, version: UInt64)
    /// There is no room for it: others are asked for more often.
    case notAdmitted(version: UInt64)
    /// Its lease was lost: dropped.
    case leaseLost
}
