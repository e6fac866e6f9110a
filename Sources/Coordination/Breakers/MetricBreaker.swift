/// A breaker that opens on a reported value instead of on calls, with hysteresis: it opens at one
/// threshold and closes at another, after the value has stayed there for a while.
public struct MetricBreaker: Sendable {
    /// When it opens and closes.
    public private(set) var policy: MetricPolicy
    /// Grows with each change of state.
    public private(set) var generation: UInt32 = 1
    /// What is forced, if anything.
    public private(set) var override: BreakerOverride?
    /// Why it opened the last time.
    public private(set) var lastTrip: BreakerTrip?
    /// The value reported last; `nil`: none yet.
    public private(set) var lastValue: Double?
    /// Calls refused, values received (as successes when good enough, else as failures), trips.
    public private(set) var counts = BreakerCounts()
    /// When ``state`` last changed, milliseconds since 1970.
    public private(set) var changedMillis: Int64

    private var isOpen = false
    /// While open: since when the value has been good; `nil`: it is not.
    private var goodSinceNanos: Int64?
    /// The same of what it would be while it only counts.
    private var isShadowOpen = false
    private var shadowGoodSinceNanos: Int64?

    /// A closed breaker. The policy must have no ``MetricPolicy/faults``.
    public init(_ policy: MetricPolicy, at now: EngineTime) {
        self.policy = policy
        changedMillis = now.wallMillis
    }

    /// A closed breaker in the place of one of the other kind: permits of that one count no more,
    /// and what is forced stays so.
    init(_ policy: MetricPolicy, after other: Breaker, at now: EngineTime) {
        self.init(policy, at: now)
        generation = other.generation &+ 1
        override = other.override
    }

    /// What it does with calls.
    public var state: BreakerState { override?.state ?? (isOpen ? .open : .closed) }

    /// Whether it is open and the value has been good since.
    public var isRecovering: Bool { goodSinceNanos != nil }

    /// Asks for leave to make one call.
    public mutating func permit(at now: EngineTime) -> PermitDecision {
        timeReached(now)
        switch state {
        case .closed, .disabled, .metricsOnly, .halfOpen:
            return .granted(BreakerPermit(generation: generation, probe: 0))
        case .forcedOpen, .open:
            counts.notPermitted += 1
            let until = nextDeadlineNanos(at: now)
            return .refused(
                BreakerRefusal(
                    state: state, retryAfterNanos: until.map { max(1, $0 - now.monotonicNanos) }))
        }
    }

    /// Takes a value. One that is not finite is dropped: the edge refuses it with a reason.
    public mutating func reported(_ value: Double, at now: EngineTime) -> ReportOutcome {
        let before = generation
        timeReached(now)
        guard value.isFinite else { return .late }
        if override?.kind == .disabled { return .recorded }
        lastValue = value
        let isBad = policy.isBad(value)
        if isBad { counts.failures += 1 } else { counts.successes += 1 }
        if override == nil || isOpen {
            judge(value, isBad: isBad, at: now)
        } else if override?.kind == .metricsOnly {
            judgeShadow(value, isBad: isBad, at: now)
        }
        timeReached(now)
        return generation == before ? .recorded : .changed(state)
    }

    private mutating func judge(_ value: Double, isBad: Bool, at now: EngineTime) {
        if isBad {
            goodSinceNanos = nil
            if isOpen || override != nil { return }
            lastTrip = trip(value, now)
            counts.trips += 1
            isOpen = true
            begin(at: now)
        } else if isOpen, policy.isGood(value) {
            goodSinceNanos = goodSinceNanos ?? now.monotonicNanos
        } else {
            goodSinceNanos = nil
        }
    }

    /// What would be done if it did not only count.
    private mutating func judgeShadow(_ value: Double, isBad: Bool, at now: EngineTime) {
        closeShadow(at: now)
        if isBad, !isShadowOpen {
            isShadowOpen = true
            counts.shadowTrips += 1
            lastTrip = trip(value, now)
        }
        shadowGoodSinceNanos =
            isShadowOpen && policy.isGood(value) ? shadowGoodSinceNanos ?? now.monotonicNanos : nil
        closeShadow(at: now)
    }

    private mutating func closeShadow(at now: EngineTime) {
        guard let due = closingNanos(shadowGoodSinceNanos), due <= now.monotonicNanos else {
            return
        }
        isShadowOpen = false
        shadowGoodSinceNanos = nil
    }

    private func trip(_ value: Double, _ now: EngineTime) -> BreakerTrip {
        BreakerTrip(
            rule: .metric, threshold: policy.tripAt, observed: value, calls: 1, failures: 1,
            slowCalls: 0, atMillis: now.wallMillis)
    }

    /// Does what is due: an override ends, the value has been good long enough.
    ///
    /// - Returns: whether the state is another one now.
    @discardableResult
    public mutating func timeReached(_ now: EngineTime) -> Bool {
        let before = generation
        if let until = override?.untilMillis, until <= now.wallMillis { endOverride(at: now) }
        if override == nil, isOpen, let due = closingNanos(goodSinceNanos),
            due <= now.monotonicNanos
        {
            isOpen = false
            goodSinceNanos = nil
            begin(at: now)
        }
        return generation != before
    }

    /// When ``timeReached(_:)`` has something to do, as a monotonic instant; `nil`: never.
    public func nextDeadlineNanos(at now: EngineTime) -> Int64? {
        if let override { return override.untilMillis.map { now.nanos(atWallMillis: $0) } }
        return isOpen ? closingNanos(goodSinceNanos) : nil
    }

    /// When one closes whose value has been good since; `nil`: it has not, or somebody must close it.
    private func closingNanos(_ goodSinceNanos: Int64?) -> Int64? {
        guard policy.recovery == .automatic, let goodSinceNanos else { return nil }
        return EngineTime(monotonicNanos: goodSinceNanos, wallMillis: 0)
            .nanos(inMillis: policy.holdMillis)
    }

    // MARK: People

    /// Lays an override over the state, in place of one that may be there.
    public mutating func forced(_ new: BreakerOverride, at now: EngineTime) {
        override = new
        begin(at: now)
    }

    /// Ends an override, if there is one; the breaker goes on from where it was.
    public mutating func endOverride(at now: EngineTime) {
        if override == nil { return }
        override = nil
        begin(at: now)
    }

    /// Closes it, whatever it is. The next bad value opens it again.
    public mutating func reset(at now: EngineTime) {
        override = nil
        isOpen = false
        goodSinceNanos = nil
        begin(at: now)
    }

    /// Gives it another policy. The state stays until the next value.
    public mutating func reconfigure(_ new: MetricPolicy, at now: EngineTime) {
        policy = new
        goodSinceNanos = nil
        shadowGoodSinceNanos = nil
        generation &+= 1
    }

    private mutating func begin(at now: EngineTime) {
        generation &+= 1
        changedMillis = now.wallMillis
        isShadowOpen = false
        shadowGoodSinceNanos = nil
    }

    // MARK: Restart

    /// What to store of it.
    public var stored: StoredMetricBreaker {
        StoredMetricBreaker(
            isOpen: isOpen, generation: generation, override: override, lastTrip: lastTrip,
            lastValue: lastValue, counts: counts, changedMillis: changedMillis)
    }

    /// The breaker that an earlier process left. An open one whose value was good holds it for its
    /// time anew.
    public init(_ policy: MetricPolicy, stored: StoredMetricBreaker, at now: EngineTime) {
        self.init(policy, at: now)
        isOpen = stored.isOpen
        generation = stored.generation &+ 1
        override = stored.override
        lastTrip = stored.lastTrip
        lastValue = stored.lastValue
        if isOpen, let lastValue, policy.isGood(lastValue) { goodSinceNanos = now.monotonicNanos }
        counts = stored.counts
        changedMillis = stored.changedMillis
    }
}

/// What of a metric breaker outlives its process.
public struct StoredMetricBreaker: Sendable, Hashable {
    /// The version that this build writes; it reads 1 up to this.
    public static let version: UInt8 = 1

    var isOpen: Bool
    var generation: UInt32
    var override: BreakerOverride?
    var lastTrip: BreakerTrip?
    var lastValue: Double?
    var counts: BreakerCounts
    var changedMillis: Int64
}

extension StoredMetricBreaker {
    func write(to writer: inout ByteWriter) {
        writer.byte(Self.version)
        writer.bool(isOpen)
        writer.unsigned(UInt64(generation))
        writer.optional(override) { $1.write(to: &$0) }
        writer.optional(lastTrip) { $1.write(to: &$0) }
        writer.optional(lastValue) { $0.double($1) }
        counts.write(to: &writer)
        writer.signed(changedMillis)
    }

    init(from reader: inout ByteReader) throws(CodecError) {
        _ = try reader.version(newest: Self.version)
        isOpen = try reader.bool()
        generation = UInt32(truncatingIfNeeded: try reader.unsigned())
        override = try reader.optional { reader throws(CodecError) in
            try BreakerOverride(from: &reader)
        }
        lastTrip = try reader.optional { reader throws(CodecError) in
            try BreakerTrip(from: &reader)
        }
        lastValue = try reader.optionalDouble()
        counts = try BreakerCounts(from: &reader)
        changedMillis = try reader.signed()
    }
}
