/// A time zone as a value: when its offset from UTC changes, and to what.
///
/// Whoever may read files makes it from the system's database (``init(name:tzif:)``); after the last
/// transition its offset stays.
public struct TimeZoneTable: Sendable, Hashable {
    /// One change of the offset.
    public struct Transition: Sendable, Hashable {
        /// Seconds since 1970-01-01T00:00:00Z from which the offset holds.
        public var at: Int64
        /// Seconds that local time is ahead of UTC; negative west of it.
        public var offset: Int32

        /// Combines the parts.
        public init(at: Int64, offset: Int32) {
            self.at = at
            self.offset = offset
        }
    }

    /// The zone's name in the IANA database, such as `Europe/Berlin`.
    public let name: String
    /// The offset before the first transition, in seconds.
    public let firstOffset: Int32
    /// Ascending, each with another offset than the one before.
    public let transitions: [Transition]

    /// The zone without transitions.
    public static let utc = TimeZoneTable(name: "UTC", firstOffset: 0, transitions: [])

    /// Combines the parts; transitions that change nothing or are out of order are left out.
    public init(name: String, firstOffset: Int32, transitions: [Transition]) {
        self.name = name
        self.firstOffset = firstOffset
        var kept: [Transition] = []
        for transition in transitions {
            let (last, offset) = (kept.last?.at ?? .min, kept.last?.offset ?? firstOffset)
            if transition.at > last && transition.offset != offset { kept.append(transition) }
        }
        self.transitions = kept
    }

    /// The offset at an instant, in seconds.
    public func offset(at instant: Int64) -> Int32 { offset(of: segment(at: instant)) }

    /// How many transitions are at or before an instant: the number of its stretch of constant
    /// offset.
    func segment(at instant: Int64) -> Int {
        var (low, high) = (0, transitions.count)
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }

    func offset(of segment: Int) -> Int32 {
        segment == 0 ? firstOffset : transitions[segment - 1].offset
    }
}
