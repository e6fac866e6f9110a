import Threads

/// The ``NearCopies`` of all cores. Any thread.
struct NearTier: Sendable {
    let stamps: StampTable
    private let stripes: LockStripes<NearCopies>

    /// More cores than this share, so that memory has a bound: a power of two.
    private static let maxStripes = 8

    init(_ configuration: CacheConfiguration) {
        stamps = StampTable(shards: configuration.shardCount)
        stripes = LockStripes(count: Self.maxStripes) { [slots = configuration.nearSlots] _ in
            NearCopies(slotCount: slots)
        }
    }

    /// Looks for a copy near the calling thread; `stamp` is the key's, read just before.
    @inline(__always)
    func find(_ key: CacheKey, stamp: UInt64, now: Int64) -> NearCopies.Answer {
        guard StampTable.isCalm(stamp) else { return .far }
        return stripes.withLock(at: stripe) { $0.find(key, stamp: stamp, now: now) }
    }

    /// Keeps a copy of an item near the calling thread unless it is too large; `stamp` is the key's,
    /// read before the item was looked up.
    func keep(_ item: CacheItem, stamp: UInt64) {
        guard let copy = item.nearCopy(maxBytes: NearCopies.maxBytes) else { return }
        stripes.withLock(at: stripe) { $0.keep(copy, stamp: stamp) }
    }

    /// Hits on copies so far.
    var counts: CacheTierStatistics {
        var result = CacheTierStatistics()
        for index in 0..<stripes.count { result.add(stripes.withLock(at: index) { $0.counts }) }
        return result
    }

    @inline(__always)
    private var stripe: Int { CoreNumber.current & (stripes.count - 1) }
}
