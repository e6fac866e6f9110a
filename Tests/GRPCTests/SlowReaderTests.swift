import HTTP2
import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// A client that reads when it is told to, and only then.
private final class SippingClient: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var context: ChannelHandlerContext?
    private var wanted = 0
    private var done: EventLoopPromise<Void>?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    /// Reads so many bytes, or a little more.
    func sip(_ bytes: Int, _ done: EventLoopPromise<Void>) {
        wanted = bytes
        self.done = done
        context?.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        wanted -= unwrapInboundIn(data).readableBytes
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard let done else { return }
        if wanted > 0 { return context.read() }
        self.done = nil
        done.succeed()
    }

    func channelInactive(context: ChannelHandlerContext) { done?.fail(ChannelError.eof) }
}

/// A server's connection to a client that is slow, with the clock in the test's hand.
@Suite(.timeLimit(.minutes(1))) struct SlowReaderTests {
    private static let second: UInt64 = 1_000_000_000
    private static let pour = MethodDescriptor(
        service: "test.Slow", name: "Pour", kind: .serverStreaming)

    /// What the server's loop knows of the one connection.
    private final class Accepted {
        var handler: ServerChannelHandler?
        var channel: (any Channel)?
    }

    private struct Rig {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
        let accepted: NIOLoopBound<Accepted>
        let listener: any Channel
        let channel: any Channel
        let client: NIOLoopBound<SippingClient>

        init() async throws {
            let loop = group.next()
            let accepted = try await loop.submit {
                NIOLoopBound(Accepted(), eventLoop: loop)
            }.get()
            self.accepted = accepted
            listener = try await ServerBootstrap(group: loop)
                .childChannelOption(
                    .writeBufferWaterMark, value: .init(low: 64 << 10, high: 256 << 10)
                )
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let handler = SlowReaderTests.handler(loop)
                        try channel.pipeline.syncOperations.addHandler(handler)
                        accepted.value.handler = handler
                        accepted.value.channel = channel
                    }
                }.bind(host: "127.0.0.1", port: 0).get()
            let clientLoop = group.next()
            let client = try await clientLoop.submit {
                NIOLoopBound(SippingClient(), eventLoop: clientLoop)
            }.get()
            self.client = client
            channel = try await ClientBootstrap(group: clientLoop)
                .channelOption(.autoRead, value: false)
                .channelOption(.socketOption(.so_rcvbuf), value: 32 << 10)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(client.value)
                    }
                }.connect(host: "127.0.0.1", port: listener.localAddress?.port ?? 0).get()
        }

        /// Asks for 10 MB, and waits until the server's channel takes no more of them.
        func askForMuch() async throws {
            try await channel.writeAndFlush(SlowReaderTests.request())
            while try await serverChannel()?.isWritable != false { await Task.yield() }
        }

        func serverChannel() async throws -> (any Channel)? {
            try await accepted.eventLoop.submit { accepted.value.channel }.get()
        }

        func sip(_ bytes: Int) async throws {
            let done = client.eventLoop.makePromise(of: Void.self)
            client.eventLoop.execute { client.value.sip(bytes, done) }
            try await done.futureResult.get()
        }

        /// Has the server look at the connection at this time; whether it is still open.
        func look(_ now: UInt64) async throws -> Bool {
            try await accepted.eventLoop.submit {
                accepted.value.handler?.checkTimeouts(now: now)
                return accepted.value.channel?.isActive == true
            }.get()
        }

        func stop() async throws {
            try? await channel.close()
            try await listener.close()
            try await group.shutdownGracefully()
        }
    }

    private static func handler(_ loop: any EventLoop) -> ServerChannelHandler {
        let method = ServerMethod(pour) { call, _ throws(GRPCStatus) in
            for _ in 0..<40 { call.send(framed: [UInt8](repeating: 7, count: 256 << 10)) }
        }
        let methods = MethodTable(
            [
                ServiceRegistration(
                    descriptor: ServiceDescriptor(name: "test.Slow", methods: [pour]),
                    methods: [method])
            ], observer: nil)
        let serverLoop = ServerLoop(
            loop, unfinished: ByteBudget(limit: 1 << 20), unsent: ByteBudget(limit: 1 << 30))
        return ServerChannelHandler(
            loop: serverLoop, receiveBuffer: LoopReceiveBuffer(), configuration: .defaults
        ) { peer, now in
            ServerConnection(
                loop: serverLoop, methods: methods, limits: .init(), peer: peer, now: now)
        }
    }

    /// One request, from a client whose windows are larger than all answers.
    private static func request() throws -> ByteBuffer {
        var options = HTTP2Options.defaults
        options.streamWindowBytes = 64 << 20
        options.connectionWindowBytes = 64 << 20
        let session = try #require(HTTP2Session(.client, options: options))
        var pairs = WireTests.request("Pour").map { (name: $0.0, value: $0.1) }
        pairs[2].value = pour.path
        let stream = try #require(session.request(head: .empty, fields: HTTP2Fields(pairs)))
        session.send([0, 0, 0, 0, 0], on: stream)
        session.finishSending(on: stream)
        var out = ByteBuffer()
        var events = HTTP2Events()
        _ = session.drainOutput(maxBytes: 1 << 20, into: &events) { _ = out.writeBytes($0) }
        return out
    }

    /// Of 4 MiB in the socket's buffer these sips free no third, so it never becomes writable.
    @Test func `a client that reads slowly keeps its connection, one that stops does not`()
        async throws
    {
        let rig = try await Rig()
        try await rig.askForMuch()
        var now = NIODeadline.now().uptimeNanoseconds
        for step in 0..<6 {
            #expect(try await rig.look(now), "after \(20 * step) seconds")
            try await rig.sip(128 << 10)
            now += 20 * Self.second
        }
        var isOpen = true
        while isOpen {
            now += 31 * Self.second
            isOpen = try await rig.look(now)
        }
        try await rig.stop()
    }

    @Test func `any change of what is taken is progress`() {
        var stall = WriteStall()
        var mark = WriteStall.Mark(waiting: 300_000, taken: 1_000)
        #expect(stall.nanoseconds(mark, now: 10) == 0)
        #expect(stall.nanoseconds(mark, now: 30) == 20)
        mark.taken = 1_001
        #expect(stall.nanoseconds(mark, now: 40) == 0)
        #expect(stall.nanoseconds(mark, now: 45) == 5)
        mark.waiting = 299_999
        #expect(stall.nanoseconds(mark, now: 50) == 0)
        #expect(stall.nanoseconds(mark, now: 60) == 10)
        stall.ended()
        #expect(stall.nanoseconds(mark, now: 90) == 0)
    }
}
