import GRPC
import Testing

/// How a client goes.
@Suite(.timeLimit(.minutes(1))) struct ClientCloseTests {
    @Test func `a client that is closed while it connects is closed`() async throws {
        let echo = try await EchoServer()
        for _ in 0..<50 {
            let client = GRPCClient(host: "localhost", port: echo.port, group: echo.group)
            let call = Task { try await client.unary(EchoServer.never, framed: framed([1])) }
            await Task.yield()
            await client.close()
            let status = await #expect(throws: GRPCStatus.self) { try await call.value }
            #expect(status?.code == .cancelled || status?.code == .unavailable)
        }
        try await echo.stop()
    }
}
