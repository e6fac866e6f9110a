import Coordination
import Engine
import Store
import Testing
import Threads

@Suite struct RunTests {
    @Test func `a workflow of n steps takes n plus one commits`() async throws {
        for count in [1, 3] {
            let commits = Locked(0)
            let store = CountingStore(try InMemoryStore()) { commits.withLock { $0 += 1 } }
            let server = try await TestServer(store: store)
            FakeAgents().join(server.host, type: "echo")
            _ = await server.put(.chain(count))
            let before = commits.snapshot
            _ = await server.run("chain")
            #expect(commits.snapshot - before == count + 1)
            await server.close()
        }
    }

    @Test func `a request id starts one run, over a restart too`() async throws {
        let store = try InMemoryStore()
        let server = try await TestServer(store: store)
        FakeAgents().join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        guard
            case .started(let first, existing: false) = await server.start(
                "chain", requestID: "r"),
            case .started(let second, existing: true) = await server.start(
                "chain", requestID: "r")
        else {
            Issue.record("not started")
            return
        }
        #expect(first == second)
        let other = await server.start("chain", input: "[]", requestID: "r")
        #expect(RejectionTests.rejection(other)?.reason == "REQUEST_ID_REUSED")
        await server.close()
        let again = try await TestServer(store: store.committedCopy())
        guard case .started(let third, existing: true) = await again.start("chain", requestID: "r")
        else {
            Issue.record("not remembered")
            return
        }
        #expect(third == first)
        await again.close()
    }

    @Test func `a workflow id has one open run`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents { _ in nil }.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        guard case .started(let run, _) = await server.start("chain", workflowID: "w") else {
            Issue.record("not started")
            return
        }
        let refused = RejectionTests.rejection(await server.start("chain", workflowID: "w"))
        #expect(refused?.code == .exists)
        #expect(refused?.message.contains(run.description) == true)
        guard
            case .started(let same, existing: true) = await server.start(
                "chain", workflowID: "w", conflict: .useExisting)
        else {
            Issue.record("not joined")
            return
        }
        #expect(same == run)
        let cancelled = await server.ask {
            .cancelRun(CancelRun(run: .workflow(.default, "w"), reason: "test"), $0)
        }
        guard case .cancelled(let summary) = cancelled else {
            Issue.record("\(cancelled)")
            return
        }
        #expect(summary.status == .cancelled)
        guard
            case .started(let next, existing: false) = await server.start(
                "chain", workflowID: "w")
        else {
            Issue.record("the id must be free again")
            return
        }
        #expect(next > run)
        server.host.close()
    }

    @Test func `closed runs are read from the store, by id and by workflow id`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents().join(server.host, type: "echo")
        _ = await server.put(.chain(2))
        let (closed, _) = try #require(await server.run("chain", input: "[1]"))
        for reference in [
            RunReference.run(.default, closed.id), .workflow(.default, closed.workflowID),
        ] {
            guard case .run(let summary, let result) = await server.ask({ .getRun(reference, $0) })
            else {
                Issue.record("not found: \(reference)")
                return
            }
            #expect(summary == closed)
            #expect(result?.text == "[1]")
        }
        let foreign = await server.ask { .getRun(.run(Namespace("other"), closed.id), $0) }
        #expect(RejectionTests.rejection(foreign)?.reason == "RUN_NOT_FOUND")
        let again = await server.ask {
            .cancelRun(CancelRun(run: .run(.default, closed.id), reason: ""), $0)
        }
        #expect(RejectionTests.rejection(again)?.reason == "RUN_CLOSED")
        let listed = await withCheckedContinuation { continuation in
            server.host.runs(
                namespace: .default, definition: "chain", openOnly: false, before: nil, limit: 10
            ) { continuation.resume(returning: (try? $0.get()) ?? []) }
        }
        #expect(listed == [closed])
        await server.close()
    }

    @Test func `a watch gives every event once, then the end`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { assignment in
            assignment.origin?.step == "s1" ? nil : .success(assignment.payload)
        }
        agents.join(server.host, type: "echo")
        _ = await server.put(.chain(2))
        guard case .started(let run, _) = await server.start("chain") else {
            Issue.record("not started")
            return
        }
        let ticket = server.ticket()
        server.host.post([.watchRun(.run(.default, run), ticket)])
        guard case .watching(let last) = await server.replies.next(ticket.call) else {
            Issue.record("not watching")
            return
        }
        let first = try #require(agents.dispatched.first)
        server.host.finished([
            AssignmentResult(
                token: first.token, outcome: .success(Payload(bytes: [0x31])), startedNanos: 0,
                endedNanos: 1)
        ])
        var sequences: [Int64] = []
        while case .events(let events) = await server.replies.next(ticket.call) {
            sequences += events.map(\.sequence)
        }
        let history = await server.history(run)
        #expect(Array(1...last) + sequences == history.map(\.sequence))
        #expect(history.last?.kind.isEnd == true)
        await server.close()
    }

    @Test func `a large input is rendered on the preparation thread`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents().join(server.host, type: "echo")
        let definition = WorkflowDefinition(
            name: "big", version: "1",
            steps: [
                StepDefinition(
                    id: "a", agentType: "echo", operation: "work",
                    inputTemplate: #"{"all":"${input}"}"#)
            ], resultTemplate: "${steps.a.output}")
        _ = await server.put(definition)
        let text = "\"" + String(repeating: "x", count: 100_000) + "\""
        let (summary, result) = try #require(await server.run("big", input: text))
        #expect(summary.status == .completed)
        #expect(result?.text == "{\"all\":\(text)}")
        await server.close()
    }

    @Test func `what a template multiplies too often fails its step or its run`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents().join(server.host, type: "echo")
        let many = "[" + repeatElement("\"${input}\"", count: 900).joined(separator: ",") + "]"
        for (name, input, result) in [
            ("input_too_large", many, "null"), ("result_too_large", "${input}", many),
        ] {
            let definition = WorkflowDefinition(
                name: name, version: "1",
                steps: [
                    StepDefinition(
                        id: "a", agentType: "echo", operation: "work", inputTemplate: input)
                ], resultTemplate: result)
            _ = await server.put(definition)
            // Few enough bytes that the sources alone would have been rendered inline.
            let text = "\"" + String(repeating: "x", count: 10_000) + "\""
            let (summary, _) = try #require(await server.run(name, input: text))
            #expect(summary.status == .failed)
            #expect(summary.failure?.type == name)
        }
        await server.close()
    }

    @Test func `payloads that left the cache are loaded from the store`() async throws {
        var configuration = EngineConfiguration.defaults
        configuration.limits.maxCachedBytes = 0
        let server = try await TestServer(store: InMemoryStore(), configuration: configuration)
        FakeAgents().join(server.host, type: "echo")
        _ = await server.put(.chain(4))
        let (summary, result) = try #require(await server.run("chain", input: #"{"a":1}"#))
        #expect(summary.status == .completed)
        #expect(result?.text == #"{"a":1}"#)
        await server.close()
    }

    @Test func `a step without an instance fails when its time is over`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        var definition = WorkflowDefinition.chain(1, type: "nobody")
        definition.steps[0].startToCloseMillis = 30
        _ = await server.put(definition)
        let (summary, _) = try #require(await server.run("chain"))
        #expect(summary.status == .failed)
        #expect(summary.steps[0].failure?.type == "no_agent")
        await server.close()
    }

    @Test func `a step that gives no result is tried again, then fails`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { _ in nil }
        agents.join(server.host, type: "echo")
        var definition = WorkflowDefinition.chain(1)
        definition.steps[0].startToCloseMillis = 20
        definition.steps[0].retry = RetryPolicy(maxAttempts: 2, initialMillis: 1, maxMillis: 1)
        _ = await server.put(definition)
        let (summary, _) = try #require(await server.run("chain"))
        #expect(summary.status == .failed)
        #expect(summary.steps[0].attempts == 2)
        #expect(summary.steps[0].failure?.type == "timeout")
        // The turn that answered hands out its cancels after its answers: one more turn is later.
        _ = await server.ask { .listAgents($0) }
        #expect(agents.cancelled == agents.dispatched.map(\.token))
        await server.close()
    }

    @Test func `work of an instance that leaves goes to another one`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let silent = FakeAgents { _ in nil }
        silent.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        let ticket = server.ticket()
        server.host.post([.invoke(RejectionTests.invoke("echo"), ticket)])
        guard case .started(let run, _) = await server.start("chain") else {
            Issue.record("not started")
            return
        }
        let other = FakeAgents()
        let described = OperationDescriptor(name: "work", summary: "", isIdempotent: true)
        server.host.agentsJoined(
            [AgentRegistration(id: AgentID("echo/2"), type: "echo", operations: [described])],
            port: Forwarding(other, server.host))
        server.host.agentsLeft([AgentID("echo/1")])
        guard case .invoked(let invoked) = await server.replies.next(ticket.call),
            case .runClosed(let summary, _) = await server.ask({
                .awaitRun(.run(.default, run), $0)
            })
        else {
            Issue.record("not answered")
            return
        }
        #expect(invoked.attempts == 2)
        #expect(invoked.agent == AgentID("echo/2"))
        #expect(summary.status == .completed)
        #expect(summary.steps[0].attempts == 2)
        await server.close()
    }

    @Test func `what may not be done twice is not repeated after a loss`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents { _ in nil }.join(
            server.host, type: "echo", count: 2, slots: 1, isIdempotent: false)
        let ticket = server.ticket()
        server.host.post([.invoke(RejectionTests.invoke("echo", instance: "echo/1"), ticket)])
        server.host.agentsLeft([AgentID("echo/1")])
        let answer = await server.replies.next(ticket.call)
        #expect(RejectionTests.rejection(answer)?.reason == "INSTANCE_LOST")
        await server.close()
    }

    @Test func `an abandoned invoke is cancelled and frees its slot`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { $0.operation == "hang" ? nil : .success($0.payload) }
        agents.join(server.host, type: "echo", slots: 1, operations: ["work", "hang"])
        let ticket = server.ticket()
        server.host.post([.invoke(RejectionTests.invoke("echo", "hang"), ticket)])
        server.host.post([.abandon(ticket)])
        guard case .invoked = await server.ask({ .invoke(RejectionTests.invoke("echo"), $0) })
        else {
            Issue.record("the slot was not freed")
            return
        }
        #expect(agents.cancelled == [agents.dispatched[0].token])
        await server.close()
    }

    @Test func `a passed deadline answers the caller and cancels the work`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { _ in nil }
        agents.join(server.host, type: "echo")
        // Long enough for the work to begin before, whatever else is being tested.
        let deadline = SystemClock.monotonicNanos() + 1_500_000_000
        let answer = await server.ask {
            .invoke(RejectionTests.invoke("echo", deadlineNanos: deadline), $0)
        }
        #expect(RejectionTests.rejection(answer)?.code == .deadline)
        // A turn gives its answers before it tells the agents: this one is of a later turn.
        _ = await server.ask { .snapshot($0) }
        #expect(agents.cancelled.count == 1)
        await server.close()
    }
}

extension HistoryEventKind {
    var isEnd: Bool {
        switch self {
        case .runCompleted, .runFailed, .runCancelled, .runTimedOut: true
        default: false
        }
    }
}
