import Foundation
import GRPC
import Messages
import Stubs
import Testing

/// What clients see of a server that was told to stop while a call is open.
@Suite(.timeLimit(.minutes(2))) struct DrainTests {
    @Test func `new connections are refused at once, and an open call goes on`() async throws {
        let server = try await RunningServer.start(
            try TemporaryDirectory(), ["--with-echo", "--grace", "600"])
        let input = Payload(data: Array(#"{"millis": 60000}"#.utf8))
        let isOpen = Task {
            try await server.withClient { client in
                try await AgentServiceClient(client: client).invoke(
                    InvokeRequest(agentType: "echo", operation: "wait", payload: input))
            }
        }
        try await server.withClient { client in
            let agents = AgentServiceClient(client: client)
            var busy: Int64 = 0
            while busy == 0 {
                let listed = try await agents.listAgents(ListAgentsRequest())
                busy = Int64(listed.agents.first { $0.type == "echo" }?.inFlight ?? 0)
            }
        }
        server.command.process.terminate()
        var refusal = GRPCStatus.ok
        while !refusal.isConnectionFailure { refusal = await status(server) }
        // It listens no more, and works on what is open until the grace is over.
        #expect(server.command.process.isRunning)
        server.kill()
        let end = await #expect(throws: GRPCStatus.self) { try await isOpen.value }
        #expect(end?.isConnectionFailure == true)
        _ = await server.command.ended()
    }

    private func status(_ server: RunningServer) async -> GRPCStatus {
        do {
            try await server.withClient { client in
                _ = try await AgentServiceClient(client: client).listAgents(ListAgentsRequest())
            }
            return .ok
        } catch {
            return (error as? GRPCStatus) ?? .ok
        }
    }
}
