/// How a call went, on its way to the breaker that let it go.
public struct CallReport: Sendable, Hashable {
    /// The leave under which it went.
    public var permit: BreakerPermit
    /// How it went.
    public var verdict: CallVerdict
    /// How long it took.
    public var durationNanos: Int64

    /// Combines the parts.
    public init(permit: BreakerPermit, verdict: CallVerdict, durationNanos: Int64) {
        self.permit = permit
        self.verdict = verdict
        self.durationNanos = durationNanos
    }
}

/// What a copy of a breaker must know of it.
public struct BreakerSight: Sendable, Hashable {
    /// What it does with calls.
    public var state: BreakerState
    /// Goes into permits.
    public var generation: UInt32
    /// While it refuses: when asking again may help; monotonic, `.max`: not by itself.
    public var untilNanos: Int64

    /// Combines the parts.
    public init(state: BreakerState, generation: UInt32, untilNanos: Int64) {
        self.state = state
        self.generation = generation
        self.untilNanos = untilNanos
    }
}

/// How a copy of a breaker reaches the engine that owns it. `cadre` implements it.
public protocol BreakerLink: Sendable {
    /// Asks the breaker itself. `nil`: there is no such breaker (any more), so nothing refuses.
    ///
    /// Must not block; `completion` may run on any thread.
    func permit(
        _ breaker: String, completion: @escaping @Sendable (PermitDecision?) -> Void)

    /// Hands on how calls went. Must not block.
    func report(_ breaker: String, _ reports: [CallReport])

    /// Calls `refresh` with the breaker as it is, then with each change; `nil` while there is none.
    ///
    /// Two threads may tell at once. The number beside the sight grows with each change: a sight
    /// whose number is lower than one seen before is old.
    ///
    /// - Returns: what ends it.
    func follow(
        _ breaker: String, refresh: @escaping @Sendable (BreakerSight?, UInt64) -> Void
    ) -> UInt64

    /// Refreshes no more.
    func unfollow(_ breaker: String, _ number: UInt64)
}
