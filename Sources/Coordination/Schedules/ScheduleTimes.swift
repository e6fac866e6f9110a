/// When a schedule is due: the union of cron expressions in one time zone and of intervals,
/// between two bounds. Its instants are called slots, in milliseconds since 1970.
public struct ScheduleTimes: Sendable, Hashable {
    /// Every so many seconds, counted from 1970-01-01T00:00:00Z plus the offset.
    public struct Interval: Sendable, Hashable {
        /// 1 to 10 years.
        public var everySeconds: Int64
        /// 0 to `everySeconds` - 1.
        public var offsetSeconds: Int64

        /// Combines the parts.
        public init(everySeconds: Int64, offsetSeconds: Int64 = 0) {
            self.everySeconds = everySeconds
            self.offsetSeconds = offsetSeconds
        }

        func next(after instant: Int64) -> Int64 {
            offsetSeconds + (floorDiv(instant - offsetSeconds, everySeconds) + 1) * everySeconds
        }
    }

    /// Cron expressions, in the zone's local time.
    public var crons: [CronExpression]
    /// Intervals, whatever the zone.
    public var intervals: [Interval]
    /// Where the cron expressions are at home.
    public var zone: TimeZoneTable
    /// No slot before; `nil`: none missing.
    public var startMillis: Int64?
    /// No slot at or after; `nil`: no end.
    public var endMillis: Int64?

    /// Combines the parts.
    public init(
        crons: [CronExpression] = [], intervals: [Interval] = [], zone: TimeZoneTable = .utc,
        startMillis: Int64? = nil, endMillis: Int64? = nil
    ) {
        self.crons = crons
        self.intervals = intervals
        self.zone = zone
        self.startMillis = startMillis
        self.endMillis = endMillis
    }

    /// The longest interval, in seconds.
    public static let maxIntervalSeconds: Int64 = 10 * 366 * 86_400
    /// Beyond any year that is asked about; keeps all sums far from overflow.
    private static let limits: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// The first slot after an instant; `nil` when there is none any more.
    public func next(afterMillis millis: Int64) -> Int64? {
        var after = floorDiv(millis, 1_000)
        if let startMillis { after = max(after, floorDiv(startMillis - 1, 1_000)) }
        after = min(max(after, Self.limits.lowerBound), Self.limits.upperBound)
        var first: Int64?
        for cron in crons {
            if let next = cron.next(after: after, in: zone) { first = min(first ?? next, next) }
        }
        for interval in intervals {
            let next = interval.next(after: after)
            first = min(first ?? next, next)
        }
        guard let first, first <= Self.limits.upperBound else { return nil }
        if let endMillis, first * 1_000 >= endMillis { return nil }
        return first * 1_000
    }

    /// The last slot before an instant, not before `earliest`; `nil` when there is none.
    ///
    /// Found by halving: whether a slot lies between some instant and `millis` is true up to the
    /// one looked for and false from there on. Some forty looks forward.
    public func previous(beforeMillis millis: Int64, notBefore earliest: Int64) -> Int64? {
        func hasSlot(after instant: Int64) -> Bool {
            next(afterMillis: instant).map { $0 < millis } ?? false
        }
        guard earliest < millis, hasSlot(after: earliest - 1) else { return nil }
        var (with, without) = (earliest - 1, millis)
        while without - with > 1 {
            let middle = with + (without - with) / 2
            if hasSlot(after: middle) { with = middle } else { without = middle }
        }
        return next(afterMillis: with)
    }

    /// How much later than its slot the start is: 0 to `jitterMillis`, always the same for one
    /// schedule and slot, and never as late as the next slot.
    public func delay(ofSlot slot: Int64, jitterMillis: Int64, of schedule: String) -> Int64 {
        if jitterMillis <= 0 { return 0 }
        let room = next(afterMillis: slot).map { $0 - slot - 1 } ?? jitterMillis
        var hash = StableHash()
        hash.combine(schedule)
        hash.combine(UInt64(bitPattern: slot))
        return Int64(hash.value % UInt64(min(jitterMillis, max(0, room)) + 1))
    }
}
