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
}
