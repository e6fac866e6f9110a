/// The leave to make one call. It belongs to the state that gave it: a report that comes when that
/// state is over is dropped.
public struct BreakerPermit: Sendable, Hashable {
    /// The generation in the upper half, the number of the probe in the lower; 0: not a probe.
    public let rawValue: UInt64

    /// Wraps a number that a breaker gave out.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    init(generation: UInt32, probe: UInt32) {
        rawValue = UInt64(generation) << 32 | UInt64(probe)
    }

    /// Whether it is one of the few of a half-open phase: it must be reported or released.
    public var isProbe: Bool { probe != 0 }

    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 32) }
    var probe: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
}

/// What a breaker says to somebody who wants to call.
public enum PermitDecision: Sendable, Hashable {
    /// Go, and report.
    case granted(BreakerPermit)
    /// Do not go.
    case refused(BreakerRefusal)
}

/// Why a call may not go.
public struct BreakerRefusal: Sendable, Hashable {
    /// The state that refuses.
    public var state: BreakerState
    /// When asking again may help, nanoseconds from now; `nil`: not by itself.
    public var retryAfterNanos: Int64?

    /// Combines the parts.
    public init(state: BreakerState, retryAfterNanos: Int64?) {
        self.state = state
        self.retryAfterNanos = retryAfterNanos
    }

    /// The same in milliseconds, rounded up, at least 1.
    public var retryAfterMillis: Int64? {
        retryAfterNanos.map { max(1, ($0 - 1) / 1_000_000 + 1) }
    }
}

/// How a call went, for its breaker.
public enum CallVerdict: UInt8, Sendable, Hashable, CaseIterable {
    case success = 1
    case failure = 2
    /// Says nothing about what was called, such as a call that its own caller cancelled. A probe's
    /// permit goes back.
    case excluded = 3
}

/// What became of a report.
public enum ReportOutcome: Sendable, Hashable {
    case recorded
    /// The state that gave the permit is over, or the probe was reported or given up already.
    case late
    /// Recorded, and the breaker is in another state now.
    case changed(BreakerState)
}
