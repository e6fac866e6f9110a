import Coordination
import Testing

/// A breaker with a clock of its own, for tests.
struct BreakerBench {
    var breaker: Breaker
    var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)
    /// No jitter is taken off at 0.
    var random: UInt64 = 0

    init(_ policy: BreakerPolicy) {
        breaker = Breaker(policy, at: now)
        #expect(policy.faults == [])
    }

    mutating func pass(millis: Int64) {
        now.monotonicNanos += millis * 1_000_000
        now.wallMillis += millis
    }

    mutating func permit() -> BreakerPermit? {
        guard case .granted(let permit) = breaker.permit(at: now) else { return nil }
        return permit
    }

    mutating func refusal() -> BreakerRefusal? {
        guard case .refused(let refusal) = breaker.permit(at: now) else { return nil }
        return refusal
    }

    @discardableResult
    mutating func report(
        _ permit: BreakerPermit, _ verdict: CallVerdict, millis: Int64 = 1
    ) -> ReportOutcome {
        breaker.reported(
            permit, verdict, durationNanos: millis * 1_000_000, at: now, random: random)
    }

    /// Asks, calls, reports.
    @discardableResult
    mutating func call(_ verdict: CallVerdict, millis: Int64 = 1) -> ReportOutcome? {
        permit().map { report($0, verdict, millis: millis) }
    }

    mutating func open() {
        breaker.reset(at: now)
        while breaker.state == .closed { call(.failure, millis: 100_000) }
    }
}
