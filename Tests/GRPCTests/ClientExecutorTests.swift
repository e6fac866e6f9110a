import GRPC
import NIOPosix
import Testing

/// Tasks on the loop of their client.
@Suite(.timeLimit(.minutes(1))) struct ClientExecutorTests {
    private func onLoop(
        _ body: @escaping @Sendable (GRPCClient) async throws -> Void
    ) async throws {
        let echo = try await EchoServer()
        let client = echo.client
        let ended = await Task(executorPreference: client.executor) { try await body(client) }
            .result
        try await echo.stop()
        try ended.get()
    }

    private static var isOnLoop: Bool { MultiThreadedEventLoopGroup.currentEventLoop != nil }

    @Test func `a task stays on the loop through its calls`() async throws {
        try await onLoop { client in
            for number in 0..<100 {
                #expect(Self.isOnLoop)
                let answer = try await client.unary(
                    EchoServer.echo, framed: framed([UInt8(number)]))
                #expect(answer.message == [UInt8(number)])
            }
        }
    }

    @Test func `one task sends while another reads, in order`() async throws {
        try await onLoop { client in
            let stream = try await client.stream(EchoServer.chat)
            async let sent: Void = {
                for number in 0..<1_000 {
                    try await stream.send(framed: framed([UInt8(number & 255)]))
                }
                stream.finishSending()
            }()
            var read = 0
            for try await message in stream {
                #expect(message == [UInt8(read & 255)] && Self.isOnLoop)
                read += 1
            }
            try await sent
            #expect(read == 1_000)
        }
    }

    @Test func `a task that is cancelled cancels its call`() async throws {
        try await onLoop { client in
            _ = try await client.unary(EchoServer.echo, framed: framed([1]))
            let calling = Task(executorPreference: client.executor) {
                try await client.unary(EchoServer.never, framed: framed([1]))
            }
            calling.cancel()
            let status = await #expect(throws: GRPCStatus.self) { try await calling.value }
            #expect(status?.code == .cancelled)
        }
    }
}
