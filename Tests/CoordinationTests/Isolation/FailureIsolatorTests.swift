import Coordination
import Testing

/// An isolator with a clock, and instances numbered as they join.
struct IsolatorBench {
    var isolator = FailureIsolator(maxAbsent: 3)
    var now = EngineTime(monotonicNanos: 3_000_000_000, wallMillis: 1_700_000_000_000)

    mutating func pass(millis: Int64) -> [IsolationChange] {
        now.monotonicNanos += millis * 1_000_000
        now.wallMillis += millis
        return isolator.timeReached(now)
    }

    @discardableResult
    mutating func join(_ agent: Int32, type: Int32 = 0) -> [IsolationChange] {
        isolator.joined(agent, id: AgentID("a/\(agent)"), type: type, at: now)
    }

    mutating func policy(_ policy: IsolationPolicy, type: Int32 = 0, backup: Int32 = -1) {
        _ = isolator.policyChanged(ofType: type, to: policy, backup: backup, at: now)
    }

    mutating func fail(_ agent: Int32, times: Int = 1) -> [IsolationChange] {
        (0..<times).flatMap { _ in
            (try? isolator.failed(agent, at: now, random: 0)) ?? []
        }
    }

    func state(_ agent: Int32) -> IsolationState? { isolator.isolation(of: agent)?.state }
}

@Suite struct FailureIsolatorTests {
    static let policy = IsolationPolicy(
        consecutiveFailures: 3, windowFailures: 6, windowMillis: 6_000, isolationMillis: 1_000,
        maxIsolationMillis: 4_000, jitter: 0, healthyMillis: 10_000, canaries: 2)

    static func bench(instances: Int32 = 4) -> IsolatorBench {
        var bench = IsolatorBench()
        bench.policy(policy)
        for agent in 0..<instances { bench.join(agent) }
        return bench
    }

    static func change(_ agent: Int32, _ kind: IsolationChange.Kind) -> [IsolationChange] {
        [IsolationChange(agent: agent, kind: kind)]
    }

    // MARK: The holes of the first sketch

    @Test func `a success ends a row of failures`() {
        var bench = Self.bench()
        #expect(bench.fail(0, times: 2) == [])
        #expect(bench.isolator.succeeded(0, at: bench.now) == nil)
        #expect(bench.fail(0, times: 2) == [])
        #expect(bench.fail(0) == Self.change(0, .isolated))
    }

    @Test func `failures leak away with time`() {
        var bench = Self.bench()
        var policy = Self.policy
        policy.consecutiveFailures = nil
        bench.policy(policy)
        // One a second is exactly what leaks.
        for _ in 0..<50 {
            #expect(bench.fail(0) == [])
            _ = bench.pass(millis: 1_000)
        }
        #expect(bench.fail(0, times: 6) == Self.change(0, .isolated))
    }

    @Test func `an instance that nobody knows is an error, not ignored`() {
        var bench = Self.bench()
        let now = bench.now
        #expect(throws: IsolationRefusal.unknownAgent) {
            try bench.isolator.failed(99, at: now, random: 0)
        }
        #expect(throws: IsolationRefusal.unknownAgent) {
            try bench.isolator.isolate(99, reason: "", actor: "ann", untilMillis: nil, at: now)
        }
        #expect(throws: IsolationRefusal.unknownAgent) { try bench.isolator.restore(-1, at: now) }
    }

    @Test func `it comes back over canaries, and only then with its full load`() {
        var bench = Self.bench()
        #expect(bench.fail(0, times: 3) == Self.change(0, .isolated))
        #expect(bench.pass(millis: 999) == [])
        #expect(bench.pass(millis: 1) == Self.change(0, .canary))
        #expect(bench.isolator.succeeded(0, at: bench.now) == nil)
        #expect(
            bench.isolator.succeeded(0, at: bench.now)
                == IsolationChange(agent: 0, kind: .restored))
        #expect(bench.state(0) == .healthy)
    }

    @Test func `each isolation is longer up to the cap, and healthy time shortens the next`() {
        var bench = Self.bench()
        #expect(bench.fail(0, times: 3).count == 1)
        for millis: Int64 in [1_000, 2_000, 4_000, 4_000] {
            #expect(bench.pass(millis: millis - 1) == [])
            #expect(bench.pass(millis: 1) == Self.change(0, .canary))
            #expect(bench.fail(0) == Self.change(0, .isolated))
        }
        _ = bench.pass(millis: 4_000)
        _ = bench.isolator.succeeded(0, at: bench.now)
        _ = bench.isolator.succeeded(0, at: bench.now)
        _ = bench.pass(millis: 40_000)
        _ = bench.fail(0, times: 3)
        // Five in a row, four forgotten: the second time.
        #expect(bench.isolator.isolation(of: 0)?.streak == 2)
        #expect(bench.isolator.nextDeadlineNanos == bench.now.monotonicNanos + 2_000_000_000)
    }

    // MARK: Never too many

    @Test func `never more than the share of a pool`() {
        var bench = Self.bench()
        #expect(bench.fail(0, times: 3) == Self.change(0, .isolated))
        #expect(bench.fail(1, times: 3) == Self.change(1, .isolated))
        #expect(bench.fail(2, times: 9) == Self.change(2, .spared(.poolShare)))
        #expect(bench.state(2) == .healthy)
    }

    @Test func `never the last instance, nor by hand`() {
        var bench = Self.bench(instances: 1)
        #expect(bench.fail(0, times: 9) == Self.change(0, .spared(.lastInstance)))
        let now = bench.now
        #expect(throws: IsolationRefusal.lastInstance) {
            try bench.isolator.isolate(0, reason: "", actor: "ann", untilMillis: nil, at: now)
        }
    }

    @Test func `the last one too when a backup type stands ready, whose last then is not`() {
        var bench = Self.bench(instances: 1)
        bench.policy(Self.policy, type: 0, backup: 1)
        bench.policy(Self.policy, type: 1)
        #expect(bench.isolator.needsBackup(0) == nil)
        #expect(bench.fail(0, times: 3) == Self.change(0, .spared(.lastInstance)))
        bench.join(7, type: 1)
        #expect(bench.fail(0) == Self.change(0, .isolated))
        #expect(bench.isolator.needsBackup(0) == 1)
        #expect(bench.fail(7, times: 3) == Self.change(7, .spared(.lastInstance)))
        // The backup goes: the isolated one must come back.
        let changes = bench.isolator.left(7, at: bench.now)
        #expect(changes == Self.change(0, .canary))
    }

    @Test func `when the last other instance leaves, an isolated one comes back early`() {
        var bench = Self.bench(instances: 2)
        _ = bench.fail(0, times: 3)
        #expect(bench.isolator.left(1, at: bench.now) == Self.change(0, .canary))
        #expect(bench.pass(millis: 10_000) == [])
    }

    // MARK: People

    @Test func `isolated by hand stays until restored, or until its time`() throws {
        var bench = Self.bench()
        let first = try bench.isolator.isolate(
            0, reason: "disk swap", actor: "ann", untilMillis: nil, at: bench.now)
        #expect(first == Self.change(0, .isolated))
        _ = try bench.isolator.isolate(
            1, reason: "look", actor: "ann", untilMillis: bench.now.wallMillis + 50, at: bench.now)
        #expect(bench.pass(millis: 100_000) == Self.change(1, .canary))
        #expect(bench.isolator.isolation(of: 0)?.actor == "ann")
        let restored = try bench.isolator.restore(0, at: bench.now)
        #expect(restored == IsolationChange(agent: 0, kind: .restored))
        let again = try bench.isolator.restore(0, at: bench.now)
        #expect(again == nil)
    }

    @Test func `leaving and joining again does not end an isolation`() {
        var bench = Self.bench()
        _ = bench.fail(0, times: 3)
        _ = bench.isolator.left(0, at: bench.now)
        _ = bench.pass(millis: 400)
        #expect(bench.join(0) == Self.change(0, .isolated))
        #expect(bench.pass(millis: 600) == Self.change(0, .canary))
    }

    @Test func `an isolation from before a restart goes on for the time that is left`() {
        var old = Self.bench()
        _ = old.fail(0, times: 3)
        var bench = IsolatorBench()
        bench.now.wallMillis = old.now.wallMillis + 700
        bench.policy(Self.policy)
        bench.join(1)
        bench.isolator.remember(
            old.isolator.isolation(of: 0) ?? Isolation(), of: AgentID("a/0"), at: bench.now)
        #expect(bench.join(0) == Self.change(0, .isolated))
        #expect(bench.pass(millis: 300) == Self.change(0, .canary))
    }

    @Test func `one that never comes back is forgotten a day after its end, and named once`() {
        var bench = Self.bench()
        _ = bench.fail(0, times: 3)
        _ = bench.isolator.left(0, at: bench.now)
        let day: Int64 = 86_400_000
        _ = bench.pass(millis: 999 + day)
        #expect(bench.isolator.absentIsolation(of: AgentID("a/0")) != nil)
        #expect(bench.isolator.takeForgotten() == [])
        #expect(bench.isolator.nextDeadlineNanos == bench.now.monotonicNanos + 1_000_000)
        _ = bench.pass(millis: 1)
        #expect(bench.isolator.takeForgotten() == [AgentID("a/0")])
        #expect(bench.isolator.takeForgotten() == [])
        #expect(bench.isolator.nextDeadlineNanos == nil)
        #expect(bench.join(0) == [])
    }

    @Test
    func `of too many that are away those go that would be next, then the oldest without an end`()
        throws
    {
        var bench = Self.bench(instances: 8)
        let ends: [(Int32, Int64?)] = [(0, 900), (1, 100), (2, nil), (3, nil), (4, nil)]
        for (agent, millis) in ends {
            let until = millis.map { bench.now.wallMillis + $0 }
            _ = try bench.isolator.isolate(
                agent, reason: "", actor: "ann", untilMillis: until, at: bench.now)
            _ = bench.isolator.left(agent, at: bench.now)
            _ = bench.pass(millis: 1)
        }
        #expect(bench.isolator.takeForgotten() == [AgentID("a/1"), AgentID("a/0")])
        _ = try bench.isolator.isolate(
            5, reason: "", actor: "ann", untilMillis: nil, at: bench.now)
        _ = bench.isolator.left(5, at: bench.now)
        #expect(bench.isolator.takeForgotten() == [AgentID("a/2")])
    }

    @Test func `every fault of a policy is named`() {
        let bad = IsolationPolicy(
            consecutiveFailures: 0, windowFailures: 0, windowMillis: 0, isolationMillis: 0,
            factor: 0, maxIsolationMillis: 0, jitter: -1, healthyMillis: 0, maxShare: 2,
            canaries: -1, backupType: "t", ignoredFailures: [""])
        #expect(
            bad.faults(forType: "t").map(\.field) == [
                "policy.consecutive_failures", "policy.window_failures", "policy.window_millis",
                "policy.isolation_time_millis", "policy.factor", "policy.max_isolation_time_millis",
                "policy.jitter", "policy.healthy_millis", "policy.max_share", "policy.canaries",
                "policy.backup_type", "policy.ignored_failures[0]",
            ])
        #expect(IsolationPolicy.defaults.faults(forType: "t") == [])
    }

    // MARK: Whatever happens

    @Test(arguments: UInt64(1)...300)
    func `somebody always works and never too many are out`(seed: UInt64) {
        var random = DifferentialTests.Random(state: seed)
        var bench = IsolatorBench()
        var policy = Self.policy
        policy.maxShare = [0.1, 0.5, 1][random.next(3)]
        bench.policy(policy, type: 0, backup: random.next(2) == 0 ? 1 : -1)
        bench.policy(policy, type: 1)
        var present: [Int32: Int32] = [:]
        for step in 0..<500 {
            let agent = Int32(random.next(8))
            switch (random.next(10), present[agent]) {
            case (0, nil), (1, nil), (2, nil), (3, nil):
                let type = Int32(agent < 6 ? 0 : 1)
                bench.join(agent, type: type)
                present[agent] = type
            case (0, _?):
                _ = bench.isolator.left(agent, at: bench.now)
                present[agent] = nil
            case (1...5, _?):
                _ = bench.fail(agent)
            case (_, _?):
                if bench.state(agent) != .isolated {
                    _ = bench.isolator.succeeded(agent, at: bench.now)
                }
            default: _ = bench.pass(millis: Int64(random.next(700)))
            }
            Self.audit(bench, present, policy, "seed \(seed), step \(step)")
        }
    }

    private static func audit(
        _ bench: IsolatorBench, _ present: [Int32: Int32], _ policy: IsolationPolicy,
        _ place: Comment
    ) {
        for type: Int32 in [0, 1] {
            let members = present.filter { $0.value == type }.map(\.key)
            let working = members.filter { bench.state($0) != .isolated }
            #expect(bench.isolator.workingCount(type: type) == working.count, place)
            if members.isEmpty { continue }
            #expect(!working.isEmpty || bench.isolator.needsBackup(type) != nil, place)
        }
    }

    @Test func `who is away does not count as working, and an isolated one comes back for it`() {
        var bench = Self.bench(instances: 2)
        #expect(bench.fail(0, times: 3) == Self.change(0, .isolated))
        #expect(bench.isolator.workingCount(type: 0) == 1)
        let change = bench.isolator.wentAway(1, true, at: bench.now)
        #expect(change == Self.change(0, .canary))
        #expect(bench.fail(0) == Self.change(0, .spared(.lastInstance)))
        #expect(bench.isolator.wentAway(1, false, at: bench.now) == [])
        #expect(bench.isolator.workingCount(type: 0) == 2)
        #expect(bench.fail(0) == Self.change(0, .isolated))
        _ = bench.isolator.wentAway(0, true, at: bench.now)
        _ = bench.isolator.left(0, at: bench.now)
        _ = bench.isolator.left(1, at: bench.now)
        #expect(bench.isolator.workingCount(type: 0) == 0)
        #expect(bench.isolator.isolatedCount(ofType: 0) == 0)
    }

    @Test func `one that was away and is alone when it is there again comes back early`() {
        var bench = Self.bench(instances: 2)
        #expect(bench.fail(0, times: 3) == Self.change(0, .isolated))
        #expect(bench.isolator.wentAway(0, true, at: bench.now) == [])
        #expect(bench.isolator.left(1, at: bench.now) == [], "nobody is there to come back")
        let back = bench.isolator.wentAway(0, false, at: bench.now)
        #expect(back == Self.change(0, .canary))
        #expect(bench.isolator.workingCount(type: 0) == 1)
    }

    @Test func `one that a person isolated stays so, though it is alone when it is there again`()
        throws
    {
        var bench = Self.bench(instances: 2)
        let now = bench.now
        _ = try bench.isolator.isolate(0, reason: "", actor: "ann", untilMillis: nil, at: now)
        _ = bench.isolator.wentAway(0, true, at: now)
        _ = bench.isolator.left(1, at: now)
        #expect(bench.isolator.wentAway(0, false, at: now) == [])
        #expect(bench.state(0) == .isolated)
    }
}
