/// What a breaker does with calls now. The numbers are fixed for ever: dashboards, alerts and
/// stored rows use them.
///
/// The first three follow each other by what calls report: closed becomes open, open becomes
/// half-open, half-open becomes closed or open. The last three are set by people and lie over
/// those.
public enum BreakerState: UInt8, Sendable, Hashable, CaseIterable {
    /// Calls pass and are counted.
    case closed = 0
    /// Calls are refused until the open time has passed.
    case open = 1
    /// A few calls pass as probes; their verdicts decide.
    case halfOpen = 2
    /// Somebody refuses all calls.
    case forcedOpen = 3
    /// Somebody lets all calls pass; nothing is counted.
    case disabled = 4
    /// Somebody lets all calls pass; they are counted, and what would have tripped is noted.
    case metricsOnly = 5

    /// Whether the breaker is one of those that the operating mode looks at. A half-open one still
    /// is: what it guards has not yet shown that it works.
    public var isTripped: Bool {
        switch self {
        case .open, .halfOpen, .forcedOpen: true
        case .closed, .disabled, .metricsOnly: false
        }
    }
}

/// How much it matters to the whole system that a breaker is open.
public enum BreakerSeverity: UInt8, Sendable, Hashable, CaseIterable {
    /// Neither of these ever changes the operating mode.
    case low = 1
    case medium = 2
    /// Two open at once degrade the system.
    case high = 3
    /// One open is an emergency.
    case critical = 4
}

/// A person's decision that lies over what a breaker would do by itself. When it ends, the breaker
/// goes on from where it was.
public struct BreakerOverride: Sendable, Hashable {
    /// What can be forced.
    public enum Kind: UInt8, Sendable, Hashable {
        case forcedOpen = 3
        case disabled = 4
        case metricsOnly = 5
    }

    /// What happens to calls.
    public var kind: Kind
    /// Why, in the person's words.
    public var reason: String
    /// Who did it.
    public var actor: String
    /// When it began, milliseconds since 1970.
    public var sinceMillis: Int64
    /// When it ends, milliseconds since 1970; `nil`: when somebody ends it.
    public var untilMillis: Int64?

    /// Combines the parts.
    public init(
        kind: Kind, reason: String, actor: String, sinceMillis: Int64, untilMillis: Int64?
    ) {
        self.kind = kind
        self.reason = reason
        self.actor = actor
        self.sinceMillis = sinceMillis
        self.untilMillis = untilMillis
    }

    /// The state that it makes.
    public var state: BreakerState {
        switch kind {
        case .forcedOpen: .forcedOpen
        case .disabled: .disabled
        case .metricsOnly: .metricsOnly
        }
    }
}

/// Why a breaker tripped: the rule, its threshold, and the window as it stood.
public struct BreakerTrip: Sendable, Hashable {
    /// What was broken.
    public enum Rule: UInt8, Sendable, Hashable {
        /// Failed calls of all calls, 0 to 1.
        case failureRate = 1
        /// Slow calls of all calls, 0 to 1.
        case slowCallRate = 2
        /// Failed calls in the window.
        case failureCount = 3
        /// Failed probes while half-open.
        case probeFailures = 4
        /// A reported value.
        case metric = 5
    }

    /// Which rule was broken.
    public var rule: Rule
    /// What the policy allows; reached or passed.
    public var threshold: Double
    /// What was seen.
    public var observed: Double
    /// The calls in the window, or the verdicts of the probes.
    public var calls: Int
    /// The failed and the slow ones among them.
    public var failures: Int
    public var slowCalls: Int
    /// When, milliseconds since 1970.
    public var atMillis: Int64

    /// Combines the parts.
    public init(
        rule: Rule, threshold: Double, observed: Double, calls: Int, failures: Int,
        slowCalls: Int, atMillis: Int64
    ) {
        self.rule = rule
        self.threshold = threshold
        self.observed = observed
        self.calls = calls
        self.failures = failures
        self.slowCalls = slowCalls
        self.atMillis = atMillis
    }
}

/// What a breaker has counted since it was made. Kept over restarts only as far as it was saved.
public struct BreakerCounts: Sendable, Hashable {
    /// Reported calls by verdict.
    public var successes: Int64 = 0
    public var failures: Int64 = 0
    public var excluded: Int64 = 0
    /// Successes and failures that took too long.
    public var slow: Int64 = 0
    /// Calls refused.
    public var notPermitted: Int64 = 0
    /// Reports under a permit of an earlier state, dropped.
    public var late: Int64 = 0
    /// Probes whose permit went back because nothing was heard of them in time.
    public var expired: Int64 = 0
    /// How often it opened, and how often it would have under ``BreakerState/metricsOnly``.
    public var trips: Int64 = 0
    public var shadowTrips: Int64 = 0

    /// Nothing counted.
    public init() {}

    /// What has come since `before`.
    public func since(_ before: BreakerCounts) -> BreakerCounts {
        var difference = BreakerCounts()
        difference.successes = successes - before.successes
        difference.failures = failures - before.failures
        difference.excluded = excluded - before.excluded
        difference.slow = slow - before.slow
        difference.notPermitted = notPermitted - before.notPermitted
        difference.late = late - before.late
        difference.expired = expired - before.expired
        difference.trips = trips - before.trips
        difference.shadowTrips = shadowTrips - before.shadowTrips
        return difference
    }
}
