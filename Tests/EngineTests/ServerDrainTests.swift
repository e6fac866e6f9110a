import Coordination
import Store
import Testing

@testable import Engine

/// Servers that finish what is open and go down.
@Suite struct ServerDrainTests {
    @Test func `a server that drains begins no step, and fails none for it`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 1)
        let steps = [
            StepDefinition(id: "a", agentType: "w", operation: "work"),
            StepDefinition(id: "b", agentType: "w", operation: "work", dependsOn: ["a"]),
        ]
        let run = try #require(rig.start(steps))
        let waiting = try #require(rig.start(steps))
        let token = rig.taken(1)[0].token
        rig.engine.beginDraining()
        rig.say(1, results: [(token, "{}")], credits: 8)
        #expect(rig.accepted(1) == [token])
        for _ in 0..<100 {
            rig.pass(millis: 900)
            rig.say(1)
        }
        #expect(rig.taken(1).isEmpty)
        #expect(rig.state(run)?.steps[1].state == .scheduled)
        #expect(rig.state(waiting)?.steps[0].state == .scheduled)
        try rig.restart()
        _ = rig.hello(2)
        #expect(rig.taken(2).map(\.origin?.step) == ["b", "a"])
    }

    @Test(arguments: [nil, 900])
    func `a step in the hands of a worker that the server cuts off stays with it`(
        heartbeat: Int64?
    ) throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        var step = StepDefinition(id: "s", agentType: "w", operation: "work")
        step.heartbeatMillis = heartbeat
        let run = try #require(rig.start([step]))
        let token = rig.taken(1)[0].token
        let row = rig.runs[run]
        rig.engine.beginDraining()
        rig.drop(1)
        rig.pass(millis: 5_000)
        #expect(rig.hello(2, held: [token]) == nil, "the server takes nobody any more")
        #expect(rig.runs[run] == row && rig.state(run)?.steps[0].attempt == 1)
        try rig.restart()
        _ = rig.hello(3, held: [token])
        rig.say(3, results: [(token, "{}")])
        #expect(rig.accepted(3) == [token])
        #expect(rig.runs[run]?.closedMillis != nil)
    }

    @Test func `who waits for a run is answered if somebody is at work on it, and told if not`()
        throws
    {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 1)
        let begun = try #require(rig.start())
        let inLine = try #require(rig.start())
        let (works, waits) = (Self.wait(begun, rig), Self.wait(inLine, rig))
        rig.engine.beginDraining()
        rig.settle()
        #expect(rig.reason(waits) == "SERVER_DRAINING" && rig.answers[works] == nil)
        #expect(rig.engine.openAwaitCount == 1)
        let late = Self.wait(inLine, rig)
        #expect(rig.reason(late) == "SERVER_DRAINING")
        rig.say(1, results: [(rig.taken(1)[0].token, "{}")])
        guard case .runClosed(let summary, _)? = rig.answers[works]?.first else {
            Issue.record("\(String(describing: rig.answers[works]))")
            return
        }
        #expect(summary.status == .completed && rig.engine.openAwaitCount == 0)
    }

    @Test func `who waits for a run is told when no step can go on, or its worker is gone`() throws
    {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 2)
        let two = try #require(
            rig.start([
                StepDefinition(id: "a", agentType: "w", operation: "work"),
                StepDefinition(id: "b", agentType: "w", operation: "work", dependsOn: ["a"]),
            ]))
        let one = try #require(rig.start())
        let (first, second) = (Self.wait(two, rig), Self.wait(one, rig))
        rig.engine.beginDraining()
        rig.settle()
        #expect(rig.engine.openAwaitCount == 2)
        rig.say(1, results: [(rig.taken(1)[0].token, "{}")])
        #expect(rig.reason(first) == "SERVER_DRAINING" && rig.answers[second] == nil)
        rig.drop(1)
        #expect(rig.reason(second) == "SERVER_DRAINING")
    }

    @Test func `a run goes on without agents while somebody works on one below it`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        _ = try #require(rig.start())
        let above = WorkflowDefinition(
            name: "above", version: "1",
            steps: [
                RunOperationTests.bare("sub", .child(ChildSpec(workflow: "one"))),
                RunOperationTests.bare("tell", .publish(eventType: "done"), ["sub"]),
            ])
        rig.post(
            .putDefinition(PutDefinition(namespace: .default, definition: above), rig.ticket()))
        let start = StartRun(
            namespace: .default, definition: "above", workflowID: "",
            input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail)
        let started = rig.ticket()
        rig.post(.startRun(start, started))
        guard case .started(let run, _)? = rig.answers[started.call]?.first else {
            Issue.record("not started")
            return
        }
        let works = Self.wait(run, rig)
        rig.engine.beginDraining()
        rig.settle()
        #expect(rig.answers[works] == nil)
        rig.say(1, results: rig.taken(1).map { ($0.token, "{}") })
        guard case .runClosed(let summary, _)? = rig.answers[works]?.first else {
            Issue.record("\(String(describing: rig.answers[works]))")
            return
        }
        #expect(summary.status == .completed)
    }

    @Test func `a call that waits for an instance that cannot come is refused`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1)
        rig.leave(1)
        let call = rig.invoke(startByNanos: rig.now.monotonicNanos + 60_000_000_000)
        #expect(rig.answers[call] == nil)
        rig.engine.beginDraining()
        rig.settle()
        #expect(rig.reason(call) == "SERVER_DRAINING" && rig.engine.openInvokeCount == 0)
    }

    @Test func `a call that was lost before a stop may have run`() throws {
        let rig = RemoteRig()
        _ = rig.hello(1, isIdempotent: true)
        let call = rig.invoke(startByNanos: rig.now.monotonicNanos + 60_000_000_000)
        #expect(rig.taken(1).count == 1)
        rig.leave(1)
        #expect(rig.answers[call] == nil)
        rig.engine.beginDraining()
        rig.settle()
        #expect(rig.reason(call) == "INSTANCE_LOST" && rig.engine.openInvokeCount == 0)
    }

    private static func wait(_ run: RunID, _ rig: RemoteRig) -> UInt64 {
        let ticket = rig.ticket()
        rig.post(.awaitRun(.run(.default, run), ticket))
        return ticket.call
    }

    @Test(.timeLimit(.minutes(1)))
    func `a drain may wait for steps that agents of the process work on`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let (begun, told) = AsyncStream.makeStream(of: Assignment.self)
        let agents = FakeAgents { assignment in
            told.yield(assignment)
            return nil
        }
        agents.join(server.host, type: "echo")
        _ = await server.put(.chain(2))
        guard case .started(let run, _) = await server.start("chain") else {
            Issue.record("not started")
            return
        }
        var attempts = begun.makeAsyncIterator()
        let work = try #require(await attempts.next())
        // Its time is over at once: the step is open.
        await server.host.drain(deadlineNanos: 0, awaitsSteps: true)
        guard case .snapshot(let open) = await server.ask({ .snapshot($0) }) else {
            Issue.record("no snapshot")
            return
        }
        #expect(open.localSteps == 1 && open.openInvokes == 0)
        async let drained: Void = server.host.drain(deadlineNanos: .max, awaitsSteps: true)
        server.host.finished([
            AssignmentResult(
                token: work.token, outcome: .success(work.payload), startedNanos: 0,
                endedNanos: 1)
        ])
        await drained
        guard case .run(let summary, _) = await server.ask({ .getRun(.run(.default, run), $0) })
        else {
            Issue.record("the run is gone")
            return
        }
        #expect(summary.steps.map(\.state) == [.completed, .scheduled])
        #expect(agents.dispatched.count == 1)
        await server.close()
    }
}
