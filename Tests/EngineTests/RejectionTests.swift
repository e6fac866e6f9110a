import Coordination
import Engine
import Store
import Testing
import Threads

@Suite struct RejectionTests {
    static func invoke(
        _ type: String, _ operation: String = "work", _ bytes: [UInt8] = [1],
        instance: String? = nil, deadlineNanos: Int64? = nil, priority: Int = 3
    ) -> Invoke {
        Invoke(
            namespace: .default, agentType: type, instance: instance.map { AgentID($0) },
            operation: operation, payload: Payload(bytes: bytes), deadlineNanos: deadlineNanos,
            arrivedNanos: 0, priority: priority)
    }

    static func rejection(_ answer: Answer) -> Rejection? {
        if case .rejected(let rejection) = answer { rejection } else { nil }
    }

    @Test func `what does not exist is refused at once, with what there is`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents().join(server.host, type: "echo", operations: ["work", "rest"])
        _ = await server.put(.chain(1, name: "known"))
        let asked: [(Answer, Rejection.Code, String, String)] = [
            (
                await server.ask { .invoke(Self.invoke("ghost"), $0) }, .notFound,
                "AGENT_TYPE_NOT_FOUND", "echo"
            ),
            (
                await server.ask { .invoke(Self.invoke("echo", "fly"), $0) }, .notFound,
                "OPERATION_NOT_FOUND", "rest, work"
            ),
            (
                await server.ask { .invoke(Self.invoke("echo", instance: "echo/9"), $0) },
                .notFound, "AGENT_NOT_FOUND", "echo/9"
            ),
            (await server.start("nope"), .notFound, "WORKFLOW_NOT_FOUND", "known"),
            (
                await server.ask {
                    .getRun(.run(.default, RunID(serial: Serial(rawValue: 5))), $0)
                }, .notFound, "RUN_NOT_FOUND", "0000000000000005"
            ),
            (
                await server.ask { .awaitRun(.workflow(.default, "w"), $0) }, .notFound,
                "RUN_NOT_FOUND", "\"w\""
            ),
            (
                await server.ask { .invoke(Self.invoke("echo", deadlineNanos: 1), $0) },
                .deadline, "DEADLINE_PASSED", "deadline"
            ),
        ]
        for (answer, code, reason, part) in asked {
            let rejection = try #require(Self.rejection(answer))
            #expect(rejection.code == code)
            #expect(rejection.reason == reason)
            #expect(rejection.message.contains(part), "\(rejection.message)")
        }
        await server.close()
    }

    @Test func `a type without a living instance is unavailable`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents().join(server.host, type: "echo")
        server.host.agentsLeft([AgentID("echo/1")])
        let answer = await server.ask { .invoke(Self.invoke("echo"), $0) }
        #expect(Self.rejection(answer)?.reason == "NO_LIVE_INSTANCE")
        #expect(Self.rejection(answer)?.code == .unavailable)
        await server.close()
    }

    @Test func `a full line refuses, health probes pass it`() async throws {
        var configuration = EngineConfiguration.defaults
        configuration.limits.maxWaitingPerType = 1
        let server = try await TestServer(store: InMemoryStore(), configuration: configuration)
        let agents = FakeAgents { assignment in
            assignment.operation == Assignment.healthOperation ? .success(assignment.payload) : nil
        }
        agents.join(server.host, type: "slow", slots: 1)
        for _ in 0..<2 { server.host.post([.invoke(Self.invoke("slow"), server.ticket())]) }
        let full = await server.ask { .invoke(Self.invoke("slow"), $0) }
        #expect(Self.rejection(full)?.code == .overloaded)
        #expect(Self.rejection(full)?.retryAfterMillis != nil)
        let probe = await server.ask {
            .invoke(Self.invoke("slow", Assignment.healthOperation, instance: "slow/1"), $0)
        }
        guard case .invoked = probe else {
            Issue.record("\(probe)")
            return
        }
        #expect(agents.dispatched.count == 2)
        server.host.close()
    }

    @Test func `the payloads of open invokes are bounded together, small ones are taken`()
        async throws
    {
        var configuration = EngineConfiguration.defaults
        configuration.limits.maxInvokeBytes = 250_000
        let server = try await TestServer(store: InMemoryStore(), configuration: configuration)
        let agents = FakeAgents { $0.operation == "keep" ? nil : .success($0.payload) }
        agents.join(server.host, type: "big", slots: 10, operations: ["keep", "say"])
        func sized(_ operation: String, _ bytes: Int) -> Invoke {
            Self.invoke("big", operation, [UInt8](repeating: 0x31, count: bytes))
        }
        let kept = (0..<2).map { _ in server.ticket() }
        server.host.post(kept.map { .invoke(sized("keep", 100_000), $0) })
        let full = await server.ask { .invoke(sized("say", 70_000), $0) }
        #expect(Self.rejection(full)?.reason == "INVOKE_BYTES_FULL")
        #expect(Self.rejection(full)?.code == .overloaded)
        let small = await server.ask { .invoke(sized("say", 60_000), $0) }
        #expect(Self.rejection(small) == nil)
        // What ends makes room again.
        server.host.post([.abandon(kept[0])])
        let next = await server.ask { .invoke(sized("say", 70_000), $0) }
        #expect(Self.rejection(next) == nil)
        server.host.close()
    }

    @Test func `a mailbox without room answers through the port`() async throws {
        var configuration = EngineConfiguration.defaults
        configuration.mailboxCapacity = 2
        let server = try await TestServer(store: InMemoryStore(), configuration: configuration)
        FakeAgents().join(server.host, type: "echo")
        let tickets = (0..<4).map { _ in server.ticket() }
        server.host.post(tickets.map { .invoke(Self.invoke("echo"), $0) })
        var reasons: [String?] = []
        for ticket in tickets {
            reasons.append(Self.rejection(await server.replies.next(ticket.call))?.reason)
        }
        #expect(reasons == [nil, nil, "MAILBOX_FULL", "MAILBOX_FULL"])
        await server.close()
    }

    @Test func `a definition's faults come back all at once`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let bad = WorkflowDefinition(
            name: "", version: "1",
            steps: [
                StepDefinition(id: "a", agentType: "t", operation: "o", dependsOn: ["b", "c"])
            ])
        let rejection = try #require(Self.rejection(await server.put(bad)))
        #expect(rejection.code == .invalid)
        #expect(
            rejection.fields.map(\.field) == [
                "name", "steps[0].depends_on[0]", "steps[0].depends_on[1]",
            ])
        await server.close()
    }

    @Test func `a version keeps its content`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        var definition = WorkflowDefinition.chain(2)
        _ = await server.put(definition)
        guard case .definitionPut(changed: false) = await server.put(definition) else {
            Issue.record("the same content again must change nothing")
            return
        }
        definition.summary = "changed"
        let taken = Self.rejection(await server.put(definition))
        #expect(taken?.reason == "VERSION_TAKEN" && taken?.code == .exists)
        definition.version = "2"
        guard case .definitionPut(changed: true) = await server.put(definition) else {
            Issue.record("a new version must be taken")
            return
        }
        await server.close()
    }

    @Test func `an earlier version keeps its content too, over a restart`() async throws {
        let store = try InMemoryStore()
        var server = try await TestServer(store: store)
        let first = WorkflowDefinition.chain(2)
        var second = first
        second.version = "2"
        second.summary = "changed"
        var changed = first
        changed.summary = "other"
        _ = await server.put(first)
        _ = await server.put(second)
        #expect(Self.rejection(await server.put(changed))?.reason == "VERSION_TAKEN")
        await server.close()
        server = try await TestServer(store: store)
        #expect(Self.rejection(await server.put(changed))?.reason == "VERSION_TAKEN")
        for definition in [first, second] {
            guard case .definitionPut(changed: true) = await server.put(definition) else {
                Issue.record("version \(definition.version) as it was must be taken")
                return
            }
        }
        await server.close()
    }

    @Test func `a draining server takes no new work and keeps open runs`() async throws {
        let store = try InMemoryStore()
        let server = try await TestServer(store: store)
        FakeAgents { _ in nil }.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        guard case .started(let run, _) = await server.start("chain") else {
            Issue.record("not started")
            return
        }
        await server.host.drain(deadlineNanos: SystemClock.monotonicNanos() + 1_000_000_000)
        #expect(Self.rejection(await server.start("chain"))?.reason == "SERVER_DRAINING")
        let invoked = await server.ask { .invoke(Self.invoke("echo"), $0) }
        #expect(Self.rejection(invoked)?.code == .unavailable)
        server.host.close()
        let copy = try store.committedCopy()
        let again = try await TestServer(store: copy)
        FakeAgents().join(again.host, type: "echo")
        let answer = await again.ask { .awaitRun(.run(.default, run), $0) }
        guard case .runClosed(let summary, _) = answer else {
            Issue.record("\(answer)")
            return
        }
        #expect(summary.status == .completed)
        #expect(summary.steps[0].attempts == 2)
        await again.close()
    }
}
