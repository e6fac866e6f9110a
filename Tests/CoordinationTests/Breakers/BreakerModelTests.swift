import Coordination
import Testing

/// A breaker that is easy to believe: it keeps every call and counts anew each time.
struct NaiveBreaker {
    struct Call {
        var part: Int64
        var failed: Bool
        var slow: Bool
    }

    let policy: BreakerPolicy
    var state = BreakerState.closed
    var calls: [Call] = []
    var since: Int64
    var openUntil: Int64 = 0
    var streak = 0
    var probes: [(id: Int, deadline: Int64)] = []
    var good = 0
    var bad = 0
    var epoch = 0

    mutating func move(to new: BreakerState, _ now: Int64) {
        state = new
        since = now
        calls = []
        probes = []
        good = 0
        bad = 0
        epoch += 1
    }

    mutating func pass(_ now: Int64) {
        if state == .open, policy.recovery == .automatic, openUntil <= now {
            move(to: .halfOpen, now)
        }
        probes.removeAll { $0.deadline <= now }
    }

    mutating func mayCall(_ id: Int, _ now: Int64) -> Bool {
        pass(now)
        switch state {
        case .closed: return true
        case .halfOpen:
            guard probes.count + good + bad < policy.halfOpenPermits else { return false }
            probes.append((id, now + policy.permitMillis * 1_000_000))
            return true
        default: return false
        }
    }

    mutating func open(_ now: Int64) {
        streak += 1
        move(to: .open, now)
        var wait = Double(policy.openMillis)
        for _ in 1..<streak { wait = min(wait * policy.openFactor, Double(policy.maxOpenMillis)) }
        openUntil = now + Int64(min(wait, Double(policy.maxOpenMillis))) * 1_000_000
    }

    mutating func report(_ id: Int, _ epoch: Int, _ failed: Bool, _ slow: Bool, _ now: Int64) {
        guard epoch == self.epoch else { return }
        if state == .halfOpen {
            probes.removeAll { $0.deadline <= now }
            guard probes.contains(where: { $0.id == id }) else { return }
            probes.removeAll { $0.id == id }
            if failed || (slow && policy.slowCallRate != nil) { bad += 1 } else { good += 1 }
            if good >= policy.successesToClose { return move(to: .closed, now) }
            if bad > policy.halfOpenPermits - policy.successesToClose { open(now) }
            return
        }
        calls.append(Call(part: part(now), failed: failed, slow: slow))
        let seen = inWindow(now)
        let failures = seen.count { $0.failed }
        let breaks =
            policy.failureCount.map { failures >= $0 } == true
            || (seen.count >= policy.minimumCalls
                && (policy.failureRate.map { Double(failures) >= $0 * Double(seen.count) } == true
                    || policy.slowCallRate.map {
                        Double(seen.count { $0.slow }) >= $0 * Double(seen.count)
                    } == true))
        guard breaks else { return }
        streak = max(0, streak - Int((now - since) / (policy.decayMillis * 1_000_000)))
        open(now)
    }

    func part(_ now: Int64) -> Int64 {
        guard case .millis(let millis) = policy.window else { return 0 }
        return now / (millis * 1_000_000 / 32)
    }

    func inWindow(_ now: Int64) -> [Call] {
        switch policy.window {
        case .calls(let count): calls.suffix(count)
        case .millis: calls.filter { $0.part > part(now) - 32 }
        }
    }
}

@Suite struct BreakerModelTests {
    static func policy(_ random: inout DifferentialTests.Random) -> BreakerPolicy {
        let window: BreakerPolicy.Window =
            random.next(2) == 0
            ? .calls(2 + random.next(30)) : .millis(1_000 + Int64(random.next(9_000)))
        let permits = 1 + random.next(6)
        return BreakerPolicy(
            window: window, minimumCalls: 1 + random.next(2),
            failureRate: [nil, 0.3, 0.7, 1][random.next(4)],
            slowCallRate: [nil, 0.5, 0.9][random.next(3)], slowCallMillis: 50,
            failureCount: [nil, 2][random.next(2)], halfOpenPermits: permits,
            successesToClose: 1 + random.next(permits), permitMillis: 200 + Int64(random.next(800)),
            openMillis: 100 + Int64(random.next(400)), openFactor: 2, maxOpenMillis: 2_000,
            openJitter: 0, decayMillis: 1_000)
    }

    @Test(arguments: UInt64(1)...400)
    func `random calls lead where the naive breaker says`(seed: UInt64) {
        var random = DifferentialTests.Random(state: seed)
        let policy = Self.policy(&random)
        var bench = BreakerBench(Self.withRule(policy))
        var naive = NaiveBreaker(policy: bench.breaker.policy, since: bench.now.monotonicNanos)
        var open: [(id: Int, permit: BreakerPermit, epoch: Int)] = []
        for id in 0..<600 {
            bench.pass(millis: Int64(random.next(8) == 0 ? random.next(1_500) : random.next(20)))
            let now = bench.now.monotonicNanos
            if random.next(2) == 0 || open.isEmpty {
                let permit = bench.permit()
                let may = naive.mayCall(id, now)
                #expect((permit != nil) == may, "seed \(seed), call \(id)")
                if let permit { open.append((id, permit, naive.epoch)) }
            } else {
                let index = random.next(open.count)
                let call = open[index]
                // Now and then a report comes twice.
                if random.next(8) > 0 { open.remove(at: index) }
                let isProbe = call.permit.isProbe
                let failed = random.next(3) == 0
                let millis = Int64(random.next(100))
                if random.next(10) == 0, isProbe {
                    _ = bench.breaker.released(call.permit, at: bench.now)
                    if call.epoch == naive.epoch { naive.probes.removeAll { $0.id == call.id } }
                } else {
                    bench.report(call.permit, failed ? .failure : .success, millis: millis)
                    naive.report(call.id, call.epoch, failed, millis >= 50, now)
                }
            }
            #expect(bench.breaker.state == naive.state, "seed \(seed), call \(id)")
            let view = bench.breaker.windowNow(at: bench.now)
            #expect(view.permitsOut <= policy.halfOpenPermits)
            if naive.state == .closed {
                #expect(view.calls == naive.inWindow(now).count, "seed \(seed), call \(id)")
            }
            guard bench.breaker.state == naive.state else { return }
        }
    }

    private static func withRule(_ policy: BreakerPolicy) -> BreakerPolicy {
        var policy = policy
        if policy.failureRate == nil, policy.slowCallRate == nil, policy.failureCount == nil {
            policy.failureCount = 1
        }
        return policy
    }

    /// What users of other breakers report most: a half-open phase that never ends.
    @Test(arguments: UInt64(1)...100)
    func `with any fate of its probes it leaves half-open once calls go well`(seed: UInt64) {
        var random = DifferentialTests.Random(state: seed)
        var bench = BreakerBench(Self.withRule(Self.policy(&random)))
        bench.open()
        for _ in 0..<200 {
            bench.pass(millis: Int64(random.next(300)))
            guard let permit = bench.permit() else { continue }
            switch random.next(4) {
            case 0: _ = bench.breaker.released(permit, at: bench.now)
            case 1: bench.report(permit, .failure)
            default: break  // never heard of again
            }
        }
        var healthy = 0
        while bench.breaker.state != .closed, healthy < 10_000 {
            bench.pass(millis: 10)
            bench.call(.success)
            healthy += 1
        }
        #expect(bench.breaker.state == .closed, "seed \(seed)")
    }
}
