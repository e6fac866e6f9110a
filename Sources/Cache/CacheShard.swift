/// One part of the cache: all entries of its keys in both tiers, the fills that are under way for
/// them, and who reads them. A value behind a lock; every call is short.
///
/// What must be told to those who wait is handed out and said when the lock is free again. What
/// only reads is `mutating` too: a function that is not would copy the shard, a kilobyte, each time.
struct CacheShard {
    // What a hit in the shared tier writes comes first, to lie in few lines of memory with the lock.
    var index = SlotIndex()
    var shared: TierStore
    var agent: TierStore
    var fills: FillTable
    var tags = TagIndex()
    var readers: ReaderSketch
    var lots: Lots
    var counts = CacheStatistics()
    let rules: Rules
    private var lastVersion: UInt64

    /// What all shards go by.
    struct Rules {
        let promotionReaders: Int
        let earlyRefresh: Double
    }

    init(_ configuration: CacheConfiguration, number: Int, stamps: StampTable) {
        let shards = configuration.shardCount
        let (ghosts, words) = (configuration.ghostEntries, max(4_096 / shards, 128))
        agent = TierStore(
            capacity: max(configuration.agentCapacity / shards, 1), ghostEntries: ghosts,
            sketchWords: words)
        shared = TierStore(
            capacity: max(configuration.sharedCapacity / shards, 1), ghostEntries: ghosts,
            sketchWords: words, stamps: ShardStamps(stamps, shard: number))
        fills = FillTable(maxFills: max(configuration.maxFills / shards, 1))
        rules = Rules(
            promotionReaders: min(
                max(configuration.promotionReaders, 2), ReaderSketch.maxReaders),
            earlyRefresh: configuration.earlyRefresh)
        readers = ReaderSketch(
            periodNanos: configuration.readerMemoryNanos, readers: rules.promotionReaders,
            keys: configuration.agentCapacity / shards / CacheItem.overheadBytes)
        lots = Lots(seed: configuration.seed &+ UInt64(number))
        lastVersion = configuration.epoch
    }

    mutating func nextVersion() -> UInt64 {
        lastVersion += 1
        return lastVersion
    }

    var statistics: CacheStatistics {
        var result = counts
        result.agent = agent.statistics
        result.shared = shared.statistics
        result.fillsOpen = fills.count
        return result
    }

    /// Whether ghosts have something to tell.
    @inline(__always)
    var hasReport: Bool { agent.hasReport || shared.hasReport }

    // MARK: Entries of a key

    @inline(__always)
    mutating func item(_ place: EntryPlace) -> CacheItem? {
        place.tier == .agent ? agent[place.slot] : shared[place.slot]
    }

    /// The first entry of a key.
    @inline(__always)
    mutating func first(_ key: CacheKey) -> EntryPlace? {
        let raw = index.find(key.hash) { raw in
            raw & 1 == 0
                ? agent.entries[raw >> 1].item?.isOf(key) == true
                : shared.entries[raw >> 1].item?.isOf(key) == true
        }
        guard let raw else { return nil }
        return EntryPlace(rawValue: raw)
    }

    mutating func next(_ place: EntryPlace) -> EntryPlace? {
        let next =
            place.tier == .agent
            ? agent.entries[place.slot].next : shared.entries[place.slot].next
        return next == 0 ? nil : EntryPlace(rawValue: next - 1)
    }

    /// Every entry of a key.
    mutating func places(_ key: CacheKey) -> [EntryPlace] {
        var places: [EntryPlace] = []
        var place = first(key)
        while let found = place {
            places.append(found)
            place = next(found)
        }
        return places
    }

    // MARK: Adding and removing

    /// Puts an item that has no entry yet; `false`: there was no room for it.
    mutating func insert(_ item: CacheItem) -> Bool {
        let tier = item.tier
        let slot = tier == .agent ? agent.insert(item) : shared.insert(item)
        let place = EntryPlace(tier, slot)
        if let head = first(item.key) {
            index.replace(item.key.hash, head.rawValue, by: place.rawValue)
            link(place, to: head)
        } else {
            index.insert(item.key.hash, place.rawValue)
        }
        tags.add(item, at: place)
        makeRoom(for: place)
        return self.item(place) === item
    }

    /// Puts an item in the place of an older one; `false`: it is too heavy now.
    mutating func replace(_ place: EntryPlace, by item: CacheItem) -> Bool {
        if let old = self.item(place) { tags.remove(old, at: place) }
        if place.tier == .agent {
            agent.replace(place.slot, by: item)
        } else {
            shared.replace(place.slot, by: item)
        }
        tags.add(item, at: place)
        makeRoom(for: place)
        return self.item(place) === item
    }

    /// Takes an entry out of everything.
    mutating func remove(_ place: EntryPlace) {
        guard let item = item(place) else { return }
        tags.remove(item, at: place)
        unlink(item.key, place)
        if place.tier == .agent { agent.remove(place.slot) } else { shared.remove(place.slot) }
    }

    /// Evicts until all fit. A newcomer that goes itself was not taken in, and is no eviction.
    private mutating func makeRoom(for newcomer: EntryPlace) {
        let tier = newcomer.tier
        while let victim = tier == .agent ? agent.victim() : shared.victim() {
            remove(EntryPlace(tier, victim))
            if victim == newcomer.slot { continue }
            if tier == .agent { agent.counts.evictions += 1 } else { shared.counts.evictions += 1 }
        }
        if tier == .agent { agent.fit() } else { shared.fit() }
    }

    private mutating func link(_ place: EntryPlace, to next: EntryPlace?) {
        let raw = next.map { $0.rawValue + 1 } ?? 0
        if place.tier == .agent {
            agent.link(place.slot, to: raw)
        } else {
            shared.link(place.slot, to: raw)
        }
    }

    private mutating func unlink(_ key: CacheKey, _ place: EntryPlace) {
        guard let head = first(key) else { return }
        if head == place {
            if let next = next(place) {
                index.replace(key.hash, place.rawValue, by: next.rawValue)
            } else {
                index.remove(key.hash, place.rawValue)
            }
            return
        }
        var before = head
        while let following = next(before), following != place { before = following }
        if next(before) == place { link(before, to: next(place)) }
    }
}
