import Coordination
import Store
import Testing

@testable import Engine

/// Bounds on what callers can make the engine hold.
@Suite struct LimitsTests {
    static func bench(_ change: (inout EngineLimits) -> Void) -> EngineBench {
        var limits = EngineLimits()
        change(&limits)
        var bench = EngineBench()
        bench.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        return bench
    }

    /// Why a command was refused; `nil`: it was not.
    static func refusal(
        _ bench: inout EngineBench, _ command: (ReplyTicket) -> Command
    ) -> String? {
        bench.ask(command)?.rejection?.reason
    }

    static func put(_ bench: inout EngineBench, _ name: String, version: String = "1") -> String? {
        var definition = WorkflowDefinition.chain(1, name: name)
        definition.version = version
        let put = PutDefinition(namespace: .default, definition: definition, replace: true)
        return refusal(&bench) { .putDefinition(put, $0) }
    }

    @Test func `definitions are bounded, versions of one are not`() {
        var bench = Self.bench { $0.maxDefinitions = 2 }
        let put = [
            Self.put(&bench, "a"), Self.put(&bench, "b"), Self.put(&bench, "c"),
            Self.put(&bench, "a", version: "2"),
        ]
        #expect(put == [nil, nil, "TOO_MANY_DEFINITIONS", nil])
    }

    @Test func `those who watch the agents are bounded`() {
        var bench = Self.bench { $0.maxAgentWatchers = 1 }
        let first = bench.send { .watchAgents($0) }
        let second = Self.refusal(&bench) { .watchAgents($0) }
        bench.post(.abandon(ReplyTicket(port: 0, call: first)))
        let third = Self.refusal(&bench) { .watchAgents($0) }
        #expect(second == "TOO_MANY_WATCHERS" && third == nil)
    }

    @Test func `those who watch a run or wait for it are bounded`() {
        var bench = Self.bench { $0.maxRunWatchers = 2 }
        _ = Self.put(&bench, "a")
        let start = StartRun(
            namespace: .default, definition: "a", workflowID: "", input: Payload(bytes: [0x31]),
            requestID: "", conflict: .fail)
        guard case .started(let id, _) = bench.ask({ .startRun(start, $0) }) else {
            Issue.record("it was not started")
            return
        }
        let run = RunReference.run(.default, id)
        bench.send { .awaitRun(run, $0) }
        let second = Self.refusal(&bench) { .watchRun(run, $0) }
        let third = Self.refusal(&bench) { .awaitRun(run, $0) }
        let fourth = Self.refusal(&bench) { .watchRun(run, $0) }
        #expect(second == nil)
        #expect(third == "TOO_MANY_WATCHERS" && fourth == "TOO_MANY_WATCHERS")
    }

    @Test func `isolation policies are bounded, and the default one gives its place back`() {
        var bench = Self.bench { $0.maxIsolationPolicies = 2 }
        func set(_ type: String, _ failures: Int?) -> String? {
            let policy = IsolationPolicy(consecutiveFailures: failures, backupType: "spare-\(type)")
            return Self.refusal(&bench) {
                .isolation(
                    .setPolicy(
                        type: type, failures == 5 ? .defaults : policy, by: BreakerEngineTests.by),
                    $0)
            }
        }
        #expect([set("a", 3), set("b", 3), set("c", 3)] == [nil, nil, "TOO_MANY_POLICIES"])
        #expect([set("a", 4), set("c", 5), set("b", 5), set("c", 3)] == [nil, nil, nil, nil])
        #expect(bench.engine.pool.typeCount == 0, "nobody joined")
        let rows = bench.storedKinds.count { $0 == EntityKind.isolationPolicy.rawValue }
        #expect(rows == 2)
    }

    @Test func `agent types are bounded, for those who join and for steps`() {
        let rig = RemoteRig()
        var limits = EngineLimits()
        limits.maxAgentTypes = 1
        rig.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 5), limits: limits)
        #expect(rig.hello(1, id: "w/1") != nil)
        #expect(rig.hello(2, id: "w/2") != nil, "of a type that is known")
        _ = rig.hello(3, id: "x/1", type: "x")
        guard case .refused(let refusal) = rig.notices[3]?.first else {
            Issue.record("it was let in")
            return
        }
        #expect(refusal.reason == .tooManyTypes)
        let run = rig.start([StepDefinition(id: "s", agentType: "y", operation: "work")])
        #expect(run.flatMap { rig.state($0) } == nil, "the run has ended")
        #expect(run.flatMap { rig.runs[$0]?.status } == RunStatus.failed.rawValue)
        #expect(rig.engine.pool.typeCount == 1)
    }

    @Test func `made-up types that come and go take no more than the bound, nor do calls of such`()
    {
        let rig = RemoteRig()
        var limits = EngineLimits()
        limits.maxAgentTypes = 10
        rig.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 5), limits: limits)
        var welcomed = 0
        for port in 1...50 {
            if rig.hello(port, id: "x/\(port)", type: "x\(port)") != nil { welcomed += 1 }
            rig.leave(port)
        }
        var bench = EngineBench()
        for number in 1...50 { _ = bench.invoke("y\(number)") }
        #expect(welcomed == 10 && rig.engine.pool.typeCount == 10)
        #expect(rig.engine.pool.agentCount == 0 && bench.engine.pool.typeCount == 0)
        #expect(rig.hello(51, id: "x/1", type: "x1") != nil, "of a type that is known")
    }
}
