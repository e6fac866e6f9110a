/// A breaker of either kind behind one face, with its definition.
///
/// Both kinds stand side by side rather than in an enum, so that calls reach them in place.
public struct GuardingBreaker: Sendable {
    /// What was put.
    public private(set) var definition: BreakerDefinition
    private var calls: Breaker?
    private var metric: MetricBreaker?

    /// A closed breaker. The definition must have no faults.
    public init(_ definition: BreakerDefinition, at now: EngineTime) {
        self.definition = definition
        switch definition.rules {
        case .calls(let policy): calls = Breaker(policy, at: now)
        case .metric(let policy): metric = MetricBreaker(policy, at: now)
        }
    }

    /// The breaker that an earlier process left, closed where its stored state is of another kind.
    init(
        _ definition: BreakerDefinition, calls: StoredBreaker?, metric: StoredMetricBreaker?,
        at now: EngineTime
    ) {
        self.definition = definition
        switch definition.rules {
        case .calls(let policy):
            self.calls =
                calls.map { Breaker(policy, stored: $0, at: now) } ?? Breaker(policy, at: now)
        case .metric(let policy):
            self.metric =
                metric.map { MetricBreaker(policy, stored: $0, at: now) }
                ?? MetricBreaker(policy, at: now)
        }
    }

    /// What to store of it now.
    func stored(at now: EngineTime) -> (calls: StoredBreaker?, metric: StoredMetricBreaker?) {
        (calls?.stored(at: now), metric?.stored)
    }

    /// What it does with calls.
    public var state: BreakerState { calls?.state ?? metric?.state ?? .closed }
    /// Grows with each change of state.
    public var generation: UInt32 { calls?.generation ?? metric?.generation ?? 0 }
    /// What is forced, if anything.
    public var override: BreakerOverride? { calls?.override ?? metric?.override }
    /// Why it opened the last time.
    public var lastTrip: BreakerTrip? { calls?.lastTrip ?? metric?.lastTrip }
    /// What it has seen.
    public var counts: BreakerCounts { calls?.counts ?? metric?.counts ?? BreakerCounts() }
    /// When the state last changed, milliseconds since 1970.
    public var changedMillis: Int64 { calls?.changedMillis ?? metric?.changedMillis ?? 0 }
    /// The value reported last, of a metric breaker.
    public var lastValue: Double? { metric?.lastValue }
    /// Whether it is a metric breaker that is open and whose value is good by now.
    public var isRecovering: Bool { metric?.isRecovering ?? false }
    /// Whether it looks at a value instead of calls.
    public var isMetric: Bool { metric != nil }

    /// Asks for leave to make one call.
    public mutating func permit(at now: EngineTime) -> PermitDecision {
        if calls != nil { return calls!.permit(at: now) }
        return metric!.permit(at: now)
    }

    /// Whether the state that gave a permit goes on, and a probe's time is not over.
    public func isGood(_ permit: BreakerPermit, at now: EngineTime) -> Bool {
        calls?.isGood(permit, at: now) ?? (permit.generation == generation)
    }

    /// Whether it is half-open and would let another probe go.
    public var hasProbe: Bool { calls?.hasProbe ?? false }

    /// Says how a permitted call went. A metric breaker does not look at it.
    public mutating func reported(
        _ permit: BreakerPermit, _ verdict: CallVerdict, durationNanos: Int64, at now: EngineTime,
        random: UInt64
    ) -> ReportOutcome {
        calls?.reported(permit, verdict, durationNanos: durationNanos, at: now, random: random)
            ?? .recorded
    }

    /// Takes a value. A breaker on calls does not look at it.
    public mutating func reported(_ value: Double, at now: EngineTime) -> ReportOutcome {
        metric?.reported(value, at: now) ?? .recorded
    }

    /// Does what is due; whether the state is another one now.
    @discardableResult
    public mutating func timeReached(_ now: EngineTime) -> Bool {
        calls?.timeReached(now) ?? metric?.timeReached(now) ?? false
    }

    /// When ``timeReached(_:)`` has something to do; `nil`: never by itself.
    public func nextDeadlineNanos(at now: EngineTime) -> Int64? {
        if let calls { return calls.nextDeadlineNanos(at: now) }
        return metric?.nextDeadlineNanos(at: now)
    }

    /// The numbers that it decides by; none for a metric breaker.
    public mutating func windowNow(at now: EngineTime) -> BreakerWindowView? {
        calls?.windowNow(at: now)
    }

    /// Lays an override over the state.
    public mutating func forced(_ new: BreakerOverride, at now: EngineTime) {
        calls?.forced(new, at: now)
        metric?.forced(new, at: now)
    }

    /// Ends an override.
    public mutating func endOverride(at now: EngineTime) {
        calls?.endOverride(at: now)
        metric?.endOverride(at: now)
    }

    /// Closes it, whatever it is.
    public mutating func reset(at now: EngineTime) {
        calls?.reset(at: now)
        metric?.reset(at: now)
    }

    /// Takes another definition of the same name. One of the other kind begins closed, under what is
    /// forced.
    public mutating func reconfigure(_ new: BreakerDefinition, at now: EngineTime) {
        switch new.rules {
        case .calls(let policy):
            if let metric { calls = Breaker(policy, after: metric, at: now) }
            calls?.reconfigure(policy, at: now)
            metric = nil
        case .metric(let policy):
            if let calls { metric = MetricBreaker(policy, after: calls, at: now) }
            metric?.reconfigure(policy, at: now)
            calls = nil
        }
        definition = new
    }
}
