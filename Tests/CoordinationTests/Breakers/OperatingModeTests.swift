import Coordination
import Testing

@Suite struct OperatingModeTests {
    static let start = EngineTime(monotonicNanos: 7_000_000_000, wallMillis: 1_700_000_000_000)

    static func later(_ millis: Int64) -> EngineTime {
        EngineTime(
            monotonicNanos: start.monotonicNanos + millis * 1_000_000,
            wallMillis: start.wallMillis + millis)
    }

    static let policy = ModePolicy(dwellMillis: 1_000, calmMillis: 300)

    static func force(_ mode: OperatingMode, _ now: EngineTime, _ millis: Int64?) -> ModeOverride {
        ModeOverride(
            mode: mode, reason: "drill", actor: "ann", sinceMillis: now.wallMillis,
            untilMillis: millis.map { now.wallMillis + $0 })
    }

    @Test func `one critical is an emergency at once, two high degrade, one does not`() {
        var mode = OperatingModeCoordinator(Self.policy, at: Self.start)
        #expect(mode.breakersChanged(openCritical: 0, openHigh: 1, at: Self.start) == false)
        #expect(mode.breakersChanged(openCritical: 0, openHigh: 2, at: Self.start) == true)
        #expect(mode.mode == .degraded)
        #expect(mode.breakersChanged(openCritical: 1, openHigh: 2, at: Self.start) == true)
        #expect(mode.mode == .emergency)
    }

    @Test func `it comes back, step by step, after dwell and calm`() {
        var mode = OperatingModeCoordinator(Self.policy, at: Self.start)
        mode.breakersChanged(openCritical: 1, openHigh: 0, at: Self.start)
        mode.breakersChanged(openCritical: 0, openHigh: 0, at: Self.later(900))
        #expect(mode.nextDeadlineNanos(at: Self.later(900)) == Self.later(1_200).monotonicNanos)
        #expect(mode.timeReached(Self.later(1_199)) == false)
        #expect(mode.timeReached(Self.later(1_200)) == true)
        #expect(mode.mode == .degraded)
        #expect(mode.timeReached(Self.later(2_199)) == false)
        #expect(mode.timeReached(Self.later(2_200)) == true)
        #expect(mode.mode == .normal)
        #expect(mode.nextDeadlineNanos(at: Self.later(2_200)) == nil)
    }

    @Test func `trouble in the calm begins the calm anew`() {
        var mode = OperatingModeCoordinator(Self.policy, at: Self.start)
        mode.breakersChanged(openCritical: 1, openHigh: 0, at: Self.start)
        mode.breakersChanged(openCritical: 0, openHigh: 0, at: Self.later(1_000))
        mode.breakersChanged(openCritical: 1, openHigh: 0, at: Self.later(1_200))
        mode.breakersChanged(openCritical: 0, openHigh: 0, at: Self.later(1_250))
        #expect(mode.timeReached(Self.later(1_549)) == false)
        #expect(mode.timeReached(Self.later(1_550)) == true)
    }

    @Test func `an emergency never becomes normal while a high one is open`() {
        let policy = ModePolicy(normalAtHigh: 1, dwellMillis: 0, calmMillis: 0)
        var mode = OperatingModeCoordinator(policy, at: Self.start)
        mode.breakersChanged(openCritical: 1, openHigh: 1, at: Self.start)
        mode.breakersChanged(openCritical: 0, openHigh: 1, at: Self.later(1))
        #expect(mode.mode == .degraded)
        #expect(mode.timeReached(Self.later(1_000_000)) == false)
        mode.breakersChanged(openCritical: 0, openHigh: 0, at: Self.later(1_000_001))
        #expect(mode.mode == .normal)
        // Degraded without an emergency before ends with one high still open, as the policy says.
        mode.breakersChanged(openCritical: 0, openHigh: 2, at: Self.later(1_000_002))
        mode.breakersChanged(openCritical: 0, openHigh: 1, at: Self.later(1_000_003))
        #expect(mode.mode == .normal)
    }

    @Test func `an override shows at once and ends at its time`() {
        var mode = OperatingModeCoordinator(Self.policy, at: Self.start)
        #expect(mode.forced(Self.force(.emergency, Self.start, 500), at: Self.start) == true)
        #expect(mode.nextDeadlineNanos(at: Self.start) == Self.later(500).monotonicNanos)
        #expect(mode.timeReached(Self.later(499)) == false)
        #expect(mode.timeReached(Self.later(500)) == true)
        #expect(mode.mode == .normal)
        #expect(mode.override == nil)
    }

    @Test func `a forced normal hides an emergency only as long as it lasts`() {
        var mode = OperatingModeCoordinator(Self.policy, at: Self.start)
        mode.breakersChanged(openCritical: 1, openHigh: 0, at: Self.start)
        mode.forced(Self.force(.normal, Self.start, nil), at: Self.start)
        #expect(mode.mode == .normal)
        #expect(mode.endOverride(at: Self.later(10)) == true)
        #expect(mode.mode == .emergency)
    }

    @Test func `from a forced emergency the way leads through degraded while a high one is open`() {
        var mode = OperatingModeCoordinator(Self.policy, at: Self.start)
        mode.breakersChanged(openCritical: 0, openHigh: 1, at: Self.start)
        mode.forced(Self.force(.emergency, Self.start, nil), at: Self.start)
        mode.endOverride(at: Self.later(10))
        #expect(mode.mode == .degraded)
    }

    @Test(arguments: UInt64(1)...300)
    func `whatever happens, it never jumps and never stays worse than it must`(seed: UInt64) {
        var random = DifferentialTests.Random(state: seed)
        let policy = ModePolicy(
            degradedAtHigh: 1 + random.next(4), normalAtHigh: 0,
            dwellMillis: Int64(random.next(2_000)), calmMillis: Int64(random.next(1_000)))
        var mode = OperatingModeCoordinator(policy, at: Self.start)
        var millis: Int64 = 0
        var entered: Int64 = 0
        for _ in 0..<300 {
            millis += Int64(random.next(600))
            let before = mode.automatic
            let (critical, high) = (random.next(4) == 0 ? 1 : 0, random.next(4))
            mode.breakersChanged(openCritical: critical, openHigh: high, at: Self.later(millis))
            let after = mode.automatic
            if critical > 0 { #expect(after == .emergency, "seed \(seed)") }
            if high >= policy.degradedAtHigh { #expect(after >= .degraded, "seed \(seed)") }
            #expect(!(before == .emergency && after == .normal), "seed \(seed)")
            if after < before {
                #expect(millis - entered >= policy.dwellMillis, "seed \(seed)")
            }
            if after != before { entered = millis }
        }
        mode.breakersChanged(openCritical: 0, openHigh: 0, at: Self.later(millis))
        for _ in 0..<4 {
            millis += 3_000
            mode.timeReached(Self.later(millis))
        }
        #expect(mode.mode == .normal, "seed \(seed)")
    }

    @Test func `a forced emergency that ended while the server was down ends in degraded too`() {
        var before = OperatingModeCoordinator(Self.policy, at: Self.start)
        before.breakersChanged(openCritical: 0, openHigh: 1, at: Self.start)
        before.forced(Self.force(.emergency, Self.start, 500), at: Self.start)
        var after = OperatingModeCoordinator(
            Self.policy, stored: before.stored, at: Self.later(60_000))
        after.breakersChanged(openCritical: 0, openHigh: 1, at: Self.later(60_000))
        #expect(after.mode == .degraded)
    }
}
