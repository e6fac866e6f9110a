import Coordination
import Testing

@Suite struct BreakerTests {
    static let policy = BreakerPolicy(
        window: .calls(10), minimumCalls: 4, failureRate: 0.5, slowCallRate: 0.75,
        slowCallMillis: 100, halfOpenPermits: 3, successesToClose: 2, permitMillis: 1_000,
        openMillis: 1_000, maxOpenMillis: 8_000, openJitter: 0, decayMillis: 10_000)

    // MARK: Opening

    @Test func `nothing opens before the minimum of calls, and why it opened is told`() {
        var bench = BreakerBench(Self.policy)
        for _ in 0..<3 { #expect(bench.call(.failure) == .recorded) }
        #expect(bench.call(.failure) == .changed(.open))
        #expect(
            bench.breaker.lastTrip
                == BreakerTrip(
                    rule: .failureRate, threshold: 0.5, observed: 1, calls: 4, failures: 4,
                    slowCalls: 0, atMillis: bench.now.wallMillis))
    }

    @Test func `a count of failures opens without the minimum and whatever the rate`() {
        var policy = Self.policy
        policy.failureRate = nil
        policy.slowCallRate = nil
        policy.failureCount = 3
        var bench = BreakerBench(policy)
        bench.call(.failure)
        for _ in 0..<6 { bench.call(.success) }
        bench.call(.failure)
        #expect(bench.call(.failure) == .changed(.open))
        #expect(bench.breaker.lastTrip?.rule == .failureCount)
    }

    @Test func `slow calls open, also when they succeed`() {
        var bench = BreakerBench(Self.policy)
        bench.call(.success, millis: 1)
        for _ in 0..<2 { bench.call(.success, millis: 100) }
        #expect(bench.call(.success, millis: 500) == .changed(.open))
        #expect(bench.breaker.lastTrip?.rule == .slowCallRate)
        #expect(bench.breaker.lastTrip?.slowCalls == 3)
    }

    @Test func `excluded calls are neither good nor bad`() {
        var bench = BreakerBench(Self.policy)
        for _ in 0..<50 { #expect(bench.call(.excluded) == .recorded) }
        for _ in 0..<3 { bench.call(.failure) }
        #expect(bench.breaker.windowNow(at: bench.now).calls == 3)
        #expect(bench.breaker.state == .closed)
    }

    @Test func `a time window forgets what is older`() {
        var policy = Self.policy
        policy.window = .millis(32_000)
        var bench = BreakerBench(policy)
        for _ in 0..<3 { bench.call(.failure) }
        bench.pass(millis: 33_000)
        #expect(bench.call(.failure) == .recorded)
        #expect(bench.breaker.windowNow(at: bench.now).calls == 1)
        bench.pass(millis: 33_000)
        #expect(bench.breaker.windowNow(at: bench.now).calls == 0)
    }

    // MARK: Generations

    @Test func `a late report of an earlier state is dropped`() {
        var bench = BreakerBench(Self.policy)
        guard let old = bench.permit() else { return #expect(Bool(false)) }
        bench.open()
        bench.pass(millis: 1_000)
        bench.call(.success)
        bench.call(.success)
        #expect(bench.breaker.state == .closed)
        for _ in 0..<20 { #expect(bench.report(old, .failure) == .late) }
        #expect(bench.breaker.state == .closed)
        #expect(bench.breaker.windowNow(at: bench.now).calls == 0)
        #expect(bench.breaker.counts.late == 20)
    }

    // MARK: Half-open

    @Test func `open refuses with the time that is left, then k of n good probes close`() {
        var bench = BreakerBench(Self.policy)
        bench.open()
        bench.pass(millis: 400)
        #expect(
            bench.refusal() == BreakerRefusal(state: .open, retryAfterNanos: 600_000_000))
        bench.pass(millis: 600)
        let probes = (0..<3).compactMap { _ in bench.permit() }
        #expect(probes.count == 3)
        #expect(bench.breaker.state == .halfOpen)
        #expect(bench.refusal()?.retryAfterMillis == 1_000)
        bench.report(probes[0], .failure)
        bench.report(probes[1], .success)
        #expect(bench.report(probes[2], .success) == .changed(.closed))
    }

    @Test func `it opens again as soon as the probes can no longer suffice`() {
        var bench = BreakerBench(Self.policy)
        bench.open()
        bench.pass(millis: 1_000)
        #expect(bench.call(.failure) == .recorded)
        #expect(bench.call(.failure) == .changed(.open))
        #expect(bench.breaker.lastTrip?.rule == .probeFailures)
    }

    @Test func `a released permit goes to another probe, a reported one cannot be used twice`() {
        var bench = BreakerBench(Self.policy)
        bench.open()
        bench.pass(millis: 1_000)
        let probes = (0..<3).compactMap { _ in bench.permit() }
        #expect(bench.permit() == nil)
        #expect(bench.breaker.released(probes[0], at: bench.now) == .recorded)
        #expect(bench.permit() != nil)
        #expect(bench.permit() == nil)
        #expect(bench.breaker.released(probes[0], at: bench.now) == .late)
        #expect(bench.report(probes[1], .success) == .recorded)
        #expect(bench.report(probes[1], .success) == .late)
    }

    @Test func `a look finds no probe out whose time is over`() {
        var bench = BreakerBench(Self.policy)
        bench.open()
        bench.pass(millis: 1_000)
        let probe = bench.permit()
        #expect(bench.breaker.windowNow(at: bench.now).permitsOut == 1)
        #expect(probe.map { bench.breaker.isGood($0, at: bench.now) } == true)
        bench.pass(millis: 1_000)
        #expect(probe.map { bench.breaker.isGood($0, at: bench.now) } == false)
        #expect(bench.breaker.windowNow(at: bench.now).permitsOut == 0)
        #expect(bench.breaker.counts.expired == 1)
    }

    @Test func `probes that are never heard of do not leave it half-open for ever`() {
        var bench = BreakerBench(Self.policy)
        bench.open()
        bench.pass(millis: 1_000)
        let lost = (0..<3).compactMap { _ in bench.permit() }
        bench.pass(millis: 999)
        #expect(bench.permit() == nil)
        bench.pass(millis: 1)
        #expect(bench.report(lost[0], .failure) == .late)
        bench.call(.success)
        #expect(bench.call(.success) == .changed(.closed))
        #expect(bench.breaker.counts.expired == 3)
    }

    // MARK: Open times

    @Test func `open times double up to the cap and shrink again in peace`() {
        var bench = BreakerBench(Self.policy)
        var waits: [Int64] = []
        for _ in 0..<5 {
            repeat { bench.call(.failure) } while bench.breaker.state != .open
            waits.append(bench.refusal()?.retryAfterMillis ?? -1)
            bench.pass(millis: waits[waits.count - 1])
        }
        #expect(waits == [1_000, 2_000, 4_000, 8_000, 8_000])
        bench.call(.success)
        bench.call(.success)
        #expect(bench.breaker.state == .closed)
        // Three of five forgotten: the next is the third in a row.
        bench.pass(millis: 30_000)
        while bench.breaker.state != .open { bench.call(.failure) }
        #expect(bench.refusal()?.retryAfterMillis == 4_000)
    }

    @Test func `chance takes off at most the share it may`() {
        var policy = Self.policy
        policy.openJitter = 0.5
        var waits: Set<Int64> = []
        for seed in UInt64(0)..<64 {
            var bench = BreakerBench(policy)
            bench.random = seed &* 0x9e37_79b9_7f4a_7c15
            bench.open()
            waits.insert(bench.refusal()?.retryAfterMillis ?? -1)
        }
        #expect(waits.allSatisfy { (500...1_000).contains($0) })
        #expect(waits.count > 32)
    }

    @Test func `a latched breaker opens only once and waits for a person`() {
        var policy = Self.policy
        policy.recovery = .latched
        var bench = BreakerBench(policy)
        bench.open()
        bench.pass(millis: 1_000_000_000)
        #expect(bench.refusal() == BreakerRefusal(state: .open, retryAfterNanos: nil))
        bench.breaker.reset(at: bench.now)
        #expect(bench.call(.success) == .recorded)
    }

    // MARK: Overrides

    @Test func `forced open ends by itself and the breaker goes on from where it was`() {
        var bench = BreakerBench(Self.policy)
        bench.breaker.forced(Self.override(.forcedOpen, bench.now, 500), at: bench.now)
        #expect(
            bench.refusal() == BreakerRefusal(state: .forcedOpen, retryAfterNanos: 500_000_000))
        bench.pass(millis: 500)
        #expect(bench.call(.success) == .recorded)
        #expect(bench.breaker.state == .closed)
        bench.open()
        bench.breaker.forced(Self.override(.disabled, bench.now, 100), at: bench.now)
        #expect(bench.permit() != nil)
        bench.pass(millis: 100)
        #expect(bench.refusal() == BreakerRefusal(state: .open, retryAfterNanos: 900_000_000))
    }

    @Test func `disabled counts nothing and metrics-only only notes what would have been`() {
        var bench = BreakerBench(Self.policy)
        bench.breaker.forced(Self.override(.disabled, bench.now, nil), at: bench.now)
        for _ in 0..<20 { #expect(bench.call(.failure) == .recorded) }
        #expect(bench.breaker.counts == BreakerCounts())
        bench.breaker.forced(Self.override(.metricsOnly, bench.now, nil), at: bench.now)
        for _ in 0..<8 { #expect(bench.call(.failure) == .recorded) }
        #expect(bench.breaker.counts.shadowTrips == 2)
        #expect(bench.breaker.counts.trips == 0)
        #expect(bench.breaker.state == .metricsOnly)
    }

    static func override(
        _ kind: BreakerOverride.Kind, _ now: EngineTime, _ millis: Int64?
    ) -> BreakerOverride {
        BreakerOverride(
            kind: kind, reason: "drill", actor: "ann", sinceMillis: now.wallMillis,
            untilMillis: millis.map { now.wallMillis + $0 })
    }

    // MARK: Policy

    @Test func `another policy keeps the state, and a latch that goes becomes an open time`() {
        var policy = Self.policy
        policy.recovery = .latched
        var bench = BreakerBench(policy)
        bench.open()
        bench.breaker.reconfigure(Self.policy, at: bench.now)
        #expect(bench.refusal()?.retryAfterMillis == 1_000)
        bench.breaker.reconfigure(policy, at: bench.now)
        #expect(bench.refusal() == BreakerRefusal(state: .open, retryAfterNanos: nil))
    }

    @Test func `rules of another kind leave what is forced, and end the permits`() {
        let now = EngineTime(monotonicNanos: 1, wallMillis: 1)
        let calls = BreakerDefinition(name: "b", rules: .calls(Self.policy))
        let metric = BreakerDefinition(
            name: "b", rules: .metric(MetricPolicy(tripAt: 2, recoverAt: 1)))
        var breaker = GuardingBreaker(calls, at: now)
        guard case .granted(let permit) = breaker.permit(at: now) else {
            Issue.record("a closed breaker refused")
            return
        }
        breaker.forced(Self.override(.forcedOpen, now, nil), at: now)
        for definition in [metric, calls] {
            let before = breaker.generation
            breaker.reconfigure(definition, at: now)
            #expect(breaker.state == .forcedOpen && breaker.override?.actor == "ann")
            #expect(breaker.generation > before)
        }
        breaker.endOverride(at: now)
        #expect(breaker.state == .closed)
        let late = breaker.reported(
            permit, .failure, durationNanos: 1, at: now, random: 0)
        #expect(late == .late)
    }

    @Test func `every fault of a policy is named`() {
        let bad = BreakerPolicy(
            window: .calls(0), minimumCalls: 0, failureRate: 0, slowCallRate: .nan,
            slowCallMillis: 0, failureCount: -1, halfOpenPermits: 0, successesToClose: 2,
            permitMillis: 0, openMillis: 0, openFactor: 0.5, maxOpenMillis: 0, openJitter: 2,
            decayMillis: 0)
        #expect(
            bad.faults.map(\.field) == [
                "window_calls", "minimum_calls", "failure_rate", "slow_call_rate",
                "slow_call_millis",
                "failure_count", "half_open_permits", "successes_to_close", "permit_timeout_millis",
                "open_time_millis", "open_factor", "max_open_time_millis", "open_jitter",
                "decay_millis",
            ])
        var none = BreakerPolicy.defaults
        none.failureRate = nil
        #expect(none.faults.map(\.field) == ["failure_rate"])
    }

    @Test func `state numbers are fixed for dashboards`() {
        let numbers: [BreakerState: UInt8] = [
            .closed: 0, .open: 1, .halfOpen: 2, .forcedOpen: 3, .disabled: 4, .metricsOnly: 5,
        ]
        for state in BreakerState.allCases { #expect(state.rawValue == numbers[state]) }
    }
}
