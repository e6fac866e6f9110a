#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import GRPC
import NIOCore
import NIOPosix
import Testing

/// What a client makes of servers that say unusual things.
@Suite(.timeLimit(.minutes(1))) struct ScriptedServerTests {
    private static let group = MultiThreadedEventLoopGroup.singleton
    private static let settings = ScriptedServer.frame(type: 4)
    private static let kaputt = Array("kaputt".utf8)

    /// SETTINGS with MAX_CONCURRENT_STREAMS.
    private static func limit(_ streams: UInt8) -> [UInt8] {
        ScriptedServer.frame(type: 4, [0, 3, 0, 0, 0, streams])
    }

    private func status(
        _ greeting: [UInt8], script: @escaping ScriptedServer.Script = { _, _, _ in [] }
    ) async throws -> GRPCStatus {
        try await status(
            of: ScriptedServer.start(greeting, on: Self.group, script: script))
    }

    /// What a call of the server's only client comes to.
    private func status(of server: any Channel) async throws -> GRPCStatus {
        var configuration = ClientConfiguration.defaults
        configuration.initialBackoff = .milliseconds(1)
        let client = GRPCClient(
            host: "127.0.0.1", port: server.localAddress?.port ?? 0, group: Self.group,
            configuration: configuration)
        let status = await #expect(throws: GRPCStatus.self) {
            try await client.unary(EchoServer.echo, framed: framed([1]))
        }
        await client.close()
        try await server.close()
        return try #require(status)
    }

    @Test func `what the server says in its GOAWAY is told`() async throws {
        // Last stream 0, INTERNAL_ERROR, and words.
        let goAway = ScriptedServer.frame(type: 7, [0, 0, 0, 0, 0, 0, 0, 2] + Self.kaputt)
        let status = try await status(Self.settings + goAway)
        #expect(status.code == .unavailable)
        #expect(
            status.message.hasSuffix("takes no more calls: it said INTERNAL_ERROR (2) \"kaputt\""),
            "\(status)")
    }

    @Test func `a server that does not speak HTTP2 is named as such`() async throws {
        let status = try await status(Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8))
        #expect(status.code == .unavailable)
        #expect(
            status.message.hasSuffix("the server does not speak HTTP/2; is this its gRPC port?"),
            "\(status)")
    }

    @Test(arguments: [true, false])
    func `a server that closes before it speaks HTTP2 may be another one`(isReset: Bool)
        async throws
    {
        let server = try await ServerBootstrap(group: Self.group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Deaf(isReset: isReset))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
        let status = try await status(of: server)
        #expect(status.code == .unavailable)
        #expect(
            status.message.hasSuffix(
                "the server closed it before it spoke HTTP/2; is this its gRPC port?"),
            "\(status)")
    }

    /// Closes when the client has said something, or at once with a reset.
    private final class Deaf: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let isReset: Bool

        init(isReset: Bool) { self.isReset = isReset }

        func channelActive(context: ChannelHandlerContext) {
            guard isReset else { return }
            let socket = context.channel as? any SocketOptionProvider
            _ = socket?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
            context.close(promise: nil)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.close(promise: nil)
        }
    }

    @Test func `a reset is told by its name`() async throws {
        let status = try await status(Self.settings) { type, _, stream in
            type == 1 ? ScriptedServer.frame(type: 3, stream: stream, [0, 0, 0, 11]) : []
        }
        #expect(status.code == .resourceExhausted)
        #expect(status.message == "the server reset the stream: ENHANCE_YOUR_CALM (11)")
    }

    @Test func `calls that wait go on when the server raises its limit of streams`() async throws {
        // `:status 200`, `content-type: application/grpc` and `grpc-status: 5`, each spelled out.
        var head: [UInt8] = [0x88]
        for (name, value) in [("content-type", "application/grpc"), ("grpc-status", "5")] {
            head += [0, UInt8(name.utf8.count)] + Array(name.utf8)
            head += [UInt8(value.utf8.count)] + Array(value.utf8)
        }
        let answer = head
        // The answer to the PING comes after the client has seen that it may open no stream.
        let ping = ScriptedServer.frame(type: 6, [UInt8](repeating: 0, count: 8))
        let status = try await status(Self.limit(0) + ping) { type, _, stream in
            switch type {
            case 6: Self.limit(1)
            case 1: ScriptedServer.frame(type: 1, flags: 5, stream: stream, answer)
            default: []
            }
        }
        #expect(status.code == .notFound, "\(status)")
    }
}
