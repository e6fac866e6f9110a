import NIOCore
import NIOPosix
import Testing

@testable import GRPC
@testable import HTTP2

/// A client's connections, seen from its loop.
@Suite(.timeLimit(.minutes(1))) struct ClientCoreTests {
    /// A client's core and its loop.
    private struct Client {
        let core: NIOLoopBound<ClientCore>

        init(port: Int, initialBackoff: Duration = .seconds(1)) async throws {
            var configuration = ClientConfiguration.defaults
            configuration.initialBackoff = initialBackoff
            configuration.maxBackoff = max(configuration.maxBackoff, initialBackoff)
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            core = try await loop.submit { [configuration] in
                NIOLoopBound(
                    ClientCore(
                        host: "127.0.0.1", port: port, configuration: configuration,
                        eventLoop: loop),
                    eventLoop: loop)
            }.get()
        }

        func onLoop<Answer: Sendable>(
            _ body: @escaping @Sendable (ClientCore) throws -> Answer
        ) async throws -> Answer {
            try await core.eventLoop.submit { try body(core.value) }.get()
        }

        /// Makes a unary call and returns how it ended.
        func call() async throws -> GRPCStatus {
            let ended = core.eventLoop.makePromise(of: GRPCStatus.self)
            try await onLoop { core in
                let call = ClientCall(
                    EchoServer.echo, options: .defaults, core: core, sink: Sink(ended),
                    creditsOnUse: false)
                call.send(framed: framed([1]))
                call.finishSending()
                core.start(call)
            }
            return try await ended.futureResult.get()
        }

        func close() async throws {
            try await core.eventLoop.flatSubmit { core.value.close() }.get()
        }
    }

    private final class Sink: ClientCallSink {
        private let promise: EventLoopPromise<GRPCStatus>

        init(_ promise: EventLoopPromise<GRPCStatus>) { self.promise = promise }

        func headReceived(_ metadata: Metadata) {}
        func messageReceived(_ message: [UInt8]) {}
        func becameWritable() {}
        func ended(_ status: GRPCStatus, _ trailers: Metadata) { promise.succeed(status) }
    }

    @Test func `a client that cannot connect keeps nothing of its attempts`() async throws {
        let client = try await Client(port: 1)
        #expect(try await client.call().code == .unavailable)
        // NIO lets go of the pipeline a tick after it has told of the failure, which this thread may
        // come before; what is kept for good is found by the suite's limit.
        while try await client.onLoop({ $0.open.count }) > 0 { await Task.yield() }
        try await client.close()
    }

    @Test func `when the identifiers of streams are used up another connection takes the calls`()
        async throws
    {
        let echo = try await EchoServer()
        let client = try await Client(port: echo.port)
        #expect(try await client.call() == .ok)
        // Kept, so that no other connection can take its place in memory.
        let first = try await client.onLoop { core in
            let connection = try #require(core.connection)
            connection.session.skipStreams(to: Int32.max)
            return NIOLoopBound(connection, eventLoop: core.eventLoop)
        }
        #expect(try await client.call() == .ok)
        #expect(try await client.onLoop { $0.connection === first.value })
        for _ in 0..<3 { #expect(try await client.call() == .ok) }
        #expect(try await client.onLoop { $0.connection !== first.value })
        // The first one has ended with its last call.
        while echo.server.openConnections > 1 { await Task.yield() }
        try await client.close()
        try await echo.stop()
    }

    @Test(arguments: [UnwillingServer.Manner.goAway(connections: .max), .refuse(times: .max)])
    func `a call that is turned away again waits before the next attempt`(
        manner: UnwillingServer.Manner
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await UnwillingServer.start(manner, on: group)
        // Longer than any test: only an attempt without a wait could come before the end.
        let client = try await Client(
            port: server.localAddress?.port ?? 0, initialBackoff: .seconds(3_600))
        async let call = client.call()
        while try await client.onLoop({ $0.pausing.isEmpty }) { await Task.yield() }
        try await client.close()
        #expect(try await call == GRPCStatus(.cancelled, "the client was closed"))
        try await server.close()
        try await group.shutdownGracefully()
    }

    @Test func `a call is begun again at once, and then after the backoff`() async throws {
        let client = try await Client(port: 1)
        let waits = try await client.onLoop { core in
            let ended = core.eventLoop.makePromise(of: GRPCStatus.self)
            ended.succeed(.ok)
            let call = ClientCall(
                EchoServer.echo, options: .defaults, core: core, sink: Sink(ended),
                creditsOnUse: false)
            let backoff = Backoff(initial: 1, most: 4)
            return (0..<6).map { _ in call.pauseBeforeNextStart(backoff, jitter: 0) }
        }
        #expect(zip(waits, [0, 1, 1.6, 2.56, 4, 4]).allSatisfy { abs($0 - $1) < 1e-9 })
        try await client.close()
    }

    @Test func `a silent peer is asked whether it is there`() async throws {
        let echo = try await EchoServer(loops: 1)
        let channel = try await ClientBootstrap(group: echo.group)
            .connect(host: "127.0.0.1", port: echo.port).get()
        let before = try await channel.getOption(.socketOption(.so_keepalive)).get()
        try await channel.eventLoop.submit { try KeepAlive.begin(on: channel) }.get()
        let after = try await channel.getOption(.socketOption(.so_keepalive)).get()
        #expect(before == 0 && after != 0)
        try await channel.close()
        try await echo.stop()
    }

    @Test func `a limit learned from refusals rises again, a step for each round`() {
        var limit = LearnedStreamLimit()
        limit.streamEnded()
        #expect(limit.value == .max)
        limit.refused(open: 3)
        for expected in [3, 3, 4, 4, 4, 4, 5] {
            limit.streamEnded()
            #expect(limit.value == expected)
        }
        limit.refused(open: 0)
        #expect(limit.value == 1)
    }

    @Test func `time raises a learned limit, and no other`() {
        var limit = LearnedStreamLimit()
        limit.raise()
        #expect(limit.value == .max)
        limit.refused(open: 2)
        limit.streamEnded()
        limit.raise()
        #expect(limit.value == 3)
        for expected in [3, 3, 4] {
            limit.streamEnded()
            #expect(limit.value == expected)
        }
    }

    @Test func `a call that is refused beside one without an end is tried again`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = try await UnwillingServer.start(.hold(refusing: 2), on: group)
        var configuration = ClientConfiguration.defaults
        configuration.initialBackoff = .milliseconds(1)
        let client = GRPCClient(
            host: "127.0.0.1", port: server.localAddress?.port ?? 0, group: group,
            configuration: configuration)
        let endless = try await client.stream(EchoServer.chat)
        let response = try await client.unary(EchoServer.echo, framed: framed([1]))
        #expect(response.message == [1])
        withExtendedLifetime(endless) {}
        await client.close()
        try await server.close()
        try await group.shutdownGracefully()
    }
}
