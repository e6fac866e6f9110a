/// The order of eviction of one tier: a window of what came lately, and a main part of what was
/// asked for again, in probation or protected (W-TinyLFU: Einziger, Friedman, Manes).
///
/// Slots are numbers that it gives out; what lies in a slot is the owner's. It holds hashes and
/// weights only, so the same machine serves the cache and the ghosts that try other windows. A
/// value; not safe to share.
struct SegmentedQueues {
    private(set) var nodes: [Node] = []
    private var free: [UInt32] = []
    private var queues: [Queue] = Array(repeating: Queue(), count: 3)
    /// Slots in use.
    private(set) var count = 0
    /// What is in all three.
    private(set) var weight = 0
    let capacity: Int
    /// What the window may weigh now; on its way to the target.
    private(set) var windowMax: Int
    private(set) var windowTarget: Int
    private var protectedMax: Int

    /// The share of the main part that is protected.
    private static let protectedShare = 0.8
    /// Slots that one request moves at most while the window grows or shrinks.
    private static let movesPerRequest = 8

    struct Node {
        var hash: UInt64
        var weight: UInt32
        var previous: UInt32 = Self.none
        var next: UInt32 = Self.none
        var segment: Segment

        static let none = UInt32.max
    }

    enum Segment: UInt8 { case window, probation, protected, free }

    private struct Queue {
        var oldest = Node.none
        var newest = Node.none
        var weight = 0
    }

    init(capacity: Int, windowShare: Double) {
        self.capacity = capacity
        windowTarget = Self.window(windowShare, capacity)
        windowMax = windowTarget
        protectedMax = Self.protected(windowMax, capacity)
    }

    // MARK: Requests

    /// A hit: the slot is the newest of its part, and out of probation it becomes protected.
    mutating func touch(_ slot: Int) {
        let segment = nodes[slot].segment
        let aim: Segment = segment == .window ? .window : .protected
        if queues[Int(aim.rawValue)].newest == UInt32(slot) { return }
        move(slot, to: aim)
        settle()
    }

    /// A new slot. What must leave for it says `evict`.
    mutating func insert(hash: UInt64, weight: Int) -> Int {
        let slot = newSlot(hash, weight)
        count += 1
        self.weight += weight
        // What is larger than the window does not push everything else out of it.
        if weight > windowMax { linkOldest(slot, .window) } else { link(slot, .window) }
        settle()
        return slot
    }

    /// Another weight for what is there.
    mutating func reweigh(_ slot: Int, _ weight: Int) {
        let difference = weight - Int(nodes[slot].weight)
        nodes[slot].weight = UInt32(weight)
        queues[Int(nodes[slot].segment.rawValue)].weight += difference
        self.weight += difference
    }

    /// Frees a slot.
    mutating func remove(_ slot: Int) {
        unlink(slot)
        count -= 1
        weight -= Int(nodes[slot].weight)
        nodes[slot].segment = .free
        free.append(UInt32(slot))
    }

    /// The next that must leave; `nil`: all fit. The owner removes it and asks again.
    mutating func victim(_ sketch: borrowing FrequencySketch) -> Int? {
        while queues[0].weight > windowMax, queues[0].oldest != Node.none {
            let candidate = Int(queues[0].oldest)
            if weight <= capacity {
                move(candidate, to: .probation)
                continue
            }
            guard let resident = oldestOfMain else { return candidate }
            return admits(candidate, over: resident, sketch) ? resident : candidate
        }
        return weight > capacity ? oldestOfMain ?? oldest(.window) : nil
    }

    /// Whether a newcomer takes the place of one that is there. It must be clearly more wanted: counts
    /// that differ by one say little, and each exchange that was none costs a miss.
    private func admits(
        _ candidate: Int, over resident: Int, _ sketch: borrowing FrequencySketch
    ) -> Bool {
        let new = sketch.frequency(of: nodes[candidate].hash)
        if new == 0 { return false }
        let old = sketch.frequency(of: nodes[resident].hash)
        return new > old + (old >= 3 ? 1 : 0)
    }

    // MARK: The window

    /// Sets what the window's share shall be; it gets there in small steps.
    mutating func aim(atWindow share: Double) {
        windowTarget = Self.window(share, capacity)
    }

    /// A few steps towards the target, and of what is too much in the protected part.
    private mutating func settle() {
        var moves = Self.movesPerRequest
        if windowMax > windowTarget { shrinkWindow(&moves) }
        if windowMax < windowTarget { growWindow(&moves) }
        while queues[2].weight > protectedMax, moves > 0 {
            move(Int(queues[2].oldest), to: .probation)
            moves -= 1
        }
    }

    private mutating func shrinkWindow(_ moves: inout Int) {
        while queues[0].weight > windowTarget, moves > 0 {
            move(Int(queues[0].oldest), to: .probation)
            moves -= 1
        }
        setWindowMax(max(windowTarget, min(windowMax, queues[0].weight)))
    }

    /// The newest in probation are the next best for the window.
    private mutating func growWindow(_ moves: inout Int) {
        if weight < capacity { return setWindowMax(windowTarget) }
        while queues[0].weight < windowTarget, moves > 0 {
            guard queues[1].newest != Node.none else { return setWindowMax(windowTarget) }
            let slot = Int(queues[1].newest)
            unlink(slot)
            linkOldest(slot, .window)
            moves -= 1
        }
        setWindowMax(min(windowTarget, max(windowMax, queues[0].weight)))
    }

    private mutating func setWindowMax(_ value: Int) {
        windowMax = value
        protectedMax = Self.protected(value, capacity)
    }

    private static func window(_ share: Double, _ capacity: Int) -> Int {
        min(max(Int(share * Double(capacity)), 1), max(capacity - 1, 1))
    }

    private static func protected(_ window: Int, _ capacity: Int) -> Int {
        Int(Double(capacity - window) * protectedShare)
    }
}

// MARK: - Lists

extension SegmentedQueues {
    private var oldestOfMain: Int? { oldest(.probation) ?? oldest(.protected) }

    private func oldest(_ segment: Segment) -> Int? {
        let slot = queues[Int(segment.rawValue)].oldest
        return slot == Node.none ? nil : Int(slot)
    }

    private mutating func newSlot(_ hash: UInt64, _ weight: Int) -> Int {
        let node = Node(hash: hash, weight: UInt32(weight), segment: .window)
        if let slot = free.popLast() {
            nodes[Int(slot)] = node
            return Int(slot)
        }
        nodes.append(node)
        return nodes.count - 1
    }

    private mutating func move(_ slot: Int, to segment: Segment) {
        unlink(slot)
        link(slot, segment)
    }

    private mutating func link(_ slot: Int, _ segment: Segment) {
        let queue = Int(segment.rawValue)
        let before = queues[queue].newest
        nodes[slot].segment = segment
        nodes[slot].previous = before
        nodes[slot].next = Node.none
        if before == Node.none {
            queues[queue].oldest = UInt32(slot)
        } else {
            nodes[Int(before)].next = UInt32(slot)
        }
        queues[queue].newest = UInt32(slot)
        queues[queue].weight += Int(nodes[slot].weight)
    }

    private mutating func linkOldest(_ slot: Int, _ segment: Segment) {
        let queue = Int(segment.rawValue)
        let after = queues[queue].oldest
        nodes[slot].segment = segment
        nodes[slot].previous = Node.none
        nodes[slot].next = after
        if after == Node.none {
            queues[queue].newest = UInt32(slot)
        } else {
            nodes[Int(after)].previous = UInt32(slot)
        }
        queues[queue].oldest = UInt32(slot)
        queues[queue].weight += Int(nodes[slot].weight)
    }

    private mutating func unlink(_ slot: Int) {
        let node = nodes[slot]
        let queue = Int(node.segment.rawValue)
        if node.previous == Node.none {
            queues[queue].oldest = node.next
        } else {
            nodes[Int(node.previous)].next = node.next
        }
        if node.next == Node.none {
            queues[queue].newest = node.previous
        } else {
            nodes[Int(node.next)].previous = node.previous
        }
        queues[queue].weight -= Int(node.weight)
    }
}
