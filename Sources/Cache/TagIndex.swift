/// Which entries of one shard bear a tag, and which tags were invalidated of late. A value; not safe
/// to share.
struct TagIndex {
    private var members: [CacheTag: Set<EntryPlace>] = [:]
    private var invalidated: [CacheTag: Int64] = [:]
    /// All tags count as invalidated then: so much was that it is not known singly.
    private var allInvalidatedAt = Int64.min

    private static let maxInvalidated = 4_096

    mutating func add(_ item: CacheItem, at place: EntryPlace) {
        for tag in item.tags {
            members[CacheTag(space: item.key.space, text: tag), default: []].insert(place)
        }
    }

    mutating func remove(_ item: CacheItem, at place: EntryPlace) {
        for text in item.tags {
            let tag = CacheTag(space: item.key.space, text: text)
            members[tag]?.remove(place)
            if members[tag]?.isEmpty == true { members[tag] = nil }
        }
    }

    func places(of tag: CacheTag) -> Set<EntryPlace> { members[tag] ?? [] }

    /// Notes an invalidation, for values that are under way: they were made before it.
    mutating func noteInvalidation(of tag: CacheTag, now: Int64) {
        if invalidated.count >= Self.maxInvalidated {
            allInvalidatedAt = invalidated.values.max() ?? now
            invalidated = [:]
        }
        invalidated[tag] = now
    }

    /// Whether one of these tags was invalidated since.
    func wasInvalidated(_ tags: [String], in space: UInt32, since: Int64) -> Bool {
        if tags.isEmpty { return false }
        if since <= allInvalidatedAt { return true }
        return tags.contains { text in
            invalidated[CacheTag(space: space, text: text)].map { $0 >= since } ?? false
        }
    }
}

/// Where an entry lies in its shard: tier and slot in one number.
struct EntryPlace: Hashable, Sendable {
    let rawValue: Int

    @inline(__always)
    init(rawValue: Int) { self.rawValue = rawValue }

    @inline(__always)
    init(_ tier: CacheTier, _ slot: Int) { rawValue = slot &* 2 &+ Int(tier.rawValue) }

    @inline(__always)
    var tier: CacheTier { rawValue & 1 == 0 ? .agent : .shared }
    @inline(__always)
    var slot: Int { rawValue >> 1 }
}
