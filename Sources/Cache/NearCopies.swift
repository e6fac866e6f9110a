/// Copies of values of the shared tier that are asked for often, near one core: a hit on one writes no
/// memory that another core reads or writes, not even a count of references, since a copy is an object
/// with bytes of its own. A value behind a lock.
///
/// **Coherence.** A copy bears the stamp of its key that was read *before* the lookup that it was made
/// from, and serves only while that is the stamp still. Under its lock a shard advances the stamp with
/// each change, so:
/// - who reads the stamp after a write has returned reads a newer one than any copy of an older value
///   bears. Had such a copy the newer stamp, its lookup would have begun after the shard advanced it,
///   thus would have come to the lock after the write, and found what that wrote;
/// - a hit is as if it had been looked up in the moment when its stamp was read.
///
/// **Order of eviction.** Copies serve only while the shard is calm: in long runs of hits, when its tier
/// puts only a part in order. Here it is one of `hitsPerTouch` hits that goes the long way and is put in
/// order for all of them. A shard that is no longer calm turns all its stamps, which ends its copies.
///
/// **Memory.** A copy whose value has changed, ended or lost its namespace stays until its key is asked
/// for or another takes its slot; so there are never more than the slots hold.
struct NearCopies {
    /// What a lookup is told.
    enum Answer {
        /// The value, which is counted as a hit.
        case copy(CacheItem)
        /// The long way.
        case far
        /// The long way; what is found shall be kept here.
        case farToKeep
        /// The long way, as one of `hitsPerTouch` hits on copies.
        case farForAll
    }

    /// Keys of the same slot contend for it as in a vote (Boyer, Moore): whoever is asked for more often
    /// than the others together keeps it.
    private struct Slot {
        var item: CacheItem?
        var stamp: UInt64 = 0
        /// A part of the hash of `item`, so that it need not be fetched to see that it is another's.
        var mark: UInt32 = 0
        /// The key that came the long way last without credit against it; once more, and it is copied.
        var candidate: UInt32 = 0
        /// How often other keys must come before one can be a candidate.
        var credit: UInt8 = 0
    }

    /// Empty until the first lookup; then a power of two. Neighbours are the two places for a key.
    private var slots: [Slot] = []
    private let slotCount: Int
    /// Hits since the last one that went the long way.
    private var untouched = 0
    /// Hits on copies.
    private(set) var counts = CacheTierStatistics()

    /// The more, the seldomer do cores meet in a shard; the fewer, the better its tier knows what is hot.
    /// A multiple of eight.
    static let hitsPerTouch = 64
    /// What key, payload and content type of a copy may take.
    static let maxBytes = 512
    private static let firstCredit: UInt8 = 2
    private static let maxCredit: UInt8 = 64

    init(slotCount: Int) { self.slotCount = slotCount }

    /// Looks for a copy; `stamp` is the key's, read in this lookup, and one of a calm shard.
    @inline(__always)
    mutating func find(_ key: CacheKey, stamp: UInt64, now: Int64) -> Answer {
        if slots.isEmpty { slots = Array(repeating: Slot(), count: slotCount) }
        let place = place(of: key.hash)
        guard let item = slots[place].item, slots[place].mark == Self.mark(key.hash),
            item.hash == key.hash, item.isOf(key)
        else { return apply(key.hash, place) }
        guard slots[place].stamp == stamp, item.expiresAt > now else {
            slots[place] = Slot()
            return apply(key.hash, place)
        }
        untouched &+= 1
        if untouched >= Self.hitsPerTouch { return touch(place) }
        counts.count(isStale: item.staleAt <= now, isNegative: item.isNegative)
        return .copy(item)
    }

    /// A key without a copy wants one.
    private mutating func apply(_ hash: UInt64, _ place: Int) -> Answer {
        if slots[place].credit > 0 {
            slots[place].credit -= 1
            return .far
        }
        if slots[place].candidate == Self.mark(hash) { return .farToKeep }
        slots[place].candidate = Self.mark(hash)
        return .far
    }

    /// The long way is this hit's turn.
    private mutating func touch(_ place: Int) -> Answer {
        untouched = 0
        let credit = slots[place].credit + UInt8(Self.hitsPerTouch)
        slots[place].credit = min(credit, Self.maxCredit)
        return .farForAll
    }

    /// Keeps what was found after `farToKeep`, with the stamp that was read before.
    mutating func keep(_ copy: CacheItem, stamp: UInt64) {
        if slots.isEmpty { return }
        let hash = copy.identity
        slots[place(of: hash)] = Slot(
            item: copy, stamp: stamp, mark: Self.mark(hash), credit: Self.firstCredit)
    }

    /// Where a key's copy is; else the one of its two places that is easier to take.
    @inline(__always)
    private func place(of hash: UInt64) -> Int {
        let first = Int(truncatingIfNeeded: hash) & (slotCount - 1)
        let mark = Self.mark(hash)
        if slots[first].mark == mark { return first }
        let second = first ^ 1
        if slots[second].mark == mark { return second }
        return slots[second].credit < slots[first].credit ? second : first
    }

    @inline(__always)
    private static func mark(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 20) }
}
