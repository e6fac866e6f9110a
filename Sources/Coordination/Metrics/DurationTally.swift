/// How long things took, counted in ranges: four to each doubling, from 1 us to 2^40 us (12 days).
///
/// Only grows, so that what happened between two looks is the difference of two tallies. Keeps no
/// more ranges than its durations reach from and to. Adding is O(1).
public struct DurationTally: Sendable, Hashable {
    /// How many were added.
    public private(set) var count: Int64 = 0
    /// Their sum; it wraps after 292 years, differences stay right.
    public private(set) var sumNanos: Int64 = 0
    /// The range that `counts` begins with.
    private var first = 0
    /// Counts wrap; differences of less than 2^32 stay right.
    private var counts: [UInt32] = []

    /// Nothing yet.
    public init() {}

    /// Adds a duration; a negative one is a clock's mistake and counts as none.
    public mutating func add(nanos: Int64) {
        let nanos = max(0, nanos)
        count += 1
        sumNanos &+= nanos
        let range = Self.range(ofNanos: nanos)
        let place = range - first
        if place >= 0, place < counts.count {
            counts[place] &+= 1
        } else {
            widen(to: range)
            counts[range - first] &+= 1
        }
    }

    private mutating func widen(to range: Int) {
        if counts.isEmpty {
            first = range
            counts = [0]
        } else if range < first {
            counts.insert(contentsOf: [UInt32](repeating: 0, count: first - range), at: 0)
            first = range
        } else {
            let missing = range - first - counts.count + 1
            counts.append(contentsOf: [UInt32](repeating: 0, count: missing))
        }
    }

    /// What was added since `earlier`, a look at the same tally.
    public func since(_ earlier: DurationTally) -> DurationTally {
        var difference = self
        difference.count -= earlier.count
        difference.sumNanos &-= earlier.sumNanos
        for (offset, count) in earlier.counts.enumerated() {
            difference.counts[earlier.first + offset - first] &-= count
        }
        return difference
    }

    /// The mean; `nil` of nothing.
    public var meanNanos: Int64? { count > 0 ? sumNanos / count : nil }

    /// The mean in seconds; `nil` of nothing.
    public var meanSeconds: Double? { count > 0 ? Double(sumNanos) / Double(count) / 1e9 : nil }

    /// A percentile by nearest rank, at most an eighth away from the exact value; `nil` of nothing.
    ///
    /// - Parameter share: over 0 to 1.
    public func percentileMicros(_ share: Double) -> Int64? {
        guard count > 0 else { return nil }
        let rank = max(1, Int64((share * Double(count)).rounded(.up)))
        var seen: Int64 = 0
        for (offset, count) in counts.enumerated() {
            seen += Int64(count)
            if seen >= rank { return Self.middleMicros(ofRange: first + offset) }
        }
        return nil
    }

    // MARK: Ranges

    private static let longestMicros: UInt64 = 1 << 40

    /// The exponent of two and the next two bits of the microseconds.
    static func range(ofNanos nanos: Int64) -> Int {
        let micros = min(max(1, UInt64(nanos) / 1_000), longestMicros)
        let exponent = 63 - micros.leadingZeroBitCount
        let quarter = Int((micros << 2) >> UInt64(exponent)) & 3
        return exponent * 4 + quarter
    }

    static func middleMicros(ofRange range: Int) -> Int64 {
        let octave = Double(UInt64(1) << UInt64(range / 4))
        let low = octave * (1 + Double(range % 4) / 4)
        return Int64((low + octave / 8).rounded(.down))
    }
}
