import Coordination
import Store
import Testing

@testable import Engine

/// Guarded work that waits, and what is lost on the way.
@Suite struct GuardedLineTests {
    /// A breaker that opens with the first failure, and one instance of four slots.
    private static func bench(_ type: String = "a", probes: Int = 2) -> EngineBench {
        var bench = EngineBench()
        bench.join("\(type)/1", type: type)
        var policy = BreakerEngineTests.policy
        policy.failureRate = nil
        policy.failureCount = 1
        policy.halfOpenPermits = probes
        policy.successesToClose = probes
        let definition = BreakerDefinition(
            name: "b", rules: .calls(policy), binding: .init(agentType: type))
        _ = BreakerEngineTests.put(&bench, definition)
        return bench
    }

    private static func reason(_ bench: EngineBench, _ call: UInt64) -> String? {
        bench.answers[call]?.last?.rejection?.reason
    }

    @Test func `a call that stands in line when its breaker opens is refused when its turn comes`()
    {
        var bench = Self.bench()
        for _ in 0..<4 { _ = bench.invoke("a") }
        let waiting = [bench.invoke("a"), bench.invoke("a")]
        bench.finish(bench.dispatches[0], EngineBench.trouble)
        #expect(bench.dispatches.count == 4)
        #expect(waiting.map { Self.reason(bench, $0) } == ["BREAKER_OPEN", "BREAKER_OPEN"])
        let counts = BreakerEngineTests.get(&bench)?.counts
        #expect(counts?.notPermitted == 2 && counts?.late == 0)
        for held in bench.dispatches[1...] { bench.finish(held, EngineBench.success) }
        bench.pass(millis: 1_000)
        _ = bench.invoke("a")
        #expect(bench.dispatches.count == 5, "no slot was lost")
    }

    @Test func `a breaker that is put and forced open meanwhile refuses what waits, too`() {
        var bench = EngineBench()
        bench.join("a/1", type: "a")
        for _ in 0..<4 { _ = bench.invoke("a") }
        let waiting = bench.invoke("a")
        _ = BreakerEngineTests.put(&bench, BreakerEngineTests.definition(boundTo: "a"))
        _ = BreakerEngineTests.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        bench.finish(bench.dispatches[0], EngineBench.success)
        #expect(bench.dispatches.count == 4)
        #expect(Self.reason(bench, waiting) == "BREAKER_OPEN")
    }

    @Test func `a probe that stood in line for too long asks again`() {
        var bench = Self.bench(probes: 1)
        for _ in 0..<4 { _ = bench.invoke("a") }
        BreakerEngineTests.call(&bench, .failure)
        bench.pass(millis: 1_000)
        let probe = bench.invoke("a")
        let other = bench.invoke("a")
        #expect(Self.reason(bench, probe) == nil)
        #expect(Self.reason(bench, other) == "BREAKER_OPEN", "the probe is out")
        bench.pass(millis: 60_000)
        let next = bench.invoke("a")
        bench.finish(bench.dispatches[0], EngineBench.success)
        #expect(Self.reason(bench, probe) == "BREAKER_OPEN", "the next one has its permit")
        #expect(bench.dispatches.count == 5)
        bench.finishLast(EngineBench.success)
        #expect(bench.answers[next]?.last?.rejection == nil)
        let view = BreakerEngineTests.get(&bench)
        #expect(view?.state == .closed && view?.counts.expired == 1)
    }

    // MARK: Steps

    private static func start(
        _ bench: inout EngineBench, _ id: String, timeToStart: Int64? = nil, rate: RateKey? = nil
    ) {
        var definition = WorkflowDefinition.chain(1)
        definition.steps[0].scheduleToStartMillis = timeToStart
        definition.steps[0].rate = rate
        let put = PutDefinition(namespace: .default, definition: definition, replace: true)
        _ = bench.ask { .putDefinition(put, $0) }
        _ = bench.ask {
            .startRun(
                StartRun(
                    namespace: .default, definition: "chain", workflowID: id,
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail), $0)
        }
    }

    @Test func `a step that stands in line goes behind the breaker, and its time to start runs on`()
    {
        var bench = Self.bench("echo")
        for _ in 0..<4 { _ = bench.invoke("echo") }
        Self.start(&bench, "w", timeToStart: 5_000)
        bench.pass(millis: 3_000)
        _ = BreakerEngineTests.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        bench.finish(bench.dispatches[0], EngineBench.success)
        #expect(bench.dispatches.count == 4)
        #expect(bench.engine.jobs.count == 3, "it stands in no line")
        bench.pass(millis: 1_999)
        #expect(bench.engine.runIndex.count == 1)
        bench.pass(millis: 1)
        #expect(bench.engine.runIndex.isEmpty, "its time to start is over")
    }

    @Test func `a step that waits behind a breaker goes on when it lets it`() {
        var bench = Self.bench("echo")
        for _ in 0..<4 { _ = bench.invoke("echo") }
        Self.start(&bench, "w")
        _ = BreakerEngineTests.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        bench.finish(bench.dispatches[0], EngineBench.success)
        _ = BreakerEngineTests.force(&bench, "b", .release)
        #expect(bench.dispatches.count == 5)
    }

    @Test func `a step that passed its rate key long ago goes behind the breaker all the same`() {
        var bench = Self.bench("echo")
        for _ in 0..<4 { _ = bench.invoke("echo") }
        Self.start(&bench, "w", rate: RateKey(key: "k", limit: 1, perMillis: 100))
        bench.pass(millis: 1_000)
        _ = BreakerEngineTests.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        bench.finish(bench.dispatches[0], EngineBench.success)
        #expect(bench.dispatches.count == 4)
        _ = BreakerEngineTests.force(&bench, "b", .release)
        bench.pass(millis: 100)
        #expect(bench.dispatches.count == 5)
    }

    @Test func `a probe that ends undecided wakes the step that waits longest, not one that ended`()
    {
        var bench = Self.bench("echo", probes: 1)
        _ = bench.invoke("echo")
        bench.finishLast(EngineBench.trouble)
        bench.pass(millis: 1_000)
        for id in ["probe", "gone", "old", "new"] { Self.start(&bench, id) }
        #expect(bench.dispatches.count == 2)
        Self.terminate(&bench, "gone")
        let excluded = AssignmentOutcome.failure(
            StepFailure(type: "bad_input", message: "", retryable: false))
        bench.finishLast(excluded)
        #expect(bench.dispatches.count == 3)
        let old = bench.engine.workflowIndex[ScopedName(namespace: .default, name: "old")]
        #expect(old.map { bench.engine.runs[$0].steps[0].job >= 0 } == true)
    }

    @Test func `a line behind a breaker is no longer than what waits in it`() {
        var bench = Self.bench("echo")
        _ = BreakerEngineTests.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        Self.start(&bench, "stays")
        for number in 0..<500 {
            Self.start(&bench, "\(number)")
            Self.terminate(&bench, "\(number)")
        }
        let cell = bench.engine.breakers.index[ScopedName(namespace: .default, name: "b")]
        #expect(cell.map { bench.engine.breakers.cells[$0].held.count <= 64 } == true)
        _ = BreakerEngineTests.force(&bench, "b", .release)
        #expect(bench.dispatches.count == 1)
    }

    private static func terminate(_ bench: inout EngineBench, _ id: String) {
        let order = OperateRun(run: .workflow(.default, id), operation: .terminate(reason: ""))
        _ = bench.ask { .operateRun(order, $0) }
    }

    // MARK: Lost instances

    @Test func `what kills each instance that takes it up opens its breaker`() {
        let rig = RemoteRig()
        var policy = BreakerEngineTests.policy
        policy.failureRate = nil
        policy.failureCount = 2
        let definition = BreakerDefinition(
            name: "b", rules: .calls(policy), binding: .init(agentType: "w"))
        rig.post(
            .breaker(
                .put(
                    PutBreaker(
                        namespace: .default, definition: definition,
                        signature: BreakerEngineTests.by)), rig.ticket()))
        for port in 1...4 { _ = rig.hello(port, id: "w/\(port)", isIdempotent: true) }
        let call = rig.invoke()
        for _ in 0..<2 {
            guard let port = (1...4).first(where: { !rig.taken($0).isEmpty }) else { break }
            rig.leave(port)
        }
        #expect(rig.reason(call) == "INSTANCE_LOST", "it may have run")
        #expect((1...4).allSatisfy { rig.taken($0).isEmpty }, "nobody else got it")
        #expect(rig.reason(rig.invoke()) == "BREAKER_OPEN")
    }

    @Test func `a binding may say that lost instances tell nothing`() {
        var bench = EngineBench()
        var definition = BreakerEngineTests.definition(boundTo: "a")
        definition.binding?.excludedFailures = ["instance_lost"]
        _ = BreakerEngineTests.put(&bench, definition)
        for number in 1...4 {
            bench.join("a/\(number)", type: "a", isIdempotent: false)
            _ = bench.invoke("a")
            bench.post(.agentsLeft([AgentID("a/\(number)")]))
        }
        let view = BreakerEngineTests.get(&bench)
        #expect(view?.state == .closed && view?.counts.excluded == 4)
    }
}
