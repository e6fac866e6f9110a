import Coordination
import Testing

@testable import Engine

/// Instances that finish what they have and leave.
@Suite struct DrainTests {
    private static func drains(_ rig: RemoteRig, _ port: Int) -> [String] {
        rig.notices[port, default: []].compactMap {
            if case .drainRequested(let reason) = $0 { reason } else { nil }
        }
    }

    @Test func `a drain that a worker could not hear is told when it is back, and each time`() {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1) else {
            Issue.record("no welcome")
            return
        }
        rig.drop(1)
        rig.post(.drainAgent(AgentID("w/1"), reason: "update", rig.ticket()))
        #expect(rig.hello(2, resume: welcome.session)?.isResumed == true)
        #expect(Self.drains(rig, 2) == ["update"])
        rig.post(.drainAgent(AgentID("w/1"), reason: "now", rig.ticket()))
        #expect(Self.drains(rig, 2) == ["update", "now"])
    }

    @Test func `a worker that drains of itself is not told to`() {
        let rig = RemoteRig()
        guard let welcome = rig.hello(1) else {
            Issue.record("no welcome")
            return
        }
        var news = SessionNews()
        news.isDraining = true
        rig.post(.session(.heard(news, PortNumber(rawValue: 1))))
        _ = rig.hello(2, resume: welcome.session)
        #expect(Self.drains(rig, 2).isEmpty)
    }

    @Test(arguments: [false, true])
    func `the credits of a worker that drains are void, those that it gives later too`(
        isAsked: Bool
    ) {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 5)
        var news = SessionNews()
        news.isDraining = !isAsked
        if isAsked { rig.post(.drainAgent(AgentID("w/1"), reason: "", rig.ticket())) }
        news.credits = 3
        rig.post(.session(.heard(news, PortNumber(rawValue: 1))))
        let agent = rig.engine.pool.agent(AgentID("w/1"))
        #expect(agent.map { rig.engine.summary($0).session?.credits } == 0)
    }

    @Test func `an instance of the process finishes what it has and leaves`() {
        var bench = EngineBench()
        bench.join("a/1", "a/2", type: "a")
        let call = bench.invoke("a", instance: "a/1")
        _ = bench.ask { .drainAgent(AgentID("a/1"), reason: "", $0) }
        #expect(bench.engine.pool.agentCount == 2 && bench.orders.isEmpty)
        bench.finishLast(EngineBench.success)
        #expect(bench.answers[call]?.count == 1)
        #expect(bench.engine.pool.agentCount == 1)
        #expect(bench.orders == [.retire(AgentID("a/1"))])
        let answer = bench.ask { .drainAgent(AgentID("a/1"), reason: "", $0) }
        #expect(answer?.rejection?.reason == "AGENT_NOT_FOUND")
    }

    @Test func `the last of its type that nothing would replace is not drained`() {
        var bench = EngineBench()
        bench.join("a/1", "a/2", type: "a")
        guard case .agents(let left)? = bench.ask({ .drainAgent(AgentID("a/2"), reason: "", $0) })
        else {
            Issue.record("not drained")
            return
        }
        #expect(left.first?.holds.contains(.draining) == true)
        let answer = bench.ask { .drainAgent(AgentID("a/1"), reason: "", $0) }
        #expect(answer?.rejection?.reason == "LAST_INSTANCE")
        #expect(answer?.rejection?.code == .precondition)
        _ = bench.invoke("a")
        #expect(bench.dispatches.last?.agent.name == "a/1")
    }

    @Test func `a pool makes another one in place of one that drains`() {
        var bench = EngineBench()
        ElasticEngineTests.open(&bench, 1, 2)
        ElasticEngineTests.make(&bench, "p/1")
        let call = bench.invoke("p")
        _ = bench.ask { .drainAgent(AgentID("p/1"), reason: "", $0) }
        let made = InstanceOrder.create(type: "p", count: 1)
        #expect(bench.orders == [made, made], "the first at its beginning, one to replace it")
        let waiting = bench.invoke("p")
        #expect(bench.answers[waiting] == nil)
        bench.finishLast(EngineBench.success)
        #expect(bench.answers[call]?.count == 1)
        #expect(bench.orders.contains(.retire(AgentID("p/1"))))
        ElasticEngineTests.make(&bench, "p/2")
        #expect(bench.dispatches.last?.agent.name == "p/2")
        #expect(ElasticEngineTests.pool(&bench)?.instances == 1)
    }
}
