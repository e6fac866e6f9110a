import Coordination
import Store
import Testing

@testable import Engine

/// Why runs do not move.
@Suite struct ExplainTests {
    static func explain(_ bench: inout EngineBench, _ run: RunID) -> [RunCause] {
        guard
            case .insight(.explained(_, let causes))? = bench.ask({
                .insight(.explain(.run(.default, run)), $0)
            })
        else { return [] }
        return causes
    }

    static func step(_ id: String, _ dependsOn: [String] = [], type: String = "echo")
        -> StepDefinition
    {
        StepDefinition(id: id, agentType: type, operation: "work", dependsOn: dependsOn)
    }

    static func bare(_ id: String, _ kind: StepKind) -> StepDefinition {
        var step = StepDefinition(id: id, agentType: "", operation: "")
        step.kind = kind
        return step
    }

    @Test func `each open step says what it waits for`() {
        var retried = Self.step("retried", type: "flaky")
        retried.retry = RetryPolicy(maxAttempts: 2, initialMillis: 5_000)
        var bench = KeyEngineTests.bench(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [
                    Self.step("works"), Self.step("after", ["works"]),
                    Self.step("alone", type: "nobody"), retried,
                    Self.bare("paid", .wait(WaitSpec(signal: "paid", millis: 60_000))),
                    Self.bare("order", .wait(WaitSpec(eventType: "order.made"))),
                    Self.bare("later", .wait(WaitSpec(millis: 1_000))),
                    Self.bare("ask", .approval(ApprovalSpec(assignees: ["ann"]))),
                ]))
        bench.join("f/1", type: "flaky")
        let run = bench.start("w")
        let flaky = bench.dispatches.first { $0.agent == AgentID("f/1") }
        if let flaky { bench.finish(flaky, EngineBench.trouble) }
        let causes = Self.explain(&bench, run)
        let kinds: [RunCause.Kind] = [
            .attempt, .dependency, .noAgent, .retry, .wait, .wait, .wait, .decision,
        ]
        #expect(causes.map(\.kind) == kinds)
        #expect(
            causes.map(\.step) == [
                "works", "after", "alone", "retried", "paid", "order", "later", "ask",
            ])
        #expect(causes[1].waitsFor == ["works"])
        #expect(causes[2].message == "no instance of agent type \"nobody\" is alive")
        #expect(causes[3].message.contains("unreachable"))
        #expect(causes[3].untilMillis > bench.now.wallMillis)
        #expect(causes[4].untilMillis == bench.now.wallMillis + 60_000)
        #expect(causes[5].waitsFor == ["order.made"] && causes[5].untilMillis == 0)
        #expect(causes[6].untilMillis == bench.now.wallMillis + 1_000)
        #expect(causes[7].waitsFor == ["ann"])
    }

    @Test func `a step behind a key says its place, and why the key is shut`() {
        var bench = KeyEngineTests.bench(KeyEngineTests.keyed("w"))
        let runs = (1...3).map { _ in bench.start("w") }
        let last = Self.explain(&bench, runs[2])
        #expect(last.map(\.kind) == [.key] && last.first?.position == 1)
        #expect(
            last.first?.message == "number 2 of 2 behind the 1 steps that hold key \"exchange\"")
        _ = KeyPauseTests.pause(&bench, forMillis: 9_000)
        let paused = Self.explain(&bench, runs[1]).first
        #expect(paused?.message.contains("paused: maintenance") == true)
        #expect(paused?.untilMillis == bench.now.wallMillis + 9_000)
    }

    @Test func `a chain is followed through child runs, queues and breakers`() {
        var bench = KeyEngineTests.bench(
            WorkflowDefinition(
                name: "parent", version: "1",
                steps: [Self.bare("sub", .child(ChildSpec(workflow: "guarded")))]),
            WorkflowDefinition(name: "guarded", version: "1", steps: [Self.step("call")]))
        bench.send {
            .breaker(
                .put(
                    PutBreaker(
                        namespace: .default,
                        definition: BreakerEngineTests.definition(boundTo: "echo"),
                        signature: BreakerEngineTests.by)), $0)
        }
        _ = BreakerEngineTests.force(&bench, "b", .override(.forcedOpen, forMillis: 7_000))
        let run = bench.start("parent")
        let causes = Self.explain(&bench, run)
        #expect(causes.map(\.kind) == [.child, .breaker])
        #expect(causes[0].waitsFor == [causes[1].run.description])
        #expect(causes[1].waitsFor == ["b"])
        #expect(causes[1].untilMillis == bench.now.wallMillis + 7_000)
    }

    @Test func `a ballot under way says who has not answered`() throws {
        var (bench, started, _) = StepBallotTests.start(StepBallotTests.definition())
        let run = try #require(started)
        let end = bench.now.wallMillis + 1_000
        let asked = try #require(Self.explain(&bench, run).first)
        #expect(asked.kind == .attempt && asked.waitsFor == ["a", "b", "c"])
        #expect(asked.message.hasPrefix("0 of 3 voters") && asked.untilMillis == end)
        BallotEngineTests.answer(&bench, "b", "1")
        let one = try #require(Self.explain(&bench, run).first)
        #expect(one.message.hasPrefix("1 of 3 voters") && one.waitsFor == ["a", "c"])
    }

    @Test func `a step without an instance tells those that drain from none`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        var news = SessionNews()
        news.isDraining = true
        rig.post(.session(.heard(news, PortNumber(rawValue: 1))))
        let run = try #require(rig.start())
        let index = try #require(rig.engine.runIndex[run])
        let draining = try #require(rig.engine.causes(of: index).first)
        #expect(draining.kind == .queue && draining.message.hasSuffix("drain"))
        rig.leave(1)
        #expect(rig.engine.causes(of: index).first?.kind == .noAgent)
    }

    @Test func `an attempt waits for an instance whose connection has broken`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        let run = try #require(rig.start())
        #expect(rig.taken(1).count == 1)
        let index = try #require(rig.engine.runIndex[run])
        #expect(rig.engine.causes(of: index).first?.kind == .attempt)
        rig.drop(1)
        let cause = try #require(rig.engine.causes(of: index).first)
        #expect(cause.kind == .noAgent && cause.waitsFor == ["w/1"])
        #expect(cause.untilMillis == rig.now.wallMillis + 1_000, "as long as its lease")
    }

    @Test func `a run that is too young to be continued says so`() {
        var bench = KeyEngineTests.bench(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [Self.bare("next", .continueAsNew(ContinueSpec()))]))
        let run = bench.start("w")
        let cause = Self.explain(&bench, run).first
        #expect(cause?.kind == .wait)
        #expect(cause?.message == "a run is continued when it is a second old")
        #expect(cause?.untilMillis == bench.now.wallMillis + 1_000)
    }

    @Test func `a paused and a queued run say so`() {
        var bench = KeyEngineTests.bench(
            WorkflowDefinition(
                name: "w", version: "1", steps: [Self.step("a"), Self.step("b", ["a"])]))
        let first = bench.start("w", workflowID: "mine", conflict: .fail)
        let second = bench.start("w", workflowID: "mine", conflict: .enqueue)
        let queued = Self.explain(&bench, second)
        #expect(queued.map(\.kind) == [.run] && queued.first?.position == 0)
        #expect(queued.first?.waitsFor == [first.description])
        bench.send {
            .operateRun(
                OperateRun(run: .run(.default, first), operation: .pause(reason: "lunch")), $0)
        }
        bench.finishLast(EngineBench.success)
        let paused = Self.explain(&bench, first)
        #expect(paused.first?.message == "the run is paused: lunch")
        #expect(paused.count == 2, "the step that is ready says so too")
    }
}
