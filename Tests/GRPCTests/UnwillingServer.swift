import HTTP2
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A server that turns calls away in one of three ways before it answers them: connection by
/// connection, stream by stream, or beside a stream that never ends.
final class UnwillingServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How the first call is turned away.
    enum Manner: Sendable {
        /// GOAWAY that names no stream, on this many connections.
        case goAway(connections: Int)
        /// RST_STREAM(REFUSED_STREAM), this many times.
        case refuse(times: Int)
        /// The first call never ends, and the next ones are refused, this many times.
        case hold(refusing: Int)
    }

    private static let head = HTTP2HeaderBlock([
        (":status", "200"), ("content-type", "application/grpc"),
    ])
    private static let trailers = HTTP2HeaderBlock([("grpc-status", "0")])

    private let session: HTTP2Session
    private let manner: Manner
    private let connection: Int
    private var refused = 0
    private var isHolding = false

    private init?(_ manner: Manner, connection: Int) {
        guard let session = HTTP2Session(.server) else { return nil }
        self.session = session
        self.manner = manner
        self.connection = connection
    }

    /// Listens on a free port.
    static func start(
        _ manner: Manner, on group: any EventLoopGroup
    ) async throws -> any Channel {
        let connections = NIOLockedValueBox(0)
        return try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let number = connections.withLockedValue {
                        $0 += 1
                        return $0
                    }
                    guard let handler = UnwillingServer(manner, connection: number) else {
                        throw ChannelError.eof
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }.bind(host: "127.0.0.1", port: 0).get()
    }

    func channelActive(context: ChannelHandlerContext) { write(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        var events = HTTP2Events()
        session.receive(buffer.readableBytesSpan, now: 1, into: &events)
        for event in events.events {
            if case .headers(let stream, _, _) = event { called(stream, context) }
        }
        write(context)
    }

    private func called(_ stream: HTTP2Stream, _ context: ChannelHandlerContext) {
        switch manner {
        case .goAway(let connections) where connection <= connections:
            // Length 8, type 7, stream 0; last stream 0, NO_ERROR: none was looked at.
            let goAway: [UInt8] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: goAway)), promise: nil)
        case .hold where !isHolding:
            isHolding = true
            session.respond(on: stream, head: Self.head)
        case .refuse(let times) where refused < times, .hold(let times) where refused < times:
            refused += 1
            session.reset(stream, .refusedStream)
        case .goAway, .refuse, .hold:
            session.respond(on: stream, head: Self.head)
            session.send([0, 0, 0, 0, 1, UInt8(connection)], on: stream)
            session.finish(on: stream, trailers: Self.trailers)
        }
    }

    private func write(_ context: ChannelHandlerContext) {
        var events = HTTP2Events()
        var out = ByteBuffer()
        _ = session.drainOutput(maxBytes: 1 << 20, into: &events) { _ = out.writeBytes($0) }
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
    }
}
