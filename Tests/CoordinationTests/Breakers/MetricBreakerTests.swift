import Coordination
import Testing

@Suite struct MetricBreakerTests {
    static let start = EngineTime(monotonicNanos: 5_000_000_000, wallMillis: 1_700_000_000_000)

    static func later(_ millis: Int64) -> EngineTime {
        EngineTime(
            monotonicNanos: start.monotonicNanos + millis * 1_000_000,
            wallMillis: start.wallMillis + millis)
    }

    static let policy = MetricPolicy(tripAt: 10, recoverAt: 6, holdMillis: 1_000)

    @Test func `it opens at one value and closes at another, held for a while`() {
        var breaker = MetricBreaker(Self.policy, at: Self.start)
        #expect(breaker.reported(9.9, at: Self.start) == .recorded)
        #expect(breaker.reported(10, at: Self.start) == .changed(.open))
        #expect(breaker.lastTrip?.observed == 10)
        #expect(breaker.lastTrip?.threshold == 10)
        #expect(breaker.reported(7, at: Self.later(1)) == .recorded)
        #expect(breaker.reported(6, at: Self.later(2)) == .recorded)
        #expect(breaker.nextDeadlineNanos(at: Self.later(2)) == Self.later(1_002).monotonicNanos)
        // One look back into the room between the thresholds begins the hold anew.
        #expect(breaker.reported(7, at: Self.later(900)) == .recorded)
        #expect(breaker.reported(5, at: Self.later(901)) == .recorded)
        #expect(breaker.timeReached(Self.later(1_900)) == false)
        #expect(breaker.timeReached(Self.later(1_901)) == true)
        #expect(breaker.state == .closed)
    }

    @Test func `a value that is too low can be the bad one`() {
        let policy = MetricPolicy(direction: .below, tripAt: -5, recoverAt: -2)
        var breaker = MetricBreaker(policy, at: Self.start)
        #expect(breaker.reported(-4.9, at: Self.start) == .recorded)
        #expect(breaker.reported(-5, at: Self.start) == .changed(.open))
        #expect(breaker.reported(-3, at: Self.start) == .recorded)
        #expect(breaker.reported(-2, at: Self.start) == .changed(.closed))
    }

    @Test func `a latched one closes only by a reset`() {
        var policy = Self.policy
        policy.recovery = .latched
        var breaker = MetricBreaker(policy, at: Self.start)
        _ = breaker.reported(11, at: Self.start)
        _ = breaker.reported(0, at: Self.start)
        #expect(breaker.timeReached(Self.later(1_000_000)) == false)
        #expect(
            breaker.permit(at: Self.later(1))
                == .refused(BreakerRefusal(state: .open, retryAfterNanos: nil)))
        breaker.reset(at: Self.later(2))
        #expect(breaker.state == .closed)
    }

    @Test func `what is no number changes nothing`() {
        var breaker = MetricBreaker(Self.policy, at: Self.start)
        #expect(breaker.reported(.nan, at: Self.start) == .late)
        #expect(breaker.reported(.infinity, at: Self.start) == .late)
        #expect(breaker.lastValue == nil)
    }

    @Test func `equal thresholds close at the first value that is not bad`() {
        var breaker = MetricBreaker(MetricPolicy(tripAt: 3, recoverAt: 3), at: Self.start)
        #expect(breaker.reported(3, at: Self.start) == .changed(.open))
        #expect(breaker.reported(3, at: Self.start) == .recorded)
        #expect(breaker.reported(2.9, at: Self.start) == .changed(.closed))
    }

    private static func forced(_ kind: BreakerOverride.Kind) -> BreakerOverride {
        BreakerOverride(
            kind: kind, reason: "", actor: "", sinceMillis: start.wallMillis, untilMillis: nil)
    }

    @Test func `while it only counts, what would be one trip counts once`() {
        var breaker = MetricBreaker(Self.policy, at: Self.start)
        breaker.forced(Self.forced(.metricsOnly), at: Self.start)
        for millis in 0..<6 { _ = breaker.reported(99, at: Self.later(Int64(millis))) }
        #expect(breaker.counts.shadowTrips == 1 && breaker.counts.trips == 0)
        // It would be open until it had held a good value for its time.
        _ = breaker.reported(5, at: Self.later(10))
        _ = breaker.reported(99, at: Self.later(1_009))
        #expect(breaker.counts.shadowTrips == 1)
        _ = breaker.reported(5, at: Self.later(1_010))
        _ = breaker.reported(98, at: Self.later(2_010))
        #expect(breaker.counts.shadowTrips == 2 && breaker.lastTrip?.observed == 98)
        #expect(breaker.state == .metricsOnly)
        breaker.endOverride(at: Self.later(2_011))
        #expect(breaker.reported(97, at: Self.later(2_012)) == .changed(.open))
        #expect(breaker.counts.trips == 1)
    }

    @Test func `while it is forced open it trips in no way`() {
        var breaker = MetricBreaker(Self.policy, at: Self.start)
        breaker.forced(Self.forced(.forcedOpen), at: Self.start)
        for millis in 0..<6 { _ = breaker.reported(99, at: Self.later(Int64(millis))) }
        #expect(breaker.counts.shadowTrips == 0 && breaker.counts.failures == 6)
        #expect(breaker.lastTrip == nil)
    }

    @Test(arguments: UInt64(1)...200)
    func `it is open exactly as a scan over all values says`(seed: UInt64) {
        var random = DifferentialTests.Random(state: seed)
        let hold = Int64(random.next(500))
        let policy = MetricPolicy(tripAt: 10, recoverAt: 6, holdMillis: hold)
        var breaker = MetricBreaker(policy, at: Self.start)
        var values: [(millis: Int64, value: Double)] = []
        var millis: Int64 = 0
        for _ in 0..<300 {
            millis += Int64(random.next(150))
            let value = Double(random.next(16))
            values.append((millis, value))
            _ = breaker.reported(value, at: Self.later(millis))
            #expect((breaker.state == .open) == Self.isOpen(values, hold), "seed \(seed)")
        }
    }

    /// Goes over everything from the start.
    private static func isOpen(_ values: [(millis: Int64, value: Double)], _ hold: Int64) -> Bool {
        var open = false
        var goodSince: Int64?
        for (millis, value) in values {
            if open, let since = goodSince, millis - since >= hold {
                open = false
                goodSince = nil
            }
            if value >= 10 {
                open = true
                goodSince = nil
            } else if open {
                goodSince = value <= 6 ? goodSince ?? millis : nil
            }
            if open, let since = goodSince, millis - since >= hold {
                open = false
                goodSince = nil
            }
        }
        return open
    }
}
