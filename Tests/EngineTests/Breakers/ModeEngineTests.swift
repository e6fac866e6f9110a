import Coordination
import Store
import Testing

@testable import Engine

@Suite struct ModeEngineTests {
    static let by = BreakerEngineTests.by

    static func mode(_ bench: inout EngineBench) -> ModeView? {
        bench.ask { .breaker(.getMode(.default), $0) }?.mode
    }

    static func open(
        _ bench: inout EngineBench, _ name: String, _ severity: BreakerSeverity
    ) {
        _ = BreakerEngineTests.put(
            &bench, BreakerEngineTests.definition(name, severity: severity))
        _ = BreakerEngineTests.force(&bench, name, .override(.forcedOpen, forMillis: nil))
    }

    static func plan(_ bench: inout EngineBench, _ names: String...) {
        let plan = EmergencyPlan(
            actions: names.map { EmergencyAction(name: $0, apply: nil, undo: nil) },
            retryMillis: 1_000, maxRetryMillis: 4_000)
        let policy = ModePolicy(dwellMillis: 2_000, calmMillis: 500)
        _ = bench.ask { .breaker(.setPlan(.default, policy, plan, by: by), $0) }
    }

    static func acknowledge(
        _ bench: inout EngineBench, _ action: String, _ number: UInt64
    ) -> Answer? {
        bench.ask {
            .breaker(.acknowledge(.default, action: action, number: number, by: by), $0)
        }
    }

    @Test func `breakers make the mode, and it comes back step by step`() {
        var bench = EngineBench()
        Self.plan(&bench)
        Self.open(&bench, "h1", .high)
        #expect(Self.mode(&bench)?.mode == .normal)
        Self.open(&bench, "h2", .high)
        #expect(Self.mode(&bench)?.mode == .degraded)
        Self.open(&bench, "c", .critical)
        #expect(Self.mode(&bench)?.mode == .emergency)
        for name in ["h1", "h2", "c"] {
            _ = BreakerEngineTests.force(&bench, name, .reset)
        }
        bench.pass(millis: 2_000)
        #expect(Self.mode(&bench)?.mode == .degraded)
        bench.pass(millis: 2_000)
        #expect(Self.mode(&bench)?.mode == .normal)
    }

    @Test func `deleting a tripped breaker, or making it matter less, takes it out of the count`() {
        var bench = EngineBench()
        Self.open(&bench, "c", .critical)
        _ = BreakerEngineTests.put(&bench, BreakerEngineTests.definition("c", severity: .high))
        #expect(Self.mode(&bench)?.openCritical == 0)
        #expect(Self.mode(&bench)?.openHigh == 1)
        _ = bench.ask { .breaker(.delete(.default, name: "c", by: Self.by), $0) }
        #expect(Self.mode(&bench)?.openHigh == 0)
    }

    @Test func `an emergency asks for its actions until they are acknowledged, then undoes them`()
        throws
    {
        var bench = EngineBench()
        Self.plan(&bench, "halt", "page")
        let watch = bench.send { .breaker(.watchMode(.default), $0) }
        Self.open(&bench, "c", .critical)
        let actions = try #require(bench.answers[watch]?.last?.mode?.progress)
        #expect(actions.map(\.action.name) == ["halt", "page"])
        #expect(actions.map(\.attempts) == [1, 1])
        _ = Self.acknowledge(&bench, "halt", actions[0].number)
        bench.pass(millis: 1_000)
        #expect(bench.answers[watch]?.last?.mode?.progress.map(\.attempts) == [1, 2])
        try bench.restart(after: 10)
        // What was acknowledged stays so; what was not is asked for at once.
        let again = try #require(Self.mode(&bench))
        #expect(again.progress.map(\.isAcknowledged) == [true, false])
        #expect(again.progress.map(\.attempts) == [1, 3])
        _ = BreakerEngineTests.force(&bench, "c", .reset)
        bench.pass(millis: 2_000)
        let undo = try #require(Self.mode(&bench))
        #expect(undo.mode == .degraded)
        #expect(undo.progress.map(\.isUndo) == [true, true])
        let late = Self.acknowledge(&bench, "page", again.progress[1].number)
        #expect(late?.rejection?.reason == "STALE_ORDER")
        for entry in undo.progress {
            _ = Self.acknowledge(&bench, entry.action.name, entry.number)
        }
        #expect(Self.mode(&bench)?.progress.isEmpty == true)
        #expect(Self.acknowledge(&bench, "nothing", 0)?.rejection?.code == .notFound)
    }

    @Test func `a forced mode ends at its time, also over a restart, and is audited`() throws {
        var bench = EngineBench()
        let set = SetMode(
            namespace: .default, mode: .emergency, forMillis: 3_000, signature: Self.by)
        #expect(bench.ask { .breaker(.setMode(set), $0) }?.mode?.mode == .emergency)
        try bench.restart(after: 1_000)
        #expect(Self.mode(&bench)?.mode == .emergency)
        bench.pass(millis: 2_000)
        #expect(Self.mode(&bench)?.mode == .normal)
        #expect(bench.audits.map(\.action) == ["SetMode"])
        let until = Timestamp(millis: 1_700_000_000_000 + 3_000)
        #expect(bench.audits.last?.after == "emergency until \(until): drill")
        let release = SetMode(
            namespace: .default, mode: nil, forMillis: nil, signature: Signature(actor: "ann"))
        #expect(bench.ask { .breaker(.setMode(release), $0) }?.mode?.mode == .normal)
        #expect(bench.audits.last?.after == "normal")
    }

    @Test func `the audit log says what of a plan was changed`() {
        var bench = EngineBench()
        Self.plan(&bench, "halt")
        let call = EmergencyAction.Call(
            agentType: "a", operation: "o", payload: Payload(bytes: Array("1".utf8)))
        let plan = EmergencyPlan(
            actions: [EmergencyAction(name: "halt", apply: call, undo: nil)], retryMillis: 1_000,
            maxRetryMillis: 4_000)
        let policy = ModePolicy(degradedAtHigh: 5, dwellMillis: 2_000, calmMillis: 500)
        _ = bench.ask { .breaker(.setPlan(.default, policy, plan, by: Self.by), $0) }
        let audit = bench.audits.last
        #expect(
            audit?.before
                == "policy.degraded_at_high: 2, policy.normal_at_high: 0, policy.dwell_millis: 2000, "
                + "policy.calm_millis: 500, plan.retry_millis: 1000, plan.max_retry_millis: 4000, "
                + "plan.action: \"halt\"")
        #expect(audit?.after == "\(policy.plainText), \(plan.plainText)")
        #expect(audit?.after.contains("policy.degraded_at_high: 5") == true)
        #expect(audit?.after.contains("plan.apply.payload: \"1\"") == true)
    }

    @Test func `namespaces have modes of their own`() {
        var bench = EngineBench()
        Self.open(&bench, "c", .critical)
        let other = bench.ask { .breaker(.getMode(Namespace("other")), $0) }?.mode
        #expect(other?.mode == .normal)
    }
}
