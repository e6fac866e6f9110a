/// The ghosts of one shard's tier: caches of keys alone, one for each window that may be chosen,
/// played on a sample of the requests. A value; not safe to share.
struct GhostPanel {
    private var ghosts: [Ghost]
    private let capacity: Int
    private let maxEntries: Int
    /// One key of 2^shift is sampled.
    private var sampleShift: UInt64
    private(set) var hits: [Int]
    private(set) var requests = 0

    private struct Ghost {
        var queues: SegmentedQueues
        var index = SlotIndex()
    }

    /// Ghosts of a tier that may weigh `capacity` and holds about `expectedEntries`, with about
    /// `maxEntries` each.
    init(capacity: Int, expectedEntries: Int, maxEntries: Int) {
        self.capacity = capacity
        self.maxEntries = maxEntries
        sampleShift = 0
        ghosts = []
        hits = Array(repeating: 0, count: WindowChooser.shares.count)
        sample(shift: Self.shift(expectedEntries, maxEntries))
    }

    /// Whether requests for this key are played.
    @inline(__always)
    func isSampled(_ hash: UInt64) -> Bool { hash >> 24 & ((1 << sampleShift) &- 1) == 0 }

    /// A request that the cache answered: what the ghosts do not hold, they would by now.
    mutating func hit(_ hash: UInt64, weight: Int, _ sketch: borrowing FrequencySketch) {
        requests += 1
        for index in ghosts.indices where !play(hash, index) {
            insert(hash, weight, index, sketch)
        }
    }

    /// A request that the cache did not answer.
    mutating func miss(_ hash: UInt64) {
        requests += 1
        for index in ghosts.indices { _ = play(hash, index) }
    }

    /// Something new came into the cache.
    mutating func insert(_ hash: UInt64, weight: Int, _ sketch: borrowing FrequencySketch) {
        for index in ghosts.indices
        where ghosts[index].index.find(hash, where: { _ in true }) == nil {
            insert(hash, weight, index, sketch)
        }
    }

    /// Forgets what the ghosts did, after it was told.
    mutating func beginRound() {
        for index in hits.indices { hits[index] = 0 }
        requests = 0
    }

    /// Plays another share of the keys, when as many as it plays now are far too many or too few. It
    /// does not wait for the end of a round: of too small a share, rounds last for ever, and what is
    /// heavier than the share of the capacity that goes with it is not played at all.
    mutating func fit(expectedEntries: Int) {
        let shift = Self.shift(expectedEntries, maxEntries)
        // Half or twice as many entries are no reason to begin anew.
        if shift > sampleShift + 1 || shift + 1 < sampleShift { sample(shift: shift) }
    }

    private mutating func sample(shift: UInt64) {
        sampleShift = shift
        let share = max(capacity >> Int(shift), 2)
        ghosts = WindowChooser.shares.map {
            Ghost(queues: SegmentedQueues(capacity: share, windowShare: $0))
        }
    }

    private static func shift(_ entries: Int, _ most: Int) -> UInt64 {
        var shift: UInt64 = 0
        while entries >> Int(shift) > most { shift += 1 }
        return shift
    }

    // MARK: One ghost

    private mutating func play(_ hash: UInt64, _ index: Int) -> Bool {
        guard let slot = ghosts[index].index.find(hash, where: { _ in true }) else { return false }
        ghosts[index].queues.touch(slot)
        hits[index] += 1
        return true
    }

    private mutating func insert(
        _ hash: UInt64, _ weight: Int, _ index: Int, _ sketch: borrowing FrequencySketch
    ) {
        if weight > ghosts[index].queues.capacity { return }
        let slot = ghosts[index].queues.insert(hash: hash, weight: weight)
        ghosts[index].index.insert(hash, slot)
        while let victim = ghosts[index].queues.victim(sketch) {
            ghosts[index].index.remove(ghosts[index].queues.nodes[victim].hash, victim)
            ghosts[index].queues.remove(victim)
        }
    }
}
