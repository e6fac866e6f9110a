import Messages
import Stubs
import Testing

/// Pools of the server's own agents, on the real binary.
struct PoolTests {
    @Test func `an instance is made for a call and goes when it is idle`() async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(
            directory, ["--with-echo", "--pools", "echo=0..2,idle=1,queue=7"])
        try await server.withClient { client in
            let agents = AgentServiceClient(client: client)
            let changes = try await agents.watchAgents(WatchAgentsRequest(agentType: "echo"))
            let answer = try await agents.invoke(
                InvokeRequest(agentType: "echo", operation: "say"))
            #expect(answer.success)
            let listed = try await agents.listAgents(ListAgentsRequest(agentType: "echo"))
            let pool = try #require(listed.pools.first)
            #expect(pool.agentType == "echo" && pool.maxInstances == 2 && pool.maxWaiting == 7)
            #expect(pool.created >= 1)
            for try await change in changes { if case .removed = change.update { break } }
            changes.cancel()
            let later = try await agents.invoke(
                InvokeRequest(agentType: "echo", operation: "say"))
            #expect(later.success, "another one is made")
        }
        #expect(await server.terminate() == 0)
    }

    @Test func `a pool of a type that is not there is refused at the start`() async throws {
        let directory = try TemporaryDirectory()
        await #expect(throws: RunningServer.StartFailure.self) {
            _ = try await RunningServer.start(directory, ["--pools", "nobody=1..2"])
        }
    }
}
