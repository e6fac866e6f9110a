import GRPC
import Messages
import Stubs
import Testing

/// Workers and callers of `Connect` that read late, come back, or say much at once that is wrong.
struct ConnectTroubleTests {
    private static func call(bytes: Int) -> InvokeRequest {
        var call = ConnectTests.call
        call.payload = Payload(data: [0x22] + Array(repeating: 0x31, count: bytes) + [0x22])
        return call
    }

    @Test func `a worker that resumes without an id goes on as who it was`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await WorkerWire(server)
            try await wire.send(ConnectTests.hello(id: ""))
            let welcome = try #require(try await wire.welcome())
            let agents = AgentServiceClient(client: server.client)
            async let answer = agents.invoke(ConnectTests.call)
            try await wire.read { !$0.assignments.isEmpty }
            let token = wire.assignments[0].token
            wire.stream.cancel()
            var again = try await WorkerWire(server)
            try await again.send(
                ConnectTests.hello(id: "", resume: welcome.session, held: [token]))
            let second = try #require(try await again.welcome())
            #expect(second.resumed && second.agentID == welcome.agentID)
            try await again.send(ConnectTests.result(token, "{}"))
            #expect(try await answer.metadata?.agent == welcome.agentID)
            let listed = try await agents.listAgents(ListAgentsRequest(agentType: "hand")).agents
            #expect(listed.map(\.id) == [welcome.agentID])
            again.stream.cancel()
        }
    }

    @Test func `a first message with faults in several parts names them all`() async throws {
        var request = ConnectTests.hello(resume: "nonsense", ready: -1, lease: 3)
        request.hello?.agent?.type = ""
        request.results = [WorkResult(token: 1)]
        try await ServerUnderTest.with { server in
            var wire = try await WorkerWire(server)
            try await wire.send(request)
            let status = await #expect(throws: GRPCStatus.self) { try await wire.welcome() }
            #expect(
                status?.badFields.map(\.path) == [
                    "hello.agent.type", "hello.resume_session", "hello.lease_millis", "ready",
                    "results[0].outcome",
                ])
        }
    }

    @Test func `a call given up before its worker read of it is not sent, nor is its credit lost`()
        async throws
    {
        try await ServerUnderTest.with { server in
            var wire = try await WorkerWire(server)
            try await wire.send(ConnectTests.hello(ready: 3))
            _ = try await wire.welcome()
            let agents = AgentServiceClient(client: server.client)
            func holds(_ count: Int32) async throws -> Bool {
                try await agents.getAgent(GetAgentRequest(agentID: "hand/1")).agent?.inFlight
                    == count
            }
            // The first comes in unread, the second stays on the way, so that the third waits.
            let large = Self.call(bytes: 1 << 20)
            var calls: [Task<InvokeResponse, any Error>] = []
            for count in 1...3 as ClosedRange<Int32> {
                calls.append(Task { try await agents.invoke(large) })
                while try await !holds(count) {}
            }
            calls.removeLast().cancel()
            while try await !holds(2) {}
            calls.append(Task { try await agents.invoke(ConnectTests.call) })
            try await wire.read { $0.assignments.count == 3 }
            let sizes = wire.assignments.map { $0.payload?.data.count }
            #expect(sizes == [(1 << 20) + 2, (1 << 20) + 2, 2])
            #expect(wire.cancelled.isEmpty)
            for work in wire.assignments {
                try await wire.send(ConnectTests.result(work.token, "{}"))
            }
            for call in calls { #expect(try await call.value.success) }
            wire.stream.cancel()
        }
    }

    @Test func `a worker that reads nothing is not kept by what it says, and hears why`()
        async throws
    {
        try await ServerUnderTest.with { server in
            var wire = try await WorkerWire(server)
            try await wire.send(ConnectTests.hello(ready: 3, lease: 2_000))
            _ = try await wire.welcome()
            let agents = AgentServiceClient(client: server.client)
            let calls = (1...3).map { _ in
                Task { try await agents.invoke(Self.call(bytes: 1 << 20)) }
            }
            while (try? await agents.getAgent(GetAgentRequest(agentID: "hand/1"))) != nil {
                try await wire.send(ConnectRequest())
            }
            for call in calls { _ = try? await call.value }
            let end = await #expect(throws: GRPCStatus.self) { try await wire.read { _ in false } }
            #expect(end?.code == .unavailable && end?.reason == "LEASE_EXPIRED")
            #expect(end?.message.contains("did not read") == true, "\(String(describing: end))")
        }
    }

    @Test func `a worker that says nothing hears so when its lease ends`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await WorkerWire(server)
            try await wire.send(ConnectTests.hello(lease: 500))
            let end = await #expect(throws: GRPCStatus.self) { try await wire.read { _ in false } }
            #expect(end?.code == .unavailable && end?.reason == "LEASE_EXPIRED")
            #expect(end?.message.contains("nothing was heard") == true)
        }
    }

    @Test func `a watcher that reads too late is told of every chunk it missed`() async throws {
        let sent = 40
        let chunk = Payload(data: Array(repeating: 0x31, count: 256 << 10))
        try await ServerUnderTest.with { server in
            var wire = try await WorkerWire(server)
            try await wire.send(ConnectTests.hello())
            _ = try await wire.welcome()
            let agents = AgentServiceClient(client: server.client)
            let updates = try await agents.invokeStream(
                InvokeStreamRequest(invoke: ConnectTests.call))
            try await wire.read { !$0.assignments.isEmpty }
            let token = wire.assignments[0].token
            for _ in 0..<sent {
                try await wire.send(
                    ConnectRequest(progress: [WorkProgress(token: token, chunk: chunk)]))
            }
            try await wire.send(ConnectTests.result(token, "{}"))
            try await wire.read { !$0.accepted.isEmpty }
            var seen = 0
            var missed = 0
            for try await update in updates {
                guard case .progress(let progress) = update.update else { continue }
                seen += progress.chunk == nil ? 0 : 1
                missed += Int(progress.missed)
            }
            #expect(seen + missed == sent && missed > 0)
            wire.stream.cancel()
        }
    }

    @Test func `the deadline of a fan-out leaves the outcomes of all others`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let request = InvokeAllRequest(invokes: [
                InvokeRequest(agentType: "probe", operation: "say"),
                InvokeRequest(agentType: "probe", operation: "hang"),
                InvokeRequest(agentType: "nobody", operation: "say"),
            ])
            // A busy machine may be late by more than is spared, but not each time.
            for _ in 0..<50 {
                let response = try? await agents.invokeAll(
                    request, options: CallOptions(timeout: .milliseconds(500)))
                guard let response else { continue }
                let reasons = response.outcomes.map {
                    if case .refusal(let refusal) = $0.outcome { refusal.reason } else { "" }
                }
                #expect(reasons == ["", "DEADLINE_PASSED", "AGENT_TYPE_NOT_FOUND"])
                #expect(response.succeeded == 1)
                return
            }
            Issue.record("no outcome came, though but one was missing")
        }
    }
}
