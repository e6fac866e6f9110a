import Coordination
import Store
import Testing

@testable import Engine

@Suite struct LeavingAgentsTests {
    @Test func `calls that wait outlast a re-join of the only instance`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let first = FakeAgents { _ in nil }
        first.join(server.host, type: "echo", slots: 1)
        let held = server.ticket()
        let any = server.ticket()
        let named = server.ticket()
        server.host.post([
            .invoke(RejectionTests.invoke("echo", instance: "echo/1"), held),
            .invoke(RejectionTests.invoke("echo"), any),
            .invoke(RejectionTests.invoke("echo", instance: "echo/1"), named),
        ])
        FakeAgents().join(server.host, type: "echo", slots: 1)
        let lost = RejectionTests.rejection(await server.replies.next(held.call))
        #expect(lost?.reason == "INSTANCE_LOST")
        for ticket in [any, named] {
            guard case .invoked(let answer) = await server.replies.next(ticket.call) else {
                Issue.record("a waiting call was turned away")
                continue
            }
            #expect(answer.agent == AgentID("echo/1"))
        }
        await server.close()
    }

    @Test func `in an upgrade, calls go to the instances that have the operation`() {
        var bench = EngineBench()
        func join(_ id: String, _ names: [String], slots: Int) {
            let operations = names.map {
                OperationDescriptor(name: $0, summary: "", isIdempotent: true)
            }
            let agent = AgentRegistration(
                id: AgentID(id), type: "a", operations: operations, slots: slots)
            bench.post(.agentsJoined([agent], PortNumber(rawValue: 0)))
        }
        func call(_ operation: String) {
            bench.send {
                .invoke(
                    Invoke(
                        namespace: .default, agentType: "a", operation: operation,
                        payload: Payload(bytes: []), deadlineNanos: nil, arrivedNanos: 0), $0)
            }
        }
        join("a/1", ["work"], slots: 4)
        join("a/2", ["work", "new"], slots: 1)
        for operation in ["new", "new", "work"] { call(operation) }
        #expect(bench.dispatches.map(\.agent.name) == ["a/2", "a/1"])
        bench.finish(bench.dispatches[1], EngineBench.success)
        #expect(bench.dispatches.count == 2, "the old one does not take it out of the line")
        bench.finish(bench.dispatches[0], EngineBench.success)
        #expect(bench.dispatches.map(\.agent.name) == ["a/2", "a/1", "a/2"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `graceful restarts spend no loss of a running step`() async throws {
        let store = try InMemoryStore()
        let (begun, told) = AsyncStream.makeStream(of: Int.self)
        var attempts = begun.makeAsyncIterator()
        let work: FakeAgents.Work = { assignment in
            told.yield(assignment.attempt)
            return nil
        }
        var server = try await TestServer(store: store)
        FakeAgents(work).join(server.host, type: "echo", count: 3)
        _ = await server.put(.chain(1))
        guard case .started(let run, _) = await server.start("chain") else {
            Issue.record("not started")
            return
        }
        for attempt in 1...7 {
            #expect(await attempts.next() == attempt)
            await server.close()
            server.host.agentsLeft((1...3).map { AgentID("echo/\($0)") })
            // What the leaving changed is on disk before the next server reads it.
            await server.close()
            server = try await TestServer(store: store)
            FakeAgents(work).join(server.host, type: "echo", count: 3)
        }
        #expect(await attempts.next() == 8)
        guard case .run(let summary, _) = await server.ask({ .getRun(.run(.default, run), $0) })
        else {
            Issue.record("the run is gone")
            return
        }
        #expect(summary.status == .running)
        #expect(summary.steps[0].attempts == 8)
        await server.close()
    }

    @Test func `instances that leave together hand nothing to one another`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { _ in nil }
        agents.join(server.host, type: "echo", count: 3)
        let ticket = server.ticket()
        server.host.post([.invoke(RejectionTests.invoke("echo"), ticket)])
        server.host.agentsLeft((1...3).map { AgentID("echo/\($0)") })
        let answer = await server.replies.next(ticket.call)
        #expect(RejectionTests.rejection(answer)?.code == .unavailable)
        #expect(agents.dispatched.count == 1)
        await server.close()
    }

    @Test func `a cancel that the store was asked about keeps its reason`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents { _ in nil }.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        guard case .started(let run, _) = await server.start("chain", workflowID: "w") else {
            Issue.record("not started")
            return
        }
        let ticket = server.ticket()
        server.host.look(
            RunLookup(
                reference: .workflow(.default, "w"), purpose: .cancel(reason: "no more need"),
                ticket: ticket))
        guard case .cancelled = await server.replies.next(ticket.call) else {
            Issue.record("not cancelled")
            return
        }
        #expect(await server.history(run).last?.kind == .runCancelled(reason: "no more need"))
        await server.close()
    }

    @Test func `who watches the pool hears when a worker takes its first work, not of each credit`()
    {
        let rig = RemoteRig()
        let watch = rig.ticket()
        rig.post(.watchAgents(watch))
        _ = rig.hello(1, credits: 0)
        #expect(Self.holds(rig, watch) == .noCredit)
        rig.say(1, credits: 1)
        #expect(Self.holds(rig, watch) == [])
        let told = rig.answers[watch.call]?.count
        _ = rig.invoke()
        rig.say(1, credits: 1)
        #expect(rig.answers[watch.call]?.count == told)
    }

    @Test func `who begins to watch while a worker is busy hears when it is not`() {
        let rig = RemoteRig()
        _ = rig.hello(1, credits: 1)
        _ = rig.invoke()
        let watch = rig.ticket()
        rig.post(.watchAgents(watch))
        rig.say(1, credits: 1)
        #expect(Self.holds(rig, watch) == [])
    }

    /// Why the only instance gets no work, as a watcher was told last.
    private static func holds(_ rig: RemoteRig, _ watch: ReplyTicket) -> AgentHold? {
        guard case .agentChange(let change)? = rig.answers[watch.call]?.last,
            case .changed(let agent) = change.kind
        else { return nil }
        return agent.holds
    }
}
