import GRPC
import Messages
import Stubs
import Testing

struct AgentServiceTests {
    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    @Test func `an operation that fails is an answer, not an error of the call`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let response = try await agents.invoke(
                InvokeRequest(agentType: "probe", operation: "fail", requestID: "mine"))
            #expect(!response.success && response.requestID == "mine")
            guard case .error(let failure) = response.outcome else {
                Issue.record("no failure came")
                return
            }
            #expect(failure.type == "broken" && failure.message == "as asked")
            #expect(response.metadata?.agent == "probe/1" && response.metadata?.attempts == 1)
        }
    }

    @Test func `every bad field is named in one answer`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let status = await status {
                _ = try await agents.invoke(InvokeRequest(priority: 9))
            }
            #expect(status?.code == .invalidArgument && status?.reason == "INVALID_REQUEST")
            #expect(status?.badFields.map(\.path) == ["agent_type", "operation", "priority"])
        }
    }

    @Test func `a call that its caller gives up frees the agent's slot`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let hang = InvokeRequest(agentType: "probe", operation: "hang")
            let late = await status {
                _ = try await agents.invoke(
                    hang, options: CallOptions(timeout: .milliseconds(200)))
            }
            #expect(late?.code == .deadlineExceeded)
            // The only slot is free again, or this would wait for its own deadline.
            let said = try await agents.invoke(
                InvokeRequest(agentType: "probe", operation: "say"),
                options: CallOptions(timeout: .seconds(20)))
            #expect(said.success)
        }
    }

    @Test func `health reaches a busy agent and keeps what it says`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            async let hanging: Void? = {
                _ = try? await agents.invoke(
                    InvokeRequest(agentType: "probe", operation: "hang"),
                    options: CallOptions(timeout: .seconds(2)))
            }()
            let response = try await agents.checkHealth(CheckHealthRequest())
            #expect(response.state == .degraded)
            #expect(response.agents.map(\.detail) == ["for the test"])
            _ = await hanging
        }
    }

    @Test func `a namespace that is none is refused`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let status = await status {
                _ = try await agents.invoke(
                    InvokeRequest(agentType: "probe", operation: "say"),
                    options: CallOptions(metadata: ["cadre-namespace": "a b"]))
            }
            #expect(status?.code == .invalidArgument)
        }
    }
}
