/// When a breaker on a reported value opens and closes: a daily loss, a drawdown, a lag.
public struct MetricPolicy: Sendable, Hashable {
    /// Which side of the threshold is bad.
    public enum Direction: UInt8, Sendable, Hashable {
        /// Opens at values of at least the threshold.
        case above = 1
        /// Opens at values of at most the threshold.
        case below = 2
    }

    /// Default above.
    public var direction: Direction
    /// Opens when the value reaches it.
    public var tripAt: Double
    /// Closes when the value is back at it or beyond; on the good side of ``tripAt``, or equal.
    public var recoverAt: Double
    /// How long the value must stay there before it closes, milliseconds. Default 0.
    public var holdMillis: Int64
    /// Default medium.
    public var severity: BreakerSeverity
    /// Default automatic; a latched one closes only by a reset.
    public var recovery: BreakerPolicy.Recovery

    /// Combines the parts.
    public init(
        direction: Direction = .above, tripAt: Double, recoverAt: Double, holdMillis: Int64 = 0,
        severity: BreakerSeverity = .medium, recovery: BreakerPolicy.Recovery = .automatic
    ) {
        self.direction = direction
        self.tripAt = tripAt
        self.recoverAt = recoverAt
        self.holdMillis = holdMillis
        self.severity = severity
        self.recovery = recovery
    }

    /// Everything that is wrong with it; fields are named as in the API.
    public var faults: [FieldFault] {
        var check = RangeCheck()
        if !tripAt.isFinite { check.fault("trip_at", "is not a finite number") }
        if !recoverAt.isFinite { check.fault("recover_at", "is not a finite number") }
        let isInOrder = direction == .above ? recoverAt <= tripAt : recoverAt >= tripAt
        if tripAt.isFinite, recoverAt.isFinite, !isInOrder {
            let side = direction == .above ? "at most" : "at least"
            check.fault("recover_at", "is \(recoverAt); it must be \(side) trip_at, \(tripAt)")
            check.fault("trip_at", "is \(tripAt), on the good side of recover_at, \(recoverAt)")
        }
        check.millis("hold_millis", holdMillis, 0...86_400_000)
        return check.faults
    }

    func isBad(_ value: Double) -> Bool {
        direction == .above ? value >= tripAt : value <= tripAt
    }

    /// Equal thresholds have no room between them: then whatever is not bad is good.
    func isGood(_ value: Double) -> Bool {
        if isBad(value) { return false }
        return direction == .above ? value <= recoverAt : value >= recoverAt
    }
}
