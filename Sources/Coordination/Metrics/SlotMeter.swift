/// How many slots were there, and taken, integrated over time: exact at every instant, however long
/// what holds a slot goes on.
///
/// With n taken from instants t1, t2, ... on, the slot time up to t is n x t - (t1 + t2 + ...): one
/// addition for each taking and giving back, none while nothing changes. The sums have 128 bits: the
/// slot time of a few ten thousand slots does not fit into 64 for more than a day or two.
public struct SlotMeter: Sendable, Hashable {
    /// Slots that are there.
    public private(set) var slots: Int64 = 0
    /// Slots that are taken.
    public private(set) var taken: Int64 = 0
    /// Times a slot was taken or given back.
    public private(set) var changes: Int64 = 0
    private var slotsOffset: Int128 = 0
    private var takenOffset: Int128 = 0

    /// No slot.
    public init() {}

    /// So many slots come, or leave when negative.
    public mutating func slotsCame(_ count: Int, atNanos now: Int64) {
        slots += Int64(count)
        slotsOffset -= Int128(count) * Int128(now)
    }

    /// One was taken.
    public mutating func slotTaken(atNanos now: Int64) {
        taken += 1
        changes += 1
        takenOffset -= Int128(now)
    }

    /// One was given back.
    public mutating func slotFreed(atNanos now: Int64) {
        taken -= 1
        changes += 1
        takenOffset += Int128(now)
    }

    /// Slot time that was there up to now; only differences mean anything.
    public func slotNanos(atNanos now: Int64) -> Int128 {
        Int128(slots) * Int128(now) + slotsOffset
    }

    /// Slot time that was taken up to now; only differences mean anything.
    public func takenNanos(atNanos now: Int64) -> Int128 {
        Int128(taken) * Int128(now) + takenOffset
    }
}
