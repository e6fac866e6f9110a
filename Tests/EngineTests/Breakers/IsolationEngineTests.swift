import Coordination
import Store
import Testing

@testable import Engine

@Suite struct IsolationEngineTests {
    static let by = BreakerEngineTests.by

    static func policy(_ bench: inout EngineBench, _ type: String = "a", backup: String = "") {
        let policy = IsolationPolicy(
            consecutiveFailures: 3, isolationMillis: 1_000, jitter: 0, canaries: 2,
            backupType: backup)
        _ = bench.ask { .isolation(.setPolicy(type: type, policy, by: by), $0) }
    }

    static func state(_ bench: inout EngineBench, _ agent: String) -> IsolationState? {
        guard case .listed(let agents, _) = bench.ask({ .listAgents($0) }) else { return nil }
        return agents.first { $0.registration.id.name == agent }?.isolation.state
    }

    static func fail(_ bench: inout EngineBench, _ agent: String, times: Int = 3) {
        for _ in 0..<times {
            _ = bench.invoke("a", instance: agent)
            bench.finishLast(EngineBench.trouble)
        }
    }

    @Test func `an instance that keeps failing gets no work, then canaries, then its load`() {
        var bench = EngineBench()
        Self.policy(&bench)
        bench.join("a/1", "a/2", type: "a")
        Self.fail(&bench, "a/1")
        #expect(Self.state(&bench, "a/1") == .isolated)
        for _ in 0..<4 { _ = bench.invoke("a") }
        #expect(bench.dispatches.suffix(4).allSatisfy { $0.agent.name == "a/2" })
        let direct = bench.invoke("a", instance: "a/1")
        #expect(bench.answers[direct]?.last?.rejection?.reason == "AGENT_ISOLATED")
        // a/2 is full; two more wait, and the first is the canary's.
        let waiting = [bench.invoke("a"), bench.invoke("a")]
        bench.pass(millis: 1_000)
        #expect(Self.state(&bench, "a/1") == .canary)
        #expect(bench.dispatches.last?.agent.name == "a/1")
        #expect(bench.dispatches.count == 3 + 4 + 1)
        bench.finishLast(EngineBench.success)
        bench.finishLast(EngineBench.success)
        #expect(Self.state(&bench, "a/1") == .healthy)
        #expect(waiting.allSatisfy { bench.answers[$0]?.count == 1 })
    }

    @Test func `a call that nobody takes because of an isolation by hand is told so`() {
        var bench = EngineBench()
        bench.join("a/1", "a/2", type: "a")
        _ = bench.ask { .isolation(.isolate(AgentID("a/1"), forMillis: nil, by: Self.by), $0) }
        bench.post(.agentsLeft([AgentID("a/2")]))
        let held = bench.invoke("a", millis: 100)
        bench.pass(millis: 100)
        let rejection = bench.answers[held]?.last?.rejection
        #expect(rejection?.reason == "DEADLINE_PASSED")
        #expect(rejection?.message.contains("RestoreAgent") == true)
    }

    @Test func `what lists and watchers say of an isolation is on disk`() {
        let rig = RemoteRig()
        for port in [1, 2] { _ = rig.hello(port, id: "w/\(port)") }
        let watch = rig.ticket()
        rig.post(.watchAgents(watch))
        let known = rig.answers[watch.call]?.count
        rig.holdsCommits = true
        let isolate = IsolationCommand.isolate(AgentID("w/1"), forMillis: nil, by: Self.by)
        rig.post(.isolation(isolate, rig.ticket()))
        let list = rig.ticket()
        let late = rig.ticket()
        rig.post(.listAgents(list), .watchAgents(late))
        #expect(rig.answers[list.call] == nil && rig.answers[late.call] == nil)
        #expect(rig.answers[watch.call]?.count == known)
        rig.commit()
        guard case .listed(let agents, _) = rig.answers[list.call]?.first,
            case .agentChange(let change) = rig.answers[watch.call]?.last,
            case .changed(let changed) = change.kind
        else {
            Issue.record("they did not hear of it")
            return
        }
        #expect(agents[0].isolation.state == .isolated)
        #expect(changed.isolation.state == .isolated)
        #expect(rig.answers[late.call]?.count == 1)
    }

    @Test func `what an isolated instance holds goes to others, but not what must not be repeated`()
    {
        for isIdempotent in [true, false] {
            var bench = EngineBench()
            Self.policy(&bench)
            bench.join("a/1", "a/2", type: "a", isIdempotent: isIdempotent)
            let held = bench.invoke("a")
            #expect(bench.dispatches.last?.agent.name == "a/1")
            _ = bench.ask { .isolation(.isolate(AgentID("a/1"), forMillis: nil, by: Self.by), $0) }
            #expect(bench.dispatches.last?.agent.name == (isIdempotent ? "a/2" : "a/1"))
            bench.finishLast(EngineBench.success)
            #expect(bench.answers[held]?.count == 1)
        }
    }

    @Test func `a step that an isolated instance held begins anew, and is not blamed`() throws {
        let rig = RemoteRig()
        for port in [1, 2] { _ = rig.hello(port, id: "w/\(port)") }
        let run = try #require(rig.start())
        let held = try #require((rig.taken(1) + rig.taken(2)).first)
        rig.post(
            .isolation(.isolate(held.agent, forMillis: nil, by: Self.by), rig.ticket()))
        let again = try #require((rig.taken(1) + rig.taken(2)).first)
        #expect(again.agent != held.agent && again.attempt == 2)
        let step = rig.state(run)?.steps[0]
        #expect(step?.failure?.message == "its instance was isolated during the attempt")
        #expect(step?.losses == 0)
    }

    @Test func `the last instance is never isolated, nor by hand, and an unknown one is an error`()
    {
        var bench = EngineBench()
        Self.policy(&bench)
        bench.join("a/1", type: "a")
        Self.fail(&bench, "a/1", times: 10)
        #expect(Self.state(&bench, "a/1") == .healthy)
        let last = bench.ask {
            .isolation(.isolate(AgentID("a/1"), forMillis: nil, by: Self.by), $0)
        }
        #expect(last?.rejection?.reason == "LAST_INSTANCE")
        let unknown = bench.ask {
            .isolation(.isolate(AgentID("x"), forMillis: nil, by: Self.by), $0)
        }
        #expect(unknown?.rejection?.reason == "AGENT_NOT_FOUND")
        #expect(
            bench.ask { .isolation(.restore(AgentID("x"), by: Self.by), $0) }?.rejection?.code
                == .notFound)
    }

    @Test func `calls go to the backup type while all instances are isolated`() {
        var bench = EngineBench()
        Self.policy(&bench, backup: "spare")
        bench.join("a/1", type: "a")
        bench.join("spare/1", type: "spare")
        Self.fail(&bench, "a/1")
        #expect(Self.state(&bench, "a/1") == .isolated)
        _ = bench.invoke("a")
        #expect(bench.dispatches.last?.agent.name == "spare/1")
        // The backup goes: the isolated one must work again.
        bench.post(.agentsLeft([AgentID("spare/1")]))
        #expect(Self.state(&bench, "a/1") == .canary)
    }

    @Test func `isolations and policies outlive a restart`() throws {
        var bench = EngineBench()
        Self.policy(&bench)
        bench.join("a/1", "a/2", type: "a")
        Self.fail(&bench, "a/1")
        try bench.restart(after: 400)
        bench.join("a/2", "a/1", type: "a")
        #expect(Self.state(&bench, "a/1") == .isolated)
        bench.pass(millis: 600)
        #expect(Self.state(&bench, "a/1") == .canary)
        guard
            case .isolationPolicy(let policy) = bench.ask({ .isolation(.getPolicy(type: "a"), $0) })
        else { return #expect(Bool(false)) }
        #expect(policy.canaries == 2)
        #expect(bench.audits.map(\.action) == ["SetIsolationPolicy"])
    }

    @Test func `people isolate and restore, and the audit log says who`() {
        var bench = EngineBench()
        bench.join("a/1", "a/2", type: "a")
        _ = bench.ask { .isolation(.isolate(AgentID("a/1"), forMillis: 500, by: Self.by), $0) }
        #expect(Self.state(&bench, "a/1") == .isolated)
        _ = bench.ask { .isolation(.restore(AgentID("a/1"), by: Self.by), $0) }
        #expect(Self.state(&bench, "a/1") == .healthy)
        #expect(bench.audits.map(\.action) == ["IsolateAgent", "RestoreAgent"])
        #expect(bench.audits.allSatisfy { $0.actor == "ann" && $0.subject == "agent/a/1" })
        let until = Timestamp(millis: 1_700_000_000_000 + 500)
        #expect(bench.audits.first?.after == "isolated until \(until): drill")
    }

    @Test func `one that drains is nobody to fall back on`() {
        var bench = EngineBench()
        Self.policy(&bench)
        bench.join("a/1", "a/2", type: "a")
        _ = bench.ask { .drainAgent(AgentID("a/2"), reason: "", $0) }
        Self.fail(&bench, "a/1", times: 10)
        #expect(Self.state(&bench, "a/1") == .healthy)
    }
}

/// Request ids of changes that people make by hand.
@Suite struct HandRequestTests {
    private static func by(_ id: String) -> Signature {
        Signature(actor: "op", reason: "drill", requestID: id)
    }

    private static func isolation(_ answer: Answer?) -> Isolation? {
        guard case .isolation(_, let isolation) = answer else { return nil }
        return isolation
    }

    @Test func `an isolation is made once for its request id, also over a restart`() throws {
        var bench = EngineBench()
        bench.join("a/1", "a/2", type: "a")
        func isolate(_ bench: inout EngineBench, _ agent: String, _ id: String) -> Answer? {
            bench.ask {
                .isolation(.isolate(AgentID(agent), forMillis: nil, by: Self.by(id)), $0)
            }
        }
        func restore(_ bench: inout EngineBench, _ id: String) -> Answer? {
            bench.ask { .isolation(.restore(AgentID("a/1"), by: Self.by(id)), $0) }
        }
        #expect(Self.isolation(isolate(&bench, "a/1", "one"))?.total == 1)
        #expect(Self.isolation(isolate(&bench, "a/1", "one"))?.total == 1)
        #expect(isolate(&bench, "a/2", "one")?.rejection?.reason == "REQUEST_ID_REUSED")
        #expect(Self.isolation(restore(&bench, "back"))?.state == .healthy)
        try bench.restart()
        // The instances are not back yet; what was done is known all the same.
        #expect(Self.isolation(isolate(&bench, "a/1", "one")) != nil)
        bench.join("a/1", "a/2", type: "a")
        #expect(Self.isolation(isolate(&bench, "a/1", "one"))?.state == .healthy)
        #expect(Self.isolation(restore(&bench, "back"))?.state == .healthy)
        #expect(bench.audits.map(\.action) == ["IsolateAgent", "RestoreAgent"])
        #expect(Self.isolation(isolate(&bench, "a/1", "two"))?.state == .isolated)
    }

    @Test func `a policy is set once for its request id`() throws {
        var bench = EngineBench()
        func set(_ bench: inout EngineBench, _ failures: Int, _ id: String) -> Answer? {
            var policy = IsolationPolicy.defaults
            policy.consecutiveFailures = failures
            return bench.ask { .isolation(.setPolicy(type: "a", policy, by: Self.by(id)), $0) }
        }
        _ = set(&bench, 3, "one")
        _ = set(&bench, 4, "two")
        try bench.restart()
        guard case .isolationPolicy(let policy) = set(&bench, 3, "one") else {
            Issue.record("no policy")
            return
        }
        #expect(policy.consecutiveFailures == 4, "a late repeat does not undo what came after")
        #expect(set(&bench, 9, "one")?.rejection?.reason == "REQUEST_ID_REUSED")
    }

    @Test func `an action is acknowledged once for its request id, also over a restart`() throws {
        var bench = EngineBench()
        ModeEngineTests.plan(&bench, "halt")
        ModeEngineTests.open(&bench, "c", .critical)
        let number = try #require(ModeEngineTests.mode(&bench)?.progress.first?.number)
        func acknowledge(_ bench: inout EngineBench, _ number: UInt64) -> Answer? {
            bench.ask {
                .breaker(
                    .acknowledge(.default, action: "halt", number: number, by: Self.by("ack")), $0)
            }
        }
        #expect(acknowledge(&bench, number)?.mode?.progress.first?.isAcknowledged == true)
        try bench.restart()
        #expect(acknowledge(&bench, number)?.mode?.progress.first?.isAcknowledged == true)
        #expect(acknowledge(&bench, number + 1)?.rejection?.reason == "REQUEST_ID_REUSED")
        #expect(bench.audits.count { $0.action == "AcknowledgeAction" } == 1)
    }
}
