/// When a breaker opens, how long it stays open, and what closes it.
public struct BreakerPolicy: Sendable, Hashable {
    /// The last calls that the rules look at.
    public enum Window: Sendable, Hashable {
        /// The last so many calls, 1 to 10,000.
        case calls(Int)
        /// The calls of the last so many milliseconds, 1,000 to 3,600,000, kept in 32 parts: the
        /// oldest part leaves whole.
        case millis(Int64)
    }

    /// Whether an open breaker tries again by itself.
    public enum Recovery: UInt8, Sendable, Hashable {
        /// Half-open when the open time has passed.
        case automatic = 1
        /// Open until somebody resets it.
        case latched = 2
    }

    /// Default: the last 100 calls.
    public var window: Window
    /// The rates mean nothing before this many calls are in the window, 1 to the window's length.
    /// Default 20. The absolute count does not ask for it.
    public var minimumCalls: Int
    /// Opens when at least this share of the calls failed, over 0 to 1; `nil`: no such rule.
    public var failureRate: Double?
    /// Opens when at least this share of the calls was slow, over 0 to 1; `nil`: no such rule.
    public var slowCallRate: Double?
    /// From how long on a call is slow, milliseconds. Default 60,000.
    public var slowCallMillis: Int64
    /// Opens when this many calls failed, 1 to 10,000; `nil`: no such rule.
    public var failureCount: Int?
    /// Probes of one half-open phase, 1 to 100. Default 5.
    public var halfOpenPermits: Int
    /// Probes that must go well to close, 1 to ``halfOpenPermits``. Default 3. As soon as they no
    /// longer can, the breaker opens again.
    public var successesToClose: Int
    /// How long a probe holds its permit without a verdict, milliseconds. Default 60,000.
    public var permitMillis: Int64
    /// The first open time, milliseconds. Default 5,000.
    public var openMillis: Int64
    /// What each further open time is multiplied by, 1 to 10. Default 2.
    public var openFactor: Double
    /// The longest open time, milliseconds. Default 300,000.
    public var maxOpenMillis: Int64
    /// The share of an open time that chance may take off, 0 to 1. Default 0.2.
    public var openJitter: Double
    /// Closed for this long, one multiplication is forgotten, milliseconds. Default 60,000.
    public var decayMillis: Int64
    /// Default medium.
    public var severity: BreakerSeverity
    /// Default automatic.
    public var recovery: Recovery

    /// Half of at least 20 of the last 100 calls failed; then 5 s open, doubling up to 300 s.
    public static let defaults = BreakerPolicy()

    /// Combines the parts; see each for its default.
    public init(
        window: Window = .calls(100), minimumCalls: Int = 20, failureRate: Double? = 0.5,
        slowCallRate: Double? = nil, slowCallMillis: Int64 = 60_000, failureCount: Int? = nil,
        halfOpenPermits: Int = 5, successesToClose: Int = 3, permitMillis: Int64 = 60_000,
        openMillis: Int64 = 5_000, openFactor: Double = 2, maxOpenMillis: Int64 = 300_000,
        openJitter: Double = 0.2, decayMillis: Int64 = 60_000,
        severity: BreakerSeverity = .medium, recovery: Recovery = .automatic
    ) {
        self.window = window
        self.minimumCalls = minimumCalls
        self.failureRate = failureRate
        self.slowCallRate = slowCallRate
        self.slowCallMillis = slowCallMillis
        self.failureCount = failureCount
        self.halfOpenPermits = halfOpenPermits
        self.successesToClose = successesToClose
        self.permitMillis = permitMillis
        self.openMillis = openMillis
        self.openFactor = openFactor
        self.maxOpenMillis = maxOpenMillis
        self.openJitter = openJitter
        self.decayMillis = decayMillis
        self.severity = severity
        self.recovery = recovery
    }

    /// How long the breaker stays open the `times`-th time in a row, milliseconds.
    func openMillis(times: Int, random: UInt64) -> Int64 {
        Backoff(
            initialMillis: openMillis, factor: openFactor, maxMillis: maxOpenMillis,
            jitter: openJitter
        ).delayMillis(times: times, random: random)
    }

    /// Whether a breaker can work by it at all: what is asked of one that is stored. It was taken by
    /// the build that wrote it, whose ranges need not be those of ``faults``.
    var isWorkable: Bool {
        let decade: Int64 = 3_660 * 86_400_000
        let times = [slowCallMillis, permitMillis, openMillis, maxOpenMillis, decayMillis]
        let isWindowWorkable =
            switch window {
            case .calls(let count): (1...1_000_000).contains(count)
            case .millis(let millis): (1...decade).contains(millis)
            }
        return isWindowWorkable && times.allSatisfy { (1...decade).contains($0) }
            && (1...10_000).contains(halfOpenPermits)
            && (1...halfOpenPermits).contains(successesToClose)
            && openFactor >= 1 && openFactor.isFinite && (0...1).contains(openJitter)
    }

    /// Everything that is wrong with it; fields are named as in the API.
    public var faults: [FieldFault] {
        var check = RangeCheck()
        switch window {
        case .calls(let count): check.range("window_calls", count, 1...10_000)
        case .millis(let millis): check.millis("window_millis", millis, 1_000...3_600_000)
        }
        let longest =
            if case .calls(let count) = window { min(max(count, 1), 10_000) } else { 10_000 }
        check.range("minimum_calls", minimumCalls, 1...longest)
        check.share("failure_rate", failureRate)
        check.share("slow_call_rate", slowCallRate)
        check.millis("slow_call_millis", slowCallMillis, 1...86_400_000)
        if let failureCount { check.range("failure_count", failureCount, 1...longest) }
        if failureRate == nil, slowCallRate == nil, failureCount == nil {
            check.fault("failure_rate", "no rule is set; set a rate, a slow-call rate or a count")
        }
        check.range("half_open_permits", halfOpenPermits, 1...100)
        check.range("successes_to_close", successesToClose, 1...min(max(halfOpenPermits, 1), 100))
        check.millis("permit_timeout_millis", permitMillis, 1...86_400_000)
        check.millis("open_time_millis", openMillis, 1...86_400_000)
        check.number("open_factor", openFactor, 1...10)
        check.millis(
            "max_open_time_millis", maxOpenMillis, max(1, min(openMillis, 86_400_000))...86_400_000)
        check.number("open_jitter", openJitter, 0...1)
        check.millis("decay_millis", decayMillis, 1...86_400_000)
        return check.faults
    }
}
