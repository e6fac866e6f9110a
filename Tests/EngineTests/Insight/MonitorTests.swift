import Coordination
import Store
import Testing

@testable import Engine

/// What coordination is measured by.
@Suite struct MonitorTests {
    private static let milli: Int64 = 1_000_000

    private static func reading(_ bench: inout EngineBench) -> MeterReading {
        guard case .monitor(.reading(let reading))? = bench.ask({ .monitor(.read, $0) }) else {
            return MeterReading(time: bench.now, since: bench.now)
        }
        return reading
    }

    private static func type(_ reading: MeterReading, _ name: String) -> AgentTypeReading {
        reading.types.first { $0.name == name } ?? AgentTypeReading(name: "")
    }

    /// Ends an assignment whose agent says it worked so long.
    private static func finish(
        _ bench: inout EngineBench, _ assignment: Assignment?, millis: Int64,
        _ outcome: AssignmentOutcome = EngineBench.success
    ) {
        guard let assignment else { return }
        let now = bench.now.monotonicNanos
        bench.post(
            .finished(
                AssignmentResult(
                    token: assignment.token, outcome: outcome,
                    startedNanos: now - millis * milli, endedNanos: now)))
    }

    @Test func `slot time counts from the grant to the release, also of what goes on`() {
        var bench = EngineBench()
        let started = bench.now
        bench.join("a/1", type: "a")
        _ = bench.invoke("a")
        bench.pass(millis: 30)
        let first = Self.reading(&bench)
        #expect(first.since == started && first.time == bench.now)
        #expect(Self.type(first, "a").slots == 4 && Self.type(first, "a").taken == 1)
        #expect(Self.type(first, "a").instances == 1)
        #expect(Self.type(first, "a").slotNanos == 120_000_000)
        #expect(Self.type(first, "a").takenNanos == 30_000_000)
        Self.finish(&bench, bench.dispatches.last, millis: 10)
        bench.pass(millis: 70)
        let second = Self.reading(&bench)
        #expect(Self.type(second, "a").slotNanos == 400_000_000)
        #expect(Self.type(second, "a").takenNanos == 30_000_000)
        #expect(Self.type(second, "a").slotChanges == 2)
        bench.post(.agentsLeft([AgentID("a/1")]))
        bench.pass(millis: 500)
        let third = Self.type(Self.reading(&bench), "a")
        #expect(third.slotNanos == 400_000_000 && third.slots == 0 && third.instances == 0)
    }

    /// Of a worker that bounds its work by credits alone.
    private static func remote(_ rig: RemoteRig) -> AgentTypeReading {
        let ticket = rig.ticket()
        rig.post(.monitor(.read, ticket))
        guard case .monitor(.reading(let reading)) = rig.answers[ticket.call]?.last else {
            return AgentTypeReading(name: "")
        }
        return Self.type(reading, "w")
    }

    @Test func `a worker that names no slots has as many as its credits leave room for`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 1)
        for _ in 0..<5 {
            _ = rig.invoke()
            let token = try #require(rig.taken(1).first?.token)
            rig.pass(millis: 100)
            rig.say(1, results: [(token, "{}")], credits: 1)
        }
        let busy = Self.remote(rig)
        #expect(busy.slots == 1 && busy.takenNanos == 500 * Self.milli)
        #expect(busy.slotNanos == 500 * Self.milli)
        // One that gives its credits singly shows its room by what it works on.
        _ = rig.invoke()
        rig.say(1, credits: 1)
        _ = rig.invoke()
        #expect(Self.remote(rig).slots == 2 && Self.remote(rig).taken == 2)
        rig.say(1, credits: 3)
        #expect(Self.remote(rig).slots == 3)
        let list = rig.ticket()
        rig.post(.listAgents(list))
        guard case .listed(let agents, _) = rig.answers[list.call]?.last else {
            Issue.record("no list")
            return
        }
        #expect(agents.map(\.registration.slots) == [3] && agents.map(\.inFlight) == [2])
        rig.leave(1)
        #expect(Self.remote(rig).slots == 0)
    }

    @Test func `a worker that comes back has the room that it showed before`() throws {
        let rig = RemoteRig()
        let welcome = try #require(rig.hello(1, credits: 4))
        _ = rig.invoke()
        let token = try #require(rig.taken(1).first?.token)
        rig.drop(1)
        _ = rig.hello(2, resume: welcome.session, held: [token], credits: 2, can: ["work", "more"])
        #expect(Self.remote(rig).slots == 4 && Self.remote(rig).taken == 1)
        rig.say(2, results: [(token, "{}")])
        rig.leave(2)
        #expect(Self.remote(rig).slots == 0 && Self.remote(rig).taken == 0)
    }

    @Test func `an invoke's time is queue, overhead and work`() {
        var bench = EngineBench()
        bench.join("a/1", type: "a")
        for _ in 0..<5 { _ = bench.invoke("a") }
        bench.pass(millis: 20)
        #expect(Self.reading(&bench).waiting == 1)
        let all = bench.dispatches
        Self.finish(&bench, all.first, millis: 15)
        bench.pass(millis: 8)
        Self.finish(&bench, bench.dispatches.last, millis: 8, EngineBench.trouble)
        let reading = Self.reading(&bench)
        let work = Self.type(reading, "a").work
        #expect(work.finished == 2 && work.failed == 1)
        #expect(work.queueNanos == 20 * Self.milli)
        #expect(work.executionNanos == 23 * Self.milli)
        #expect(work.overheadNanos == 5 * Self.milli)
        #expect(work.communicationNanos == 5 * Self.milli)
        #expect(reading.queue.count == 2 && reading.overhead.sumNanos == 5 * Self.milli)
        #expect(reading.abandoned == 0 && reading.waiting == 0)
    }

    @Test func `what is given up and what comes too late is counted`() {
        var bench = EngineBench()
        bench.join("a/1", type: "a")
        _ = bench.invoke("a", millis: 50)
        let assignment = bench.dispatches.last
        bench.pass(millis: 60)
        Self.finish(&bench, assignment, millis: 1)
        let gone = bench.invoke("a")
        bench.post(.abandon(ReplyTicket(port: 0, call: gone)))
        let reading = Self.reading(&bench)
        #expect(reading.abandoned == 2 && reading.staleResults == 1)
        #expect(Self.type(reading, "a").work.finished == 0)
        #expect(Self.type(reading, "a").taken == 0)
    }

    @Test func `runs, commits and a step's recovery are counted`() {
        var flaky = ExplainTests.step("flaky", type: "a")
        flaky.retry = RetryPolicy(maxAttempts: 3, initialMillis: 200)
        var bench = KeyEngineTests.bench(
            WorkflowDefinition(name: "w", version: "1", steps: [flaky]))
        bench.join("a/1", type: "a")
        _ = bench.start("w")
        Self.finish(&bench, bench.dispatches.last, millis: 0, EngineBench.trouble)
        #expect(Self.reading(&bench).workRecoveries.count == 0)
        bench.pass(millis: 200)
        Self.finish(&bench, bench.dispatches.last, millis: 0, EngineBench.trouble)
        bench.pass(millis: 400)
        Self.finish(
            &bench, bench.dispatches.last, millis: 0,
            .success(Payload(bytes: Array("{}".utf8))))
        let reading = Self.reading(&bench)
        #expect(reading.runs.started == 1 && reading.runs.completed == 1, "\(reading.runs)")
        #expect(reading.activeRuns == 0)
        #expect(reading.runDurations.sumNanos == 600 * Self.milli)
        #expect(reading.workRecoveries.count == 1)
        #expect(reading.workRecoveries.sumNanos == 600 * Self.milli)
        #expect(reading.commits.count > 3 && reading.commands > 3)
    }

    @Test func `an isolation is over when the instance is back in full`() {
        var bench = EngineBench()
        IsolationEngineTests.policy(&bench)
        bench.join("a/1", "a/2", type: "a")
        IsolationEngineTests.fail(&bench, "a/1")
        #expect(Self.type(Self.reading(&bench), "a").heldInstances == 1)
        bench.pass(millis: 1_000)
        for _ in 0..<2 {
            _ = bench.invoke("a", instance: "a/1")
            bench.pass(millis: 10)
            bench.finishLast(EngineBench.success)
        }
        let reading = Self.reading(&bench)
        #expect(Self.type(reading, "a").heldInstances == 0)
        #expect(reading.agentRecoveries.count == 1)
        #expect(reading.agentRecoveries.sumNanos == 1_020 * Self.milli)
    }

    @Test func `a breaker's recovery spans half-open phases, and a new severity changes nothing`() {
        var bench = EngineBench()
        _ = BreakerEngineTests.put(&bench, BreakerEngineTests.definition())
        BreakerEngineTests.call(&bench, .failure)
        BreakerEngineTests.call(&bench, .failure)
        #expect(Self.reading(&bench).openBreakers == 1)
        bench.pass(millis: 500)
        _ = BreakerEngineTests.put(&bench, BreakerEngineTests.definition(severity: .critical))
        let tripped = Self.reading(&bench)
        #expect(tripped.openBreakers == 1 && tripped.breakers == 1 && tripped.emergencies == 1)
        bench.pass(millis: 500)
        for _ in 0..<2 { BreakerEngineTests.call(&bench, .success) }
        let closed = Self.reading(&bench)
        #expect(closed.openBreakers == 0 && closed.breakerRecoveries.count == 1)
        #expect(closed.breakerRecoveries.sumNanos == 1_000 * Self.milli)
        _ = BreakerEngineTests.force(&bench, "b", .override(.forcedOpen, forMillis: nil))
        #expect(Self.reading(&bench).openBreakers == 1)
        _ = bench.ask {
            .breaker(.delete(.default, name: "b", by: BreakerEngineTests.by), $0)
        }
        let deleted = Self.reading(&bench)
        #expect(deleted.openBreakers == 0 && deleted.breakers == 0)
        #expect(deleted.breakerRecoveries.count == 1)
    }

    @Test func `an open breaker of an earlier process counts until it closes`() throws {
        var bench = EngineBench()
        _ = BreakerEngineTests.put(&bench, BreakerEngineTests.definition())
        for _ in 0..<2 { BreakerEngineTests.call(&bench, .failure) }
        try bench.restart()
        #expect(Self.reading(&bench).openBreakers == 1)
        bench.pass(millis: 1_000)
        for _ in 0..<2 { BreakerEngineTests.call(&bench, .success) }
        #expect(Self.reading(&bench).openBreakers == 0)
    }
}
