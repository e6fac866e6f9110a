/// One tier of one shard: entries, the order of their eviction, and the ghosts that find out how much
/// room what is new shall have. A value; not safe to share.
struct TierStore {
    struct Entry {
        var item: CacheItem?
        /// The next entry of the same key, as a place plus one; 0: none.
        var next = 0
    }

    private(set) var entries: [Entry] = []
    /// How long hits have come without misses, each of which halves it.
    private var calm = 0
    var counts = CacheTierStatistics()
    private(set) var queues: SegmentedQueues
    private var ghosts: GhostPanel
    private var sketch: FrequencySketch
    private let ghostEntries: Int
    /// Those of the shared tier; the values of agents have no near copies.
    private var stamps: ShardStamps?
    private var hand = 0
    /// Numbers of entries for which sketch and ghosts are right.
    private var fitCounts = 0..<1
    /// Sampled requests after which the ghosts' hits are told.
    private var requestsPerReport = Self.mostPerReport
    /// About how many entries fit, as heavy as those here are.
    private(set) var expectedEntries: Int

    /// A report takes a lock that all shards share. Small ghosts report more often: until then a shard
    /// knows nothing of what the others have found out.
    private static let mostPerReport = 64
    /// What an entry weighs before there is one.
    private static let usualWeight = 1_024
    private static let sweptPerWrite = 4
    /// Reached when all but about three of a thousand requests are hits.
    private static let longRun = 600

    /// - Parameter sketchWords: words of the sketch at the least.
    init(capacity: Int, ghostEntries: Int, sketchWords: Int, stamps: ShardStamps? = nil) {
        self.stamps = stamps
        expectedEntries = max(capacity / Self.usualWeight, 16)
        self.ghostEntries = ghostEntries
        queues = SegmentedQueues(capacity: capacity, windowShare: WindowChooser.shares[0])
        ghosts = GhostPanel(
            capacity: capacity, expectedEntries: expectedEntries, maxEntries: ghostEntries)
        sketch = FrequencySketch(expectedEntries: expectedEntries, minWords: sketchWords)
    }

    @inline(__always)
    subscript(slot: Int) -> CacheItem? { entries[slot].item }

    var statistics: CacheTierStatistics {
        var result = counts
        result.entries = queues.count
        result.weight = queues.weight
        result.capacity = queues.capacity
        result.windowWeight = queues.windowMax
        return result
    }

    // MARK: Requests

    /// A hit on a slot. In long runs of hits the tier holds what is asked for, and its order hardly
    /// matters: only every eighth is put in order then, so that a hit costs little.
    @inline(__always)
    mutating func touch(_ slot: Int, _ identity: UInt64) {
        calm &+= 1
        if calm > Self.longRun, calm & 7 != 0 { return }
        order(slot, identity)
    }

    /// One of so many hits, the others of which near copies answered; it counts as much as when each
    /// eighth were put in order.
    mutating func touch(_ slot: Int, _ identity: UInt64, forAll hits: Int) {
        calm &+= hits
        for _ in 1..<hits / 8 { sketch.increment(identity) }
        order(slot, identity)
    }

    private mutating func order(_ slot: Int, _ identity: UInt64) {
        if calm > Self.longRun { stamps?.set(isCalm: true) }
        sketch.increment(identity)
        queues.touch(slot)
        if ghosts.isSampled(identity) {
            ghosts.hit(identity, weight: Int(queues.nodes[slot].weight), sketch)
        }
    }

    /// A request that found nothing here.
    mutating func miss(_ identity: UInt64) {
        calm >>= 1
        if calm <= Self.longRun { stamps?.set(isCalm: false) }
        sketch.increment(identity)
        if ghosts.isSampled(identity) { ghosts.miss(identity) }
    }

    /// Whether the ghosts have something to tell.
    @inline(__always)
    var hasReport: Bool { ghosts.requests >= requestsPerReport }

    /// Tells what the ghosts did, and takes the window that is best for all shards.
    mutating func report(to chooser: inout WindowChooser, shards: Int) {
        chooser.add(
            hits: ghosts.hits, requests: ghosts.requests, ghostEntries: ghostSize * shards)
        ghosts.beginRound()
        queues.aim(atWindow: chooser.share)
    }

    /// About how many entries one ghost has.
    private var ghostSize: Int { min(ghostEntries, expectedEntries) }

    // MARK: Entries

    /// Puts an item into a slot of its own. What must leave for it says `victim`. The stamp stays:
    /// there is no copy of what was not there.
    mutating func insert(_ item: CacheItem) -> Int {
        let identity = item.identity
        let slot = queues.insert(hash: identity, weight: item.weight)
        if slot == entries.count { entries.append(Entry()) }
        entries[slot] = Entry(item: item)
        if ghosts.isSampled(identity) {
            ghosts.insert(identity, weight: item.weight, sketch)
        }
        return slot
    }

    /// Puts a newer item into the slot of an older one of the same key and owner.
    mutating func replace(_ slot: Int, by item: CacheItem) {
        entries[slot].item = item
        stamps?.advance(item.identity)
        queues.reweigh(slot, item.weight)
        queues.touch(slot)
    }

    mutating func remove(_ slot: Int) {
        if let stamps, let item = entries[slot].item { stamps.advance(item.identity) }
        entries[slot] = Entry()
        queues.remove(slot)
    }

    mutating func link(_ slot: Int, to next: Int) { entries[slot].next = next }

    /// The next that must leave for lack of room; the owner removes it and asks again.
    mutating func victim() -> Int? { queues.victim(sketch) }

    /// Slots whose time has ended, of the few that are looked at with each write.
    mutating func swept(now: Int64) -> [Int] {
        var ended: [Int] = []
        for _ in 0..<min(Self.sweptPerWrite, entries.count) {
            hand = hand + 1 < entries.count ? hand + 1 : 0
            if let item = entries[hand].item, item.expiresAt <= now { ended.append(hand) }
        }
        return ended
    }

    /// Fits the sketch and the ghosts to the number of entries when that has grown by a quarter, or
    /// shrunk by one because they are heavier.
    mutating func fit() {
        let count = queues.count
        guard !fitCounts.contains(count), queues.weight > 0 else { return }
        let share = Double(count) / Double(queues.weight)
        expectedEntries = max(Int(share * Double(queues.capacity)), 16)
        fitCounts = count - count / 4..<count + max(count / 4, 1)
        sketch.fit(expectedEntries: expectedEntries)
        ghosts.fit(expectedEntries: expectedEntries)
        requestsPerReport = min(max(ghostSize / 4, 1), Self.mostPerReport)
    }
}
