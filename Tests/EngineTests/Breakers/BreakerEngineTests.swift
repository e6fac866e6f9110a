import Coordination
import Store
import Testing

@testable import Engine

@Suite struct BreakerEngineTests {
    static let by = Signature(actor: "ann", reason: "drill")

    static let policy = BreakerPolicy(
        window: .calls(10), minimumCalls: 2, failureRate: 0.5, halfOpenPermits: 2,
        successesToClose: 2, openMillis: 1_000, openJitter: 0)

    static func definition(
        _ name: String = "b", severity: BreakerSeverity = .medium, boundTo type: String? = nil
    ) -> BreakerDefinition {
        var policy = policy
        policy.severity = severity
        return BreakerDefinition(
            name: name, rules: .calls(policy), binding: type.map { .init(agentType: $0) })
    }

    static func put(
        _ bench: inout EngineBench, _ definition: BreakerDefinition, requestID: String = ""
    ) -> Answer? {
        let signature = Signature(actor: "ann", requestID: requestID)
        return bench.ask {
            .breaker(
                .put(
                    PutBreaker(
                        namespace: .default, definition: definition, signature: signature)), $0)
        }
    }

    static func force(
        _ bench: inout EngineBench, _ name: String, _ change: ForceBreaker.Change
    ) -> Answer? {
        bench.ask {
            .breaker(
                .force(
                    ForceBreaker(namespace: .default, name: name, change: change, signature: by)),
                $0)
        }
    }

    static func get(_ bench: inout EngineBench, _ name: String = "b") -> BreakerView? {
        bench.ask { .breaker(.get(.default, name: name), $0) }?.breaker
    }

    static func permit(_ bench: inout EngineBench, _ name: String = "b") -> PermitDecision? {
        guard
            case .breaker(.permit(let decision, _)) = bench.ask({
                .breaker(.permit(.default, name: name), $0)
            })
        else { return nil }
        return decision
    }

    static func call(_ bench: inout EngineBench, _ verdict: CallVerdict) {
        guard case .granted(let permit) = permit(&bench) else { return }
        let report = BreakerReport(
            name: "b", content: .call(permit, verdict, durationNanos: 1_000))
        bench.send { .breaker(.report(.default, [report]), $0) }
    }

    @Test func `reports open it, time half-opens it, probes close it, and it says why`() {
        var bench = EngineBench()
        #expect(Self.put(&bench, Self.definition())?.breaker?.state == .closed)
        for _ in 0..<2 { Self.call(&bench, .failure) }
        let open = Self.get(&bench)
        #expect(open?.state == .open)
        #expect(open?.lastTrip?.rule == .failureRate)
        #expect(open?.nextChangeMillis == bench.now.wallMillis + 1_000)
        #expect(
            Self.permit(&bench)
                == .refused(BreakerRefusal(state: .open, retryAfterNanos: 1_000_000_000)))
        bench.pass(millis: 1_000)
        #expect(Self.get(&bench)?.state == .halfOpen)
        for _ in 0..<2 { Self.call(&bench, .success) }
        #expect(Self.get(&bench)?.state == .closed)
    }

    @Test func `an open breaker stays open over a restart for the time that is left`() throws {
        var bench = EngineBench()
        _ = Self.put(&bench, Self.definition(severity: .critical))
        for _ in 0..<2 { Self.call(&bench, .failure) }
        #expect(bench.engine.mode(of: .default) == .emergency)
        try bench.restart(after: 400)
        #expect(bench.engine.mode(of: .default) == .emergency)
        #expect(
            Self.permit(&bench)
                == .refused(BreakerRefusal(state: .open, retryAfterNanos: 600_000_000)))
        #expect(Self.get(&bench)?.lastTrip?.failures == 2)
        bench.pass(millis: 600)
        #expect(Self.get(&bench)?.state == .halfOpen)
    }

    static func report(
        _ bench: inout EngineBench, _ name: String, _ content: BreakerReport.Content
    ) -> Answer? {
        bench.ask {
            .breaker(.report(.default, [BreakerReport(name: name, content: content)]), $0)
        }
    }

    @Test func `a metric breaker whose value was good closes after a restart, too`() throws {
        var bench = EngineBench()
        let policy = MetricPolicy(tripAt: 10, recoverAt: 5, holdMillis: 300)
        _ = Self.put(&bench, BreakerDefinition(name: "m", rules: .metric(policy)))
        for value in [11.0, 4] { _ = Self.report(&bench, "m", .value(value)) }
        try bench.restart()
        #expect(Self.get(&bench, "m")?.state == .open && Self.get(&bench, "m")?.lastValue == 4)
        bench.pass(millis: 299)
        #expect(Self.get(&bench, "m")?.state == .open)
        bench.pass(millis: 1)
        #expect(Self.get(&bench, "m")?.state == .closed)
        // A value that is not good any more outlives it as well.
        for value in [11.0, 4, 7] { _ = Self.report(&bench, "m", .value(value)) }
        try bench.restart()
        bench.pass(millis: 1_000)
        #expect(Self.get(&bench, "m")?.state == .open && Self.get(&bench, "m")?.lastValue == 7)
    }

    @Test func `that a value is good is on disk before it is answered`() throws {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        var now = EngineTime(monotonicNanos: 1, wallMillis: 1_000)
        func ticket(_ call: UInt64) -> ReplyTicket { ReplyTicket(port: 0, call: call) }
        func value(_ value: Double, _ call: UInt64) -> Command {
            let report = BreakerReport(name: "m", content: .value(value))
            return .breaker(.report(.default, [report]), ticket(call))
        }
        let policy = MetricPolicy(tripAt: 10, recoverAt: 5, holdMillis: 300)
        let definition = BreakerDefinition(name: "m", rules: .metric(policy))
        engine.submit(
            .breaker(
                .put(PutBreaker(namespace: .default, definition: definition, signature: Self.by)),
                ticket(1)))
        engine.submit(value(11, 2))
        _ = engine.turn(now, random: 1)
        var sealed = engine.seal()
        let first = try #require(sealed)
        _ = engine.batchCommitted(first.number, at: now)
        now.monotonicNanos += 1
        engine.submit(value(4, 3))
        #expect(engine.turn(now, random: 1).replies.isEmpty)
        sealed = engine.seal()
        let second = try #require(sealed)
        #expect(second.entities.map(\.entityKind) == [.breaker])
        #expect(engine.batchCommitted(second.number, at: now).replies.map(\.ticket.call) == [3])
        engine.submit(value(3, 4))
        #expect(engine.turn(now, random: 1).replies.map(\.ticket.call) == [4], "no more to write")
    }

    @Test func `a report that its breaker does not look at is refused, with all beside it`() {
        var bench = EngineBench()
        _ = Self.put(&bench, Self.definition("c"))
        let policy = MetricPolicy(tripAt: 10, recoverAt: 5)
        _ = Self.put(&bench, BreakerDefinition(name: "m", rules: .metric(policy)))
        guard case .granted(let permit) = Self.permit(&bench, "m") else {
            Issue.record("refused")
            return
        }
        let call = BreakerReport.Content.call(permit, .failure, durationNanos: 1)
        let metric = Self.report(&bench, "m", call)?.rejection
        #expect(metric?.code == .invalid && metric?.reason == "WRONG_REPORT")
        #expect(metric?.message.contains("\"m\" looks at a value") == true)
        #expect(metric?.fields.map(\.field) == ["call"])
        let calls = Self.report(&bench, "c", .value(1))?.rejection
        #expect(calls?.message.contains("\"c\" looks at calls") == true)
        #expect(calls?.fields.map(\.field) == ["value"])
        let both = [
            BreakerReport(name: "m", content: .value(11)),
            BreakerReport(name: "c", content: .value(11), place: "reports[1]."),
        ]
        let refusal = bench.ask { .breaker(.report(.default, both), $0) }?.rejection
        #expect(refusal?.code == .invalid && refusal?.fields.map(\.field) == ["reports[1].value"])
        #expect(Self.get(&bench, "m")?.lastValue == nil)
    }

    @Test func `overrides end at their time, also over a restart, and stand in the audit log`()
        throws
    {
        var bench = EngineBench()
        _ = Self.put(&bench, Self.definition())
        #expect(
            Self.force(&bench, "b", .override(.forcedOpen, forMillis: 5_000))?.breaker?.state
                == .forcedOpen)
        try bench.restart(after: 2_000)
        #expect(Self.get(&bench)?.override?.reason == "drill")
        bench.pass(millis: 2_999)
        #expect(Self.get(&bench)?.state == .forcedOpen)
        bench.pass(millis: 1)
        #expect(Self.get(&bench)?.state == .closed)
        #expect(bench.audits.map(\.action) == ["PutBreaker", "ForceBreaker"])
        #expect(bench.audits.last?.before == "closed")
        let until = Timestamp(millis: 1_700_000_000_000 + 5_000)
        #expect(bench.audits.last?.after == "forced_open until \(until): drill")
    }

    @Test func `watchers see every change in order, then nothing once they have left`() {
        var bench = EngineBench()
        let watch = bench.send { .breaker(.watch(.default), $0) }
        _ = Self.put(&bench, Self.definition())
        for _ in 0..<2 { Self.call(&bench, .failure) }
        bench.pass(millis: 1_000)
        _ = bench.ask { .breaker(.delete(.default, name: "b", by: Self.by), $0) }
        let seen = (bench.answers[watch] ?? []).map { answer in
            switch answer {
            case .breaker(.snapshot(let all)): "snapshot \(all.count)"
            case .breaker(.changed(let view)): view.state.word
            case .breaker(.deleted(let name)): "deleted \(name)"
            default: "\(answer)"
            }
        }
        #expect(seen == ["snapshot 0", "closed", "open", "half_open", "deleted b"])
        bench.post(.abandon(ReplyTicket(port: 0, call: watch)))
        _ = Self.put(&bench, Self.definition())
        #expect(bench.answers[watch]?.count == seen.count)
        #expect(bench.engine.breakers.watchers == 0)
    }

    @Test func `what is not there is NOT_FOUND and names what is`() {
        var bench = EngineBench()
        _ = Self.put(&bench, Self.definition())
        let get = bench.ask { .breaker(.get(.default, name: "x"), $0) }?.rejection
        #expect(get?.code == .notFound)
        #expect(get?.message.contains("there are: b") == true)
        let delete = bench.ask { .breaker(.delete(.default, name: "x", by: Self.by), $0) }
        #expect(delete?.rejection?.reason == "BREAKER_NOT_FOUND")
        #expect(Self.force(&bench, "x", .reset)?.rejection?.code == .notFound)
        let report = BreakerReport(name: "x", content: .value(1))
        guard
            case .breaker(.reported(let outcomes)) = bench.ask({
                .breaker(.report(.default, [report]), $0)
            })
        else { return #expect(Bool(false)) }
        #expect(outcomes == [nil])
    }

    @Test func `a repeated request id changes nothing, and one with other content is refused`() {
        var bench = EngineBench()
        _ = Self.put(&bench, Self.definition(), requestID: "r")
        #expect(Self.put(&bench, Self.definition(), requestID: "r")?.breaker?.state == .closed)
        #expect(bench.audits.count == 1)
        let other = Self.put(&bench, Self.definition(severity: .high), requestID: "r")
        #expect(other?.rejection?.reason == "REQUEST_ID_REUSED")
    }

    @Test func `a permit of a deleted breaker finds nothing in one of the same name`() {
        var bench = EngineBench()
        _ = Self.put(&bench, Self.definition(boundTo: "a"))
        bench.join("a/1", type: "a")
        let call = bench.invoke("a")
        _ = bench.ask { .breaker(.delete(.default, name: "b", by: Self.by), $0) }
        _ = Self.put(&bench, Self.definition(boundTo: "a"))
        bench.finishLast(EngineBench.trouble)
        #expect(bench.answers[call]?.count == 1)
        #expect(Self.get(&bench)?.counts == BreakerCounts())
    }

    // MARK: Guarded calls

    @Test
    func `calls of agents pass their breaker, and are refused with its name while it is open`() {
        var bench = EngineBench()
        bench.join("a/1", type: "a")
        _ = Self.put(&bench, Self.definition(boundTo: "a"))
        for _ in 0..<2 {
            _ = bench.invoke("a")
            bench.finishLast(EngineBench.trouble)
        }
        let refused = bench.invoke("a")
        let rejection = bench.answers[refused]?.last?.rejection
        #expect(rejection?.code == .unavailable)
        #expect(rejection?.retryAfterMillis == 1_000)
        #expect(
            rejection?.details
                == ["breaker": "b", "state": "open", "retry_after_ms": "1000"])
        bench.pass(millis: 1_000)
        for _ in 0..<2 {
            _ = bench.invoke("a")
            bench.finishLast(EngineBench.success)
        }
        #expect(Self.get(&bench)?.state == .closed)
    }

    @Test func `a call that its caller gives up gives a probe's permit back`() {
        var bench = EngineBench()
        bench.join("a/1", type: "a")
        _ = Self.put(&bench, Self.definition(boundTo: "a"))
        for _ in 0..<2 {
            _ = bench.invoke("a")
            bench.finishLast(EngineBench.trouble)
        }
        bench.pass(millis: 1_000)
        let probes = [bench.invoke("a"), bench.invoke("a")]
        #expect(Self.get(&bench)?.window?.permitsOut == 2)
        for probe in probes { bench.post(.abandon(ReplyTicket(port: 0, call: probe))) }
        #expect(Self.get(&bench)?.window?.permitsOut == 0)
        #expect(Self.get(&bench)?.state == .halfOpen)
    }

    @Test func `a failure that is the caller's own does not count`() {
        var bench = EngineBench()
        bench.join("a/1", type: "a")
        _ = Self.put(&bench, Self.definition(boundTo: "a"))
        let fault = AssignmentOutcome.failure(
            StepFailure(type: "bad_input", message: "", retryable: false))
        for _ in 0..<5 {
            _ = bench.invoke("a")
            bench.finishLast(fault)
        }
        #expect(Self.get(&bench)?.state == .closed)
        #expect(Self.get(&bench)?.counts.excluded == 5)
    }

    @Test func `steps wait behind an open breaker and go on when it lets them`() {
        var bench = EngineBench()
        bench.join("echo/1", type: "echo")
        _ = Self.put(&bench, Self.definition(boundTo: "echo"))
        _ = Self.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        _ = bench.ask {
            .putDefinition(PutDefinition(namespace: .default, definition: .chain(1)), $0)
        }
        let started = bench.ask {
            .startRun(
                StartRun(
                    namespace: .default, definition: "chain", workflowID: "w",
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail), $0)
        }
        guard case .started = started else { return #expect(Bool(false)) }
        bench.pass(millis: 600_000)
        #expect(bench.dispatches.isEmpty)
        _ = Self.force(&bench, "b", .release)
        #expect(bench.dispatches.count == 1)
        bench.finishLast(.success(Payload(bytes: Array("1".utf8))))
        let run = bench.ask { .getRun(.workflow(.default, "w"), $0) }
        if case .run(let summary, _) = run { #expect(summary.status == .completed) }
        #expect(Self.get(&bench)?.counts.successes == 1)
    }

    @Test func `a step that has a time to start does not wait behind a breaker for ever`() {
        var bench = EngineBench()
        bench.join("echo/1", type: "echo")
        _ = Self.put(&bench, Self.definition(boundTo: "echo"))
        _ = Self.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        var definition = WorkflowDefinition.chain(1)
        definition.steps[0].scheduleToStartMillis = 5_000
        _ = bench.ask {
            .putDefinition(PutDefinition(namespace: .default, definition: definition), $0)
        }
        _ = bench.ask {
            .startRun(
                StartRun(
                    namespace: .default, definition: "chain", workflowID: "w",
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail), $0)
        }
        bench.pass(millis: 4_999)
        #expect(Self.status(&bench) == .running)
        bench.pass(millis: 1)
        #expect(bench.engine.runIndex.isEmpty, "it has ended")
        #expect(bench.dispatches.isEmpty)
    }

    private static func status(_ bench: inout EngineBench) -> RunStatus? {
        guard case .run(let summary, _) = bench.ask({ .getRun(.workflow(.default, "w"), $0) })
        else {
            return nil
        }
        return summary.status
    }
}
