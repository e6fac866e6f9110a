/// A circuit breaker as a pure machine: it is asked before a call and told how the call went.
///
///     closed ── a rule is broken ──> open ── open time over, and not latched ──> half-open
///       ^                              ^                                            │
///       └── enough probes went well ───┼────────────────────────────────────────────┤
///                                      └── enough can no longer go well ────────────┘
///
/// Each change of state begins a new *generation*. A permit carries the generation that gave it
/// and counts only in that one, so that a slow call of yesterday's storm cannot open a breaker
/// that has closed since. A ``BreakerOverride`` lies over the state; when it ends, the breaker goes
/// on from where it was.
///
/// The half-open phase cannot stick: a probe without a verdict gives its permit back, by release or
/// at its deadline, and another may go. Each open time in a row is longer than the one before; a
/// time closed in peace makes the next one shorter again.
///
/// Asking and telling are O(1) and allocate nothing while closed or open. Calls of the same breaker
/// must not overlap.
public struct Breaker: Sendable {
    /// When it opens and closes.
    public private(set) var policy: BreakerPolicy
    /// Grows with each change of state.
    public private(set) var generation: UInt32 = 1
    /// What is forced, if anything.
    public private(set) var override: BreakerOverride?
    /// Why it opened the last time.
    public private(set) var lastTrip: BreakerTrip?
    /// What it has seen.
    public private(set) var counts = BreakerCounts()
    /// When ``state`` last changed, milliseconds since 1970.
    public private(set) var changedMillis: Int64
    /// Openings in a row, less what was forgotten since.
    public private(set) var streak = 0

    enum Phase: UInt8 { case closed, open, halfOpen }

    private(set) var phase = Phase.closed
    /// While open: when probes may go; `.max`: never by itself. While closed: when that began.
    private(set) var sinceOrUntilNanos: Int64
    private var window: CallWindow
    private var probes: ProbeSet
    private var probeSuccesses = 0
    private var probeFailures = 0
    private var slowNanos: Int64

    /// A closed breaker. The policy must have no ``BreakerPolicy/faults``.
    public init(_ policy: BreakerPolicy, at now: EngineTime) {
        self.policy = policy
        window = CallWindow(policy.window)
        probes = ProbeSet(capacity: policy.halfOpenPermits)
        slowNanos = policy.slowCallMillis * 1_000_000
        sinceOrUntilNanos = now.monotonicNanos
        changedMillis = now.wallMillis
    }

    /// A closed breaker in the place of one of the other kind: permits of that one count no more,
    /// and what is forced stays so.
    init(_ policy: BreakerPolicy, after other: MetricBreaker, at now: EngineTime) {
        self.init(policy, at: now)
        generation = other.generation &+ 1
        override = other.override
    }

    /// What it does with calls.
    public var state: BreakerState {
        if let override { return override.state }
        switch phase {
        case .closed: return .closed
        case .open: return .open
        case .halfOpen: return .halfOpen
        }
    }

    // MARK: Calls

    /// Asks for leave to make one call.
    public mutating func permit(at now: EngineTime) -> PermitDecision {
        if phase == .closed, override == nil {
            return .granted(BreakerPermit(generation: generation, probe: 0))
        }
        return permitSlowly(at: now)
    }

    /// Says how a permitted call went.
    ///
    /// - Parameters:
    ///   - durationNanos: how long it took.
    ///   - random: chance for the open time, should it open.
    public mutating func reported(
        _ permit: BreakerPermit, _ verdict: CallVerdict, durationNanos: Int64, at now: EngineTime,
        random: UInt64
    ) -> ReportOutcome {
        guard permit.generation == generation else {
            counts.late += 1
            return .late
        }
        if override?.kind == .disabled { return .recorded }
        if permit.isProbe {
            return probeReported(permit, verdict, durationNanos, at: now, random: random)
        }
        let isSlow = durationNanos >= slowNanos
        count(verdict, isSlow: isSlow)
        if verdict == .excluded { return .recorded }
        let failed = verdict == .failure ? CallWindow.failed : 0
        window.record(failed | (isSlow ? CallWindow.slow : 0), atNanos: now.monotonicNanos)
        guard let trip = brokenRule(at: now) else { return .recorded }
        return tripped(trip, at: now, random: random)
    }

    /// Whether the state that gave a permit goes on, and a probe's time is not over.
    public func isGood(_ permit: BreakerPermit, at now: EngineTime) -> Bool {
        guard permit.generation == generation else { return false }
        return !permit.isProbe || probes.isOut(permit.probe, atNanos: now.monotonicNanos)
    }

    /// Whether it is half-open and would let another probe go.
    public var hasProbe: Bool { state == .halfOpen && probesTaken < policy.halfOpenPermits }

    /// Gives a permit back without a verdict.
    public mutating func released(_ permit: BreakerPermit, at now: EngineTime) -> ReportOutcome {
        reported(permit, .excluded, durationNanos: 0, at: now, random: 0)
    }

    // MARK: Time

    /// Does what is due: an override ends, an open time is over, probes are given up.
    ///
    /// - Returns: whether the state is another one now.
    @discardableResult
    public mutating func timeReached(_ now: EngineTime) -> Bool {
        let before = generation
        if let until = override?.untilMillis, until <= now.wallMillis { endOverride(at: now) }
        if override != nil { return generation != before }
        if phase == .open, sinceOrUntilNanos <= now.monotonicNanos { enter(.halfOpen, at: now) }
        if phase == .halfOpen { takeBackOverdue(at: now) }
        return generation != before
    }

    /// When ``timeReached(_:)`` changes the state, as a monotonic instant; `nil`: never by itself.
    public func nextDeadlineNanos(at now: EngineTime) -> Int64? {
        if let override {
            return override.untilMillis.map { now.nanos(atWallMillis: $0) }
        }
        switch phase {
        case .closed: return nil
        case .open: return sinceOrUntilNanos == .max ? nil : sinceOrUntilNanos
        case .halfOpen: return nil
        }
    }

    /// The calls in the window now, and the probes whose time is not over. Those whose time is count
    /// as expired from then on.
    public mutating func windowNow(at now: EngineTime) -> BreakerWindowView {
        window.advance(toNanos: now.monotonicNanos)
        takeBackOverdue(at: now)
        let total = window.total
        return BreakerWindowView(
            calls: Int(total.calls), failures: Int(total.failures), slowCalls: Int(total.slow),
            permitsOut: probes.count, probeSuccesses: probeSuccesses, probeFailures: probeFailures)
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

    /// Closes it, whatever it is, and forgets window, streak and override.
    public mutating func reset(at now: EngineTime) {
        override = nil
        streak = 0
        enter(.closed, at: now)
    }

    /// Gives it another policy. The state stays, the window begins anew. An open time that runs
    /// goes on; a latch that is no more becomes an open time of the new policy, and the reverse.
    public mutating func reconfigure(_ new: BreakerPolicy, at now: EngineTime) {
        let wasLatched = phase == .open && sinceOrUntilNanos == .max
        policy = new
        window = CallWindow(new.window)
        slowNanos = new.slowCallMillis * 1_000_000
        probes = ProbeSet(capacity: new.halfOpenPermits)
        generation &+= 1
        probeSuccesses = 0
        probeFailures = 0
        guard phase == .open, wasLatched != (new.recovery == .latched) else { return }
        sinceOrUntilNanos = wasLatched ? now.nanos(inMillis: new.openMillis) : .max
    }

    // MARK: Restart

    /// Puts it where an earlier process left it. Permits of that process are not taken any more.
    mutating func resume(_ stored: StoredBreaker, at now: EngineTime) {
        phase = stored.phase
        generation = stored.generation &+ 1
        override = stored.override
        lastTrip = stored.lastTrip
        counts = stored.counts
        changedMillis = stored.changedMillis
        streak = stored.streak
        switch phase {
        case .closed, .halfOpen: sinceOrUntilNanos = now.monotonicNanos
        case .open:
            sinceOrUntilNanos = stored.untilMillis.map { now.nanos(atWallMillis: $0) } ?? .max
        }
    }

    // MARK: Private

    private mutating func permitSlowly(at now: EngineTime) -> PermitDecision {
        timeReached(now)
        switch state {
        case .closed, .disabled, .metricsOnly:
            return .granted(BreakerPermit(generation: generation, probe: 0))
        case .forcedOpen:
            counts.notPermitted += 1
            let wait = override?.untilMillis.map {
                now.nanos(atWallMillis: $0) - now.monotonicNanos
            }
            return .refused(BreakerRefusal(state: .forcedOpen, retryAfterNanos: wait))
        case .open:
            counts.notPermitted += 1
            let wait = sinceOrUntilNanos == .max ? nil : sinceOrUntilNanos - now.monotonicNanos
            return .refused(BreakerRefusal(state: .open, retryAfterNanos: wait))
        case .halfOpen: return probePermit(at: now)
        }
    }

    /// Probes that are out or have a verdict.
    private var probesTaken: Int { probes.count + probeSuccesses + probeFailures }

    private mutating func probePermit(at now: EngineTime) -> PermitDecision {
        if probesTaken < policy.halfOpenPermits {
            let serial = probes.give(untilNanos: now.nanos(inMillis: policy.permitMillis))
            return .granted(BreakerPermit(generation: generation, probe: serial))
        }
        counts.notPermitted += 1
        let wait = probes.firstDeadlineNanos.map { max(1, $0 - now.monotonicNanos) }
        return .refused(BreakerRefusal(state: .halfOpen, retryAfterNanos: wait))
    }

    private mutating func probeReported(
        _ permit: BreakerPermit, _ verdict: CallVerdict, _ durationNanos: Int64,
        at now: EngineTime, random: UInt64
    ) -> ReportOutcome {
        // The deadlines first: whether a late verdict counts must not depend on who looked before.
        takeBackOverdue(at: now)
        guard probes.takeBack(permit.probe) else {
            counts.late += 1
            return .late
        }
        let isSlow = durationNanos >= slowNanos
        count(verdict, isSlow: isSlow)
        switch verdict {
        case .excluded: return .recorded
        case .failure: probeFailures += 1
        case .success where isSlow && policy.slowCallRate != nil: probeFailures += 1
        case .success: probeSuccesses += 1
        }
        if probeSuccesses >= policy.successesToClose {
            enter(.closed, at: now)
            return .changed(.closed)
        }
        let mayFail = policy.halfOpenPermits - policy.successesToClose
        if probeFailures <= mayFail { return .recorded }
        return open(
            BreakerTrip(
                rule: .probeFailures, threshold: Double(mayFail + 1),
                observed: Double(probeFailures), calls: probeSuccesses + probeFailures,
                failures: probeFailures, slowCalls: 0, atMillis: now.wallMillis),
            at: now, random: random)
    }

    private mutating func takeBackOverdue(at now: EngineTime) {
        counts.expired += Int64(probes.takeBackOverdue(atNanos: now.monotonicNanos))
    }

    private mutating func count(_ verdict: CallVerdict, isSlow: Bool) {
        switch verdict {
        case .success: counts.successes += 1
        case .failure: counts.failures += 1
        case .excluded:
            counts.excluded += 1
            return
        }
        if isSlow { counts.slow += 1 }
    }

    /// The first rule that the window breaks.
    private func brokenRule(at now: EngineTime) -> BreakerTrip? {
        let total = window.total
        if let limit = policy.failureCount, Int(total.failures) >= limit {
            return trip(.failureCount, Double(limit), Double(total.failures), now)
        }
        if Int(total.calls) < policy.minimumCalls { return nil }
        let calls = Double(total.calls)
        if let rate = policy.failureRate, Double(total.failures) >= rate * calls {
            return trip(.failureRate, rate, Double(total.failures) / calls, now)
        }
        if let rate = policy.slowCallRate, Double(total.slow) >= rate * calls {
            return trip(.slowCallRate, rate, Double(total.slow) / calls, now)
        }
        return nil
    }

    private func trip(
        _ rule: BreakerTrip.Rule, _ threshold: Double, _ observed: Double, _ now: EngineTime
    ) -> BreakerTrip {
        let total = window.total
        return BreakerTrip(
            rule: rule, threshold: threshold, observed: observed, calls: Int(total.calls),
            failures: Int(total.failures), slowCalls: Int(total.slow), atMillis: now.wallMillis)
    }

    /// A rule is broken; under an override that lets calls pass it is only noted.
    private mutating func tripped(
        _ trip: BreakerTrip, at now: EngineTime, random: UInt64
    ) -> ReportOutcome {
        guard override == nil else {
            counts.shadowTrips += 1
            lastTrip = trip
            window.clear()
            return .recorded
        }
        // Peace forgets: one step for each decay time closed.
        let peace =
            max(0, now.monotonicNanos - sinceOrUntilNanos) / (policy.decayMillis * 1_000_000)
        streak = max(0, streak - Int(clamping: peace))
        return open(trip, at: now, random: random)
    }

    private mutating func open(
        _ trip: BreakerTrip, at now: EngineTime, random: UInt64
    ) -> ReportOutcome {
        lastTrip = trip
        counts.trips += 1
        streak += 1
        enter(.open, at: now)
        if policy.recovery == .automatic {
            let millis = policy.openMillis(times: streak, random: random)
            sinceOrUntilNanos = now.nanos(inMillis: millis)
        }
        return .changed(.open)
    }

    private mutating func enter(_ new: Phase, at now: EngineTime) {
        phase = new
        sinceOrUntilNanos = new == .open ? .max : now.monotonicNanos
        begin(at: now)
    }

    /// A new generation begins: nothing of the old one counts.
    private mutating func begin(at now: EngineTime) {
        generation &+= 1
        changedMillis = now.wallMillis
        window.clear()
        probes.clear()
        probeSuccesses = 0
        probeFailures = 0
    }
}

/// The numbers that a breaker decides by, at one moment.
public struct BreakerWindowView: Sendable, Hashable {
    /// Calls in the window, and the failed and slow ones among them.
    public var calls: Int
    public var failures: Int
    public var slowCalls: Int
    /// Half-open: permits without a verdict yet, and the verdicts so far.
    public var permitsOut: Int
    public var probeSuccesses: Int
    public var probeFailures: Int
}
