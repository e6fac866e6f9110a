/// What a cache holds and has done since it began.
public struct CacheStatistics: Sendable, Equatable {
    /// The tiers of all agents together.
    public var agent = CacheTierStatistics()
    /// The tier of all.
    public var shared = CacheTierStatistics()
    /// Lookups that found nothing in any tier.
    public var misses = 0
    /// Keys that moved to the shared tier.
    public var promotions = 0
    /// Entries dropped by an invalidation.
    public var invalidated = 0
    /// Leases given, and of those the ones to refresh a value before its time.
    public var fillsGranted = 0
    public var fillsEarly = 0
    /// Lookups that waited for somebody else, and of those the ones that were given the value.
    public var fillWaits = 0
    public var fillsShared = 0
    /// Leases that were given back, ran out, or were voided.
    public var fillsAbandoned = 0
    /// Writes dropped because their lease was lost.
    public var fillsLost = 0
    /// Leases that are out now.
    public var fillsOpen = 0

    /// Nothing yet.
    public init() {}

    mutating func add(_ other: CacheStatistics) {
        agent.add(other.agent)
        shared.add(other.shared)
        misses += other.misses
        promotions += other.promotions
        invalidated += other.invalidated
        fillsGranted += other.fillsGranted
        fillsEarly += other.fillsEarly
        fillWaits += other.fillWaits
        fillsShared += other.fillsShared
        fillsAbandoned += other.fillsAbandoned
        fillsLost += other.fillsLost
        fillsOpen += other.fillsOpen
    }
}

/// One tier of ``CacheStatistics``.
public struct CacheTierStatistics: Sendable, Equatable {
    /// What it holds, and may hold.
    public var entries = 0
    public var weight = 0
    public var capacity = 0
    /// Lookups that found something within its soft TTL, and beyond it.
    public var hits = 0
    public var staleHits = 0
    /// Of both, those that found that there is no value; and of `hits` alone.
    public var negativeHits = 0
    public var freshNegativeHits = 0
    /// Writes.
    public var sets = 0
    /// Entries that went for lack of room, writes that were not taken in, entries whose time ended.
    public var evictions = 0
    public var rejections = 0
    public var expirations = 0
    /// What the window may weigh now.
    public var windowWeight = 0

    /// The window's share of the capacity, 0 to 1.
    public var windowRatio: Double { capacity == 0 ? 0 : Double(windowWeight) / Double(capacity) }

    /// Nothing yet.
    public init() {}

    @inline(__always)
    mutating func count(isStale: Bool, isNegative: Bool) {
        if isStale { staleHits &+= 1 } else { hits &+= 1 }
        guard isNegative else { return }
        negativeHits &+= 1
        if !isStale { freshNegativeHits &+= 1 }
    }

    mutating func add(_ other: CacheTierStatistics) {
        entries += other.entries
        weight += other.weight
        capacity += other.capacity
        hits += other.hits
        staleHits += other.staleHits
        negativeHits += other.negativeHits
        freshNegativeHits += other.freshNegativeHits
        sets += other.sets
        evictions += other.evictions
        rejections += other.rejections
        expirations += other.expirations
        windowWeight += other.windowWeight
    }
}
