import Coordination
import Testing

@testable import Engine

/// Pools whose instances the engine asks for and does without.
@Suite struct ElasticEngineTests {
    static let port = PortNumber(rawValue: 7)

    static func open(
        _ bench: inout EngineBench, _ least: Int, _ most: Int, maxWaiting: Int = 100
    ) {
        let operation = OperationDescriptor(name: "work", summary: "", isIdempotent: true)
        let policy = PoolPolicy(
            minInstances: least, maxInstances: most, idleMillis: 1_000, maxWaiting: maxWaiting)
        bench.post(
            .pool(
                .joined(
                    PoolRegistration(type: "p", operations: [operation], policy: policy), port)))
    }

    static func pool(_ bench: inout EngineBench) -> PoolSummary? {
        guard case .listed(_, let pools) = bench.ask({ .listAgents($0) }) else { return nil }
        return pools.first
    }

    static func make(_ bench: inout EngineBench, _ names: String...) {
        for name in names {
            let operation = OperationDescriptor(name: "work", summary: "", isIdempotent: true)
            let agent = AgentRegistration(
                id: AgentID(name), type: "p", operations: [operation], slots: 1)
            bench.post(.agentsJoined([agent], PortNumber(rawValue: 0)))
        }
    }

    @Test func `instances are made for what waits, reused, and destroyed when idle`() {
        var bench = EngineBench()
        Self.open(&bench, 0, 2)
        let calls = (0..<3).map { _ in bench.invoke("p") }
        #expect(
            bench.orders
                == [.create(type: "p", count: 1), .create(type: "p", count: 1)],
            "the third waits: two are the most")
        #expect(calls.allSatisfy { bench.answers[$0] == nil })
        Self.make(&bench, "p/1", "p/2")
        #expect(bench.dispatches.map(\.agent.name) == ["p/1", "p/2"])
        bench.finish(bench.dispatches[0], EngineBench.success)
        #expect(bench.dispatches.map(\.agent.name) == ["p/1", "p/2", "p/1"])
        bench.finish(bench.dispatches[1], EngineBench.success)
        bench.finish(bench.dispatches[2], EngineBench.success)
        #expect(calls.allSatisfy { bench.answers[$0]?.count == 1 })
        #expect(Self.pool(&bench)?.instances == 2)
        bench.pass(millis: 3_000)
        #expect(Set(bench.orders.suffix(2)) == [.retire(AgentID("p/1")), .retire(AgentID("p/2"))])
        let pool = Self.pool(&bench)
        #expect(pool?.instances == 0 && pool?.created == 2 && pool?.retired == 2)
        #expect(bench.notices.contains(.pool(.instances(type: "p", 0))))
    }

    @Test func `one call at a time keeps one instance busy, so that the others go`() {
        var bench = EngineBench()
        Self.open(&bench, 1, 3)
        Self.make(&bench, "p/1", "p/2", "p/3")
        for _ in 0..<40 {
            _ = bench.invoke("p")
            bench.finishLast(EngineBench.success)
            bench.pass(millis: 100)
        }
        #expect(Self.pool(&bench)?.instances == 1)
        #expect(Set(bench.dispatches.suffix(30).map(\.agent)).count == 1)
    }

    @Test func `the minimum is kept, also when one dies`() {
        var bench = EngineBench()
        Self.open(&bench, 2, 4)
        #expect(bench.orders == [.create(type: "p", count: 2)])
        Self.make(&bench, "p/1", "p/2")
        bench.post(.agentsLeft([AgentID("p/1")]))
        #expect(bench.orders.last == .create(type: "p", count: 1))
    }

    @Test func `an instance that was there before its pool is one of it`() {
        var bench = EngineBench()
        Self.make(&bench, "p/1")
        Self.open(&bench, 1, 2)
        #expect(bench.orders.isEmpty)
        #expect(Self.pool(&bench)?.instances == 1 && Self.pool(&bench)?.created == 1)
    }

    @Test func `only so much waits`() {
        var bench = EngineBench()
        Self.open(&bench, 0, 1, maxWaiting: 2)
        let calls = (0..<3).map { _ in bench.invoke("p") }
        #expect(bench.answers[calls[2]]?.last?.rejection?.reason == "QUEUE_FULL")
        #expect(bench.answers[calls[2]]?.last?.rejection?.message.contains("2 calls") == true)
    }

    @Test func `callers hear why no instance can be made, and it is tried again`() {
        var bench = EngineBench()
        Self.open(&bench, 0, 1)
        let first = bench.invoke("p")
        bench.post(.pool(.failed(type: "p", message: "no browser")))
        let refused = bench.answers[first]?.last?.rejection
        #expect(refused?.reason == "INSTANCE_NOT_MADE" && refused?.code == .unavailable)
        #expect(refused?.message.contains("no browser") == true)
        let second = bench.invoke("p")
        #expect(bench.answers[second]?.last?.rejection?.reason == "INSTANCE_NOT_MADE")
        #expect(Self.pool(&bench)?.lastFailure == "no browser")
    }

    @Test func `a type without its pool is as any other`() {
        var bench = EngineBench()
        Self.open(&bench, 0, 1)
        bench.post(.pool(.left(type: "p")))
        let call = bench.invoke("p")
        #expect(bench.answers[call]?.last?.rejection?.reason == "NO_LIVE_INSTANCE")
        #expect(Self.pool(&bench) == nil)
    }
}
