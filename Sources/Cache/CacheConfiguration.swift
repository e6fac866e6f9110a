/// Bounds and rules of a cache.
public struct CacheConfiguration: Sendable {
    /// What the tier of all may weigh, bytes. Default 192 MiB.
    public var sharedCapacity = 192 << 20
    /// What the tiers of all agents together may weigh, bytes. Who reads the keys of late is known of as
    /// many keys as fit, at least 256 bytes each; memory for that comes on top, when so many are read:
    /// for each such key 8 bytes and 4 for each of the `promotionReaders`, 5 MiB in all. Default 64 MiB.
    public var agentCapacity = 64 << 20
    /// How many distinct agents must read a key to move it to the shared tier, 2 to 8. Default 3.
    public var promotionReaders = 3
    /// After how long without a read an agent is no reader of a key any more, at the least;
    /// after twice that, surely. Default 10 minutes.
    public var readerMemoryNanos: Int64 = 600_000_000_000
    /// How eagerly values are refreshed before their time; 0: never. Default 1.
    public var earlyRefresh = 1.0
    /// Leases that may be out. Default 131,072.
    public var maxFills = 131_072
    /// How many values of the shared tier may have a copy near each core while nearly all lookups hit;
    /// only values of at most 512 bytes with their key have one. Memory for them comes on top of the
    /// capacities: 32 bytes for each place and at most about 800 for each copy, thus 13 MiB for each core
    /// that looks up and 105 MiB in all, since more than 8 cores share. Made a power of two, at least 2.
    /// Default 16,384.
    public var nearCopies = 16_384
    /// Namespaces that nobody watches and that are kept apart; past it the one that was unused longest
    /// is emptied. As many again may be watched, and those are kept; the default one, which is always
    /// kept, counts as one of each. Default 1,024.
    public var maxNamespaces = 1_024
    /// Parts with a lock each, a power of two up to 64; `nil`: one for each 4 MiB.
    public var shards: Int?
    /// Names the life of this cache; versions and positions of a later one are greater. For
    /// instance microseconds since 1970.
    public var epoch: UInt64 = 1
    /// Where chance begins.
    public var seed: UInt64 = 0x5EED

    /// The defaults.
    public init() {}

    /// Parts with a lock each.
    var shardCount: Int {
        var count = 1
        let wanted = min(max(shards ?? (sharedCapacity + agentCapacity) >> 22, 1), 64)
        while count * 2 <= wanted { count *= 2 }
        return count
    }

    /// Near copies for each core.
    var nearSlots: Int {
        var count = 2
        while count * 2 <= min(nearCopies, 1 << 20) { count *= 2 }
        return count
    }

    /// Entries of one ghost of one shard: many in all, few in each.
    var ghostEntries: Int { max(1_024 / shardCount, 64) }
}
