import Coordination
import Testing

/// A run machine driven in random order must come to what a naive interpreter says of the DAG.
@Suite struct DifferentialTests {
    struct Random {
        var state: UInt64
        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }

    /// What each step will do: succeed, or fail for good.
    static func world(_ random: inout Random) -> (steps: [StepDefinition], succeeds: [Bool]) {
        let count = 1 + random.next(12)
        var steps: [StepDefinition] = []
        var succeeds: [Bool] = []
        for index in 0..<count {
            var dependencies: [String] = []
            for earlier in 0..<index where random.next(3) == 0 {
                dependencies.append("s\(earlier)")
            }
            steps.append(
                RunMachineTests.step(
                    "s\(index)", dependencies, isRequired: random.next(5) > 0,
                    retry: RetryPolicy(maxAttempts: 1)))
            succeeds.append(random.next(6) > 0)
        }
        return (steps, succeeds)
    }

    /// Whether every required step that can be reached succeeds: then the run completes.
    static func completes(_ steps: [StepDefinition], _ succeeds: [Bool]) -> Bool {
        // Optional failures block nothing, so with no required failure every step runs.
        zip(steps, succeeds).allSatisfy { !$0.isRequired || $1 }
    }

    @Test(arguments: UInt64(1)...300)
    func `random DAGs end as the naive interpreter says`(seed: UInt64) throws {
        var random = Random(state: seed)
        let (steps, succeeds) = Self.world(&random)
        var run = try MachineHarness(steps)
        var ready: [Int] = []
        var ran: [Int] = []
        while run.machine.state.status == .running, !run.machine.isFinishing {
            for case .schedule(let step) in run.actions() { ready.append(step) }
            guard !ready.isEmpty else {
                Issue.record("seed \(seed): stuck at \(run.states)")
                return
            }
            let step = ready.remove(at: random.next(ready.count))
            for dependency in steps[step].dependsOn {
                let index = try #require(run.machine.state.plan.index(of: dependency))
                #expect(run.states[index].hasEnded, "seed \(seed)")
            }
            ran.append(step)
            if succeeds[step] { run.complete(step) } else { run.fail(step) }
        }
        #expect(Set(ran).count == ran.count, "seed \(seed): a step ran twice")
        if Self.completes(steps, succeeds) {
            #expect(run.machine.isFinishing, "seed \(seed)")
            #expect(ran.count == steps.count, "seed \(seed)")
            let expected = succeeds.map { $0 ? StepState.completed : .failed }
            #expect(run.states == expected, "seed \(seed)")
        } else {
            #expect(run.machine.state.status == .failed, "seed \(seed)")
            let last = try #require(ran.last)
            #expect(steps[last].isRequired && !succeeds[last], "seed \(seed)")
        }
    }
}
