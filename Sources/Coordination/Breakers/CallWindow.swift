/// The calls that a breaker's rules look at: the last so many, or those of the last so long.
/// Recording and asking are O(1); storage is made once.
struct CallWindow: Sendable {
    /// What is known of the calls in the window.
    struct Tally: Sendable, Hashable {
        var calls: Int32 = 0
        var failures: Int32 = 0
        var slow: Int32 = 0
    }

    /// Parts of a time window; the oldest leaves whole.
    static let parts = 32
    /// Bits of a recorded call.
    static let failed: UInt8 = 1
    static let slow: UInt8 = 2

    /// The sum over the window as of the last record or advance.
    private(set) var total = Tally()
    /// Count window: one byte a call, a ring.
    private var ring: [UInt8] = []
    /// Time window: one tally a part, a ring by part number.
    private var tallies: [Tally] = []
    /// Count window: where the next call goes. Time window: the newest part's number.
    private var head: Int64 = 0
    /// 0 for a count window.
    private let partNanos: Int64

    init(_ window: BreakerPolicy.Window) {
        switch window {
        case .calls(let count):
            ring = [UInt8](repeating: 0, count: max(1, count))
            partNanos = 0
        case .millis(let millis):
            tallies = [Tally](repeating: Tally(), count: Self.parts)
            partNanos = max(1, millis * 1_000_000 / Int64(Self.parts))
            head = .min
        }
    }

    /// Adds a call that ended at `nowNanos`.
    mutating func record(_ bits: UInt8, atNanos nowNanos: Int64) {
        if partNanos == 0 { recordInRing(bits) } else { recordInTime(bits, nowNanos) }
    }

    /// Lets go of what is too old.
    mutating func advance(toNanos nowNanos: Int64) {
        if partNanos > 0, head != .min { move(to: nowNanos / partNanos) }
    }

    /// Forgets every call.
    mutating func clear() {
        total = Tally()
        for index in ring.indices { ring[index] = 0 }
        for index in tallies.indices { tallies[index] = Tally() }
        head = partNanos == 0 ? 0 : .min
    }

    private mutating func recordInRing(_ bits: UInt8) {
        let place = Int(head)
        if Int(total.calls) == ring.count {
            let old = ring[place]
            total.failures -= Int32(old & Self.failed)
            total.slow -= Int32((old & Self.slow) >> 1)
        } else {
            total.calls += 1
        }
        ring[place] = bits
        total.failures += Int32(bits & Self.failed)
        total.slow += Int32((bits & Self.slow) >> 1)
        head = place + 1 == ring.count ? 0 : Int64(place + 1)
    }

    private mutating func recordInTime(_ bits: UInt8, _ nowNanos: Int64) {
        move(to: nowNanos / partNanos)
        let failure = Int32(bits & Self.failed)
        let slow = Int32((bits & Self.slow) >> 1)
        let place = place(of: head)
        tallies[place].calls += 1
        tallies[place].failures += failure
        tallies[place].slow += slow
        total.calls += 1
        total.failures += failure
        total.slow += slow
    }

    /// Makes `part` the newest. Each part is cleared once for each time the ring comes round, so
    /// this is O(1) over time.
    private mutating func move(to part: Int64) {
        if part <= head { return }
        if head == .min || part - head >= Int64(Self.parts) {
            for index in tallies.indices { tallies[index] = Tally() }
            total = Tally()
            head = part
            return
        }
        while head < part {
            head += 1
            let place = place(of: head)
            total.calls -= tallies[place].calls
            total.failures -= tallies[place].failures
            total.slow -= tallies[place].slow
            tallies[place] = Tally()
        }
    }

    private func place(of part: Int64) -> Int {
        Int(truncatingIfNeeded: part) & (Self.parts - 1)
    }
}
