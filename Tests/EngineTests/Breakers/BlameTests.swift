import Coordination
import Store
import Testing

@testable import Engine

/// What counts against an instance, and what its isolation does.
@Suite struct BlameTests {
    private static func bench() -> EngineBench {
        var bench = EngineBench()
        IsolationEngineTests.policy(&bench)
        bench.join("a/1", "a/2", type: "a")
        return bench
    }

    private static func probe(_ bench: inout EngineBench, _ outcome: AssignmentOutcome?) {
        let probe = Invoke(
            namespace: .default, agentType: "a", instance: AgentID("a/1"),
            operation: Assignment.healthOperation, payload: Payload(bytes: []),
            deadlineNanos: bench.now.monotonicNanos + 1_000_000,
            arrivedNanos: bench.now.monotonicNanos)
        bench.send { .invoke(probe, $0) }
        if let outcome { bench.finishLast(outcome) } else { bench.pass(millis: 1) }
    }

    private static func totals(_ bench: inout EngineBench) -> [Int64]? {
        guard case .listed(let agents, _) = bench.ask({ .listAgents($0) }) else { return nil }
        let one = agents.first { $0.registration.id.name == "a/1" }
        return one.map { [$0.completed, $0.failed] }
    }

    @Test func `health checks say nothing about how an instance works`() {
        var bench = Self.bench()
        for _ in 0..<5 { Self.probe(&bench, nil) }
        IsolationEngineTests.fail(&bench, "a/1", times: 2)
        Self.probe(&bench, EngineBench.success)
        Self.probe(&bench, EngineBench.trouble)
        #expect(Self.totals(&bench) == [0, 2])
        #expect(IsolationEngineTests.state(&bench, "a/1") == .healthy)
        IsolationEngineTests.fail(&bench, "a/1", times: 1)
        #expect(IsolationEngineTests.state(&bench, "a/1") == .isolated)
        bench.pass(millis: 1_000)
        for _ in 0..<3 { Self.probe(&bench, EngineBench.success) }
        #expect(IsolationEngineTests.state(&bench, "a/1") == .canary)
    }

    /// A call of one instance that came `waitedMillis` ago and ends `leftMillis` from now.
    private static func hang(_ bench: inout EngineBench, waited: Int64, left: Int64) {
        let invoke = Invoke(
            namespace: .default, agentType: "a", instance: AgentID("a/1"), operation: "work",
            payload: Payload(bytes: []),
            deadlineNanos: bench.now.monotonicNanos + left * 1_000_000,
            arrivedNanos: bench.now.monotonicNanos - waited * 1_000_000)
        bench.send { .invoke(invoke, $0) }
        bench.pass(millis: left)
    }

    @Test func `an instance that hangs is isolated by the calls whose time passes`() {
        var bench = Self.bench()
        for _ in 0..<3 {
            #expect(IsolationEngineTests.state(&bench, "a/1") == .healthy)
            Self.hang(&bench, waited: 50, left: 50)
        }
        #expect(IsolationEngineTests.state(&bench, "a/1") == .isolated)
    }

    @Test func `calls that stood in line for most of their time blame nobody`() {
        var bench = Self.bench()
        for _ in 0..<10 { Self.hang(&bench, waited: 51, left: 50) }
        #expect(IsolationEngineTests.state(&bench, "a/1") == .healthy)
    }

    // MARK: Isolated

    @Test func `an isolated instance is held, and has no vote`() throws {
        var bench = BallotEngineTests.bench()
        _ = bench.ask {
            .isolation(.isolate(AgentID("b"), forMillis: nil, by: BreakerEngineTests.by), $0)
        }
        let agent = try #require(bench.engine.pool.agent(AgentID("b")))
        #expect(bench.engine.pool.holds(of: agent) == .isolated)
        let all = [BallotSpec.Voter(agentType: "judge", isEveryInstance: true)]
        let call = BallotEngineTests.begin(&bench, BallotEngineTests.decide(bench, all))
        BallotEngineTests.answer(&bench, "a", "1")
        BallotEngineTests.answer(&bench, "c", "1")
        let outcome = try #require(BallotEngineTests.outcome(bench, call))
        #expect(outcome.ballot.voters.map(\.name) == ["a", "c"])
        #expect(outcome.verdict.result == .answer(of: 0))
        _ = bench.ask { .isolation(.restore(AgentID("b"), by: BreakerEngineTests.by), $0) }
        #expect(bench.engine.pool.holds(of: agent).isEmpty)
        #expect(bench.engine.pool.hasFreeSlot(agent))
    }

    @Test func `when an isolated instance leaves, the count of such is told anew`() {
        var bench = Self.bench()
        IsolationEngineTests.fail(&bench, "a/1")
        bench.post(.agentsLeft([AgentID("a/1")]))
        let counts = bench.notices.compactMap { notice in
            if case .guarding(.isolated(type: "a", let instances)) = notice {
                instances
            } else {
                nil
            }
        }
        #expect(counts == [1, 0])
    }

    @Test func `of an instance that never comes back no row stays for ever`() throws {
        var bench = Self.bench()
        func rows() -> Int { bench.storedKinds.count { $0 == EntityKind.isolation.rawValue } }
        IsolationEngineTests.fail(&bench, "a/1")
        bench.post(.agentsLeft([AgentID("a/1")]))
        #expect(rows() == 1)
        try bench.restart()
        #expect(rows() == 1)
        bench.pass(millis: 86_400_000 + 1_000)
        #expect(rows() == 0)
    }

    // MARK: Execution time

    @Test(arguments: [(nil, 400), (100, 100), (86_400_000, 400)] as [(Int64?, Int64)])
    func `a worker's work took what it says, at most since it was told to begin`(
        said: Int64?, expected: Int64
    ) {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let call = rig.invoke()
        rig.pass(millis: 400)
        let end = rig.now.monotonicNanos
        var news = SessionNews()
        news.results = rig.taken(1).map {
            AssignmentResult(
                token: $0.token, outcome: EngineBench.success,
                startedNanos: end - (said ?? 0) * 1_000_000, endedNanos: end)
        }
        rig.post(.session(.heard(news, PortNumber(rawValue: 1))))
        guard case .invoked(let answer) = rig.answers[call]?.first else {
            Issue.record("no answer")
            return
        }
        #expect(answer.executionNanos == expected * 1_000_000)
    }
}
