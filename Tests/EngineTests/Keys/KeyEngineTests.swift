import Coordination
import Store
import Testing

@testable import Engine

/// Concurrency and rate keys through the engine.
@Suite struct KeyEngineTests {
    static func keyed(_ name: String, priority: Int = 3, limit: Int = 1) -> WorkflowDefinition {
        var step = StepDefinition(
            id: "a", agentType: "echo", operation: "work", startToCloseMillis: 1_000,
            retry: RetryPolicy(maxAttempts: 1))
        step.concurrency = ConcurrencyKey(key: "exchange", limit: limit)
        step.priority = priority
        return WorkflowDefinition(name: name, version: "1", steps: [step])
    }

    static func bench(_ definitions: WorkflowDefinition...) -> EngineBench {
        var bench = EngineBench()
        bench.join("e/1", "e/2", type: "echo")
        for definition in definitions { bench.put(definition) }
        return bench
    }

    @Test func `one step at a time holds a key over all runs, by priority and then by age`() {
        var bench = Self.bench(
            Self.keyed("usual"), Self.keyed("late", priority: 5), Self.keyed("soon", priority: 1))
        let runs = ["usual", "late", "usual", "soon"].map { bench.start($0) }
        for expected in [0, 3, 2, 1] {
            #expect(bench.dispatches.last?.origin?.run == runs[expected])
            bench.finishLast(EngineBench.success)
        }
        #expect(bench.dispatches.count == 4)
        #expect(bench.engine.keys.gates.count == 0 && bench.engine.keys.jobs.isEmpty)
    }

    enum End: CaseIterable { case success, failure, timeout, cancel, terminate, agentGone, paused }

    @Test(arguments: End.allCases)
    func `whatever ends a step gives its part of the key to the next`(end: End) {
        var bench = Self.bench(Self.keyed("w"))
        let first = bench.start("w")
        let second = bench.start("w")
        let reference = RunReference.run(.default, first)
        #expect(bench.dispatches.map(\.origin?.run) == [first])
        switch end {
        case .success: bench.finishLast(EngineBench.success)
        case .failure: bench.finishLast(EngineBench.trouble)
        case .timeout: bench.pass(millis: 1_001)
        case .cancel:
            bench.send { .cancelRun(CancelRun(run: reference, reason: ""), $0) }
        case .terminate, .paused:
            if end == .paused {
                // What works goes on, and holds its key.
                bench.send {
                    .operateRun(OperateRun(run: reference, operation: .pause(reason: "")), $0)
                }
                #expect(bench.dispatches.count == 1)
            }
            bench.send {
                .operateRun(OperateRun(run: reference, operation: .terminate(reason: "")), $0)
            }
        case .agentGone: bench.post(.agentsLeft([AgentID("e/1"), AgentID("e/2")]))
        }
        if end == .agentGone {
            #expect(bench.dispatches.count == 1)
            bench.join("e/3", type: "echo")
            #expect(bench.dispatches.last?.origin?.run == second, "the lost one lines up again")
        } else {
            #expect(bench.dispatches.map(\.origin?.run) == [first, second])
        }
        #expect(bench.engine.keys.jobs.values.count(where: { $0.held >= 0 }) == 1)
    }

    @Test func `a run that is cancelled in line leaves it`() {
        var bench = Self.bench(Self.keyed("w"))
        let runs = (1...3).map { _ in bench.start("w") }
        bench.send { .cancelRun(CancelRun(run: .run(.default, runs[1]), reason: ""), $0) }
        bench.finishLast(EngineBench.success)
        #expect(bench.dispatches.map(\.origin?.run) == [runs[0], runs[2]])
    }

    @Test func `namespaces do not share keys`() {
        var bench = Self.bench(Self.keyed("w"))
        bench.put(Self.keyed("w"), Namespace("other"))
        let first = bench.start("w")
        let second = bench.start("w", Namespace("other"))
        #expect(bench.dispatches.map(\.origin?.run) == [first, second])
    }

    @Test func `the time in line is limited by schedule_to_start, and else by nothing`() {
        var strict = Self.keyed("strict")
        strict.steps[0].scheduleToStartMillis = 500
        var long = Self.keyed("long")
        long.steps[0].startToCloseMillis = 60_000
        var bench = Self.bench(long, Self.keyed("patient"), strict)
        _ = bench.start("long")
        let patient = bench.start("patient")
        let hasty = bench.start("strict")
        bench.pass(millis: 501)
        let state = bench.state(hasty)
        #expect(state == nil, "it has failed and is gone")
        bench.pass(millis: 30_000)
        bench.finishLast(EngineBench.success)
        #expect(bench.dispatches.last?.origin?.run == patient)
    }

    @Test func `each element of a list passes the gate`() {
        var definition = Self.keyed("list", limit: 2)
        definition.steps[0].kind = .fanOut(FanOutSpec(concurrency: 10))
        definition.steps[0].inputTemplate = "[1,2,3,4,5]"
        var bench = Self.bench(definition)
        let run = bench.start("list")
        #expect(bench.dispatches.count == 2)
        for number in 0..<5 { bench.finish(bench.dispatches[number], EngineBench.success) }
        #expect(bench.dispatches.count == 5)
        #expect(bench.state(run) == nil)
    }

    @Test func `a rate keeps its pace, also over a restart`() throws {
        var definition = Self.keyed("paced")
        definition.steps[0].concurrency = nil
        definition.steps[0].rate = RateKey(key: "orders", limit: 1, perMillis: 10_000)
        var bench = Self.bench(definition)
        for _ in 1...2 { _ = bench.start("paced") }
        #expect(bench.dispatches.count == 1)
        bench.pass(millis: 9_999)
        #expect(bench.dispatches.count == 1)
        bench.pass(millis: 2)
        #expect(bench.dispatches.count == 2)
        try bench.restart(after: 4_000)
        bench.join("e/1", type: "echo")
        bench.put(definition)
        _ = bench.start("paced")
        bench.pass(millis: 5_990)
        #expect(bench.dispatches.count == 2, "six seconds are left of ten")
        bench.pass(millis: 20)
        #expect(bench.dispatches.count == 3)
        bench.pass(millis: 20_000)
        #expect(bench.engine.keys.gates.count == 0)
        #expect(bench.storedKinds.allSatisfy { $0 != EntityKind.keyPace.rawValue })
    }

    @Test func `a step that a breaker keeps holds no key`() {
        var guarded = Self.keyed("guarded")
        guarded.steps[0].rate = RateKey(key: "orders", limit: 1, perMillis: 60_000)
        var free = Self.keyed("free")
        free.steps[0].agentType = "other"
        var bench = Self.bench(guarded, free)
        bench.join("o/1", type: "other")
        let breaker = BreakerDefinition(
            name: "b", rules: .metric(MetricPolicy(tripAt: 1, recoverAt: 0)),
            binding: BreakerDefinition.Binding(agentType: "echo"))
        bench.send {
            .breaker(
                .put(
                    PutBreaker(
                        namespace: .default, definition: breaker,
                        signature: BreakerEngineTests.by)), $0)
        }
        let forced = BreakerEngineTests.force(
            &bench, "b", .override(.forcedOpen, forMillis: nil))
        #expect(forced?.breaker?.state == .forcedOpen)
        _ = bench.start("guarded")
        #expect(bench.dispatches.isEmpty)
        _ = bench.start("free")
        #expect(bench.dispatches.map(\.agent) == [AgentID("o/1")])
    }
}

extension EngineBench {
    mutating func put(_ definition: WorkflowDefinition, _ namespace: Namespace = .default) {
        send { .putDefinition(PutDefinition(namespace: namespace, definition: definition), $0) }
    }

    /// Starts a run and gives its id.
    mutating func start(
        _ name: String, _ namespace: Namespace = .default, workflowID: String = "",
        conflict: StartRun.ConflictPolicy = .fail
    ) -> RunID {
        let answer = ask {
            .startRun(
                StartRun(
                    namespace: namespace, definition: name, workflowID: workflowID,
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: conflict), $0)
        }
        guard case .started(let run, _)? = answer else {
            Issue.record("a start was answered with \(String(describing: answer))")
            return RunID(serial: Serial(rawValue: 0))
        }
        return run
    }

    /// An open run; `nil`: it has ended.
    func state(_ run: RunID) -> RunState? {
        engine.runIndex[run].map { engine.runs[$0].machine.state }
    }
}
