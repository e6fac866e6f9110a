import Coordination
import Testing

/// A run machine driven in random order must come to what a naive interpreter says of the DAG:
/// with optional steps, conditions, failures and compensations.
@Suite struct DifferentialTests {
    struct Random {
        var state: UInt64
        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }

    /// A DAG and what each of its steps will do: succeed, or fail for good.
    struct World {
        var steps: [StepDefinition] = []
        var succeeds: [Bool] = []
        /// The step whose output must be there for this one to run.
        var needs: [Int?] = []

        init(_ random: inout Random) {
            for index in 0..<(1 + random.next(12)) { add(index, &random) }
        }

        private mutating func add(_ index: Int, _ random: inout Random) {
            let dependencies = (0..<index).filter { _ in random.next(3) == 0 }
            var step = RunMachineTests.step(
                "s\(index)", dependencies.map { "s\($0)" }, isRequired: random.next(5) > 0,
                retry: RetryPolicy(maxAttempts: 1))
            var need: Int?
            if let first = dependencies.first, random.next(3) == 0 {
                need = first
                step.when = "EXISTS steps.s\(first).output.ok"
            }
            if random.next(3) == 0 {
                step.compensation = StepWork(
                    agentType: "t", operation: "undo", retry: RetryPolicy(maxAttempts: 1))
            }
            steps.append(step)
            succeeds.append(random.next(6) > 0)
            needs.append(need)
        }

        /// How each step ends if no failure stops the run.
        var ends: [StepState] {
            var ends: [StepState] = []
            for index in steps.indices {
                if let need = needs[index], ends[need] != .completed {
                    ends.append(.skipped)
                } else {
                    ends.append(succeeds[index] ? .completed : .failed)
                }
            }
            return ends
        }

        /// Whether no required step that runs fails.
        var completes: Bool { zip(steps, ends).allSatisfy { !$0.isRequired || $1 != .failed } }
    }

    /// Drives a machine through a world, in random order.
    struct Drive {
        var run: MachineHarness
        let world: World
        var ready: [Int] = []
        var ran: [Int] = []
        var completed: [Int] = []

        init(_ world: World) throws {
            self.world = world
            run = try MachineHarness(world.steps)
        }

        mutating func take() {
            for action in run.actions() {
                switch action {
                case .schedule(let step): ready.append(step)
                case .stop(let step): ready.removeAll { $0 == step }
                case .evaluate(let step): evaluate(step)
                default: break
                }
            }
        }

        /// By the condition itself, over payloads as agents would return them.
        private mutating func evaluate(_ step: Int) {
            guard let recipe = run.machine.state.conditionRecipe(of: step) else { return }
            var loaded: [PayloadID: Payload] = [:]
            for id in recipe.sources { loaded[id] = Payload(bytes: Array(#"{"ok":true}"#.utf8)) }
            let holds = (try? recipe.render(loaded).get())?.bytes == Array("true".utf8)
            run.machine.conditionKnown(step, holds: holds, at: run.now, into: &run.out)
            take()
        }

        mutating func work(_ step: Int) {
            ran.append(step)
            if step >= world.steps.count || world.succeeds[step] {
                run.complete(step)
                completed.append(step)
            } else {
                run.fail(step)
            }
        }
    }

    @Test(arguments: UInt64(1)...300)
    func `random DAGs end as the naive interpreter says`(seed: UInt64) throws {
        var random = Random(state: seed)
        let world = World(&random)
        var drive = try Drive(world)
        drive.take()
        while !drive.run.machine.state.status.isClosed, !drive.run.machine.isFinishing {
            guard !drive.ready.isEmpty else {
                Issue.record("seed \(seed): stuck at \(drive.run.states)")
                return
            }
            let step = drive.ready.remove(at: random.next(drive.ready.count))
            if step < world.steps.count {
                for dependency in world.steps[step].dependsOn {
                    let index = try #require(drive.run.machine.state.plan.index(of: dependency))
                    #expect(drive.run.states[index].hasEnded, "seed \(seed)")
                }
            }
            drive.work(step)
            drive.take()
        }
        #expect(Set(drive.ran).count == drive.ran.count, "seed \(seed): a step ran twice")
        check(drive, seed)
    }

    private func check(_ drive: Drive, _ seed: UInt64) {
        let world = drive.world
        let states = Array(drive.run.states.prefix(world.steps.count))
        if world.completes {
            #expect(drive.run.machine.isFinishing, "seed \(seed)")
            #expect(states == world.ends, "seed \(seed)")
            return
        }
        #expect(drive.run.machine.state.status == .failed, "seed \(seed)")
        let plan = drive.run.machine.state.plan
        let own = drive.completed.filter { $0 < world.steps.count }
        let undone = drive.completed.filter { $0 >= world.steps.count }
        let expected = own.reversed().compactMap { plan.steps[$0].compensation }
        #expect(undone == expected, "seed \(seed): undone in the wrong order")
        for index in own { #expect(world.ends[index] == .completed, "seed \(seed)") }
    }
}
