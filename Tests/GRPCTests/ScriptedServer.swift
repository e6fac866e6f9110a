import NIOCore
import NIOPosix

/// A server that says bytes made by hand: some when the client has said something, and others
/// whenever a frame of some type has come.
final class ScriptedServer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A frame of the client's type, flags and stream; the answer to it.
    typealias Script = @Sendable (_ type: UInt8, _ flags: UInt8, _ stream: UInt8) -> [UInt8]

    private static let prefaceBytes = 24

    private let greeting: [UInt8]
    private let script: Script
    private var unread: [UInt8] = []
    private var isGreeted = false

    private init(_ greeting: [UInt8], _ script: @escaping Script) {
        self.greeting = greeting
        self.script = script
    }

    /// Listens on a free port.
    static func start(
        _ greeting: [UInt8], on group: any EventLoopGroup,
        script: @escaping Script = { _, _, _ in [] }
    ) async throws -> any Channel {
        try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ScriptedServer(greeting, script))
                }
            }.bind(host: "127.0.0.1", port: 0).get()
    }

    static func frame(
        type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ body: [UInt8] = []
    ) -> [UInt8] {
        [0, 0, UInt8(body.count), type, flags, 0, 0, 0, stream] + body
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unread += unwrapInboundIn(data).readableBytesView
        guard unread.count >= Self.prefaceBytes || isGreeted else { return }
        if !isGreeted {
            isGreeted = true
            unread.removeFirst(Self.prefaceBytes)
            say(greeting, context)
        }
        while unread.count >= 9, unread.count >= 9 + length {
            say(script(unread[3], unread[4], unread[8]), context)
            unread.removeFirst(9 + length)
        }
    }

    private var length: Int { Int(unread[0]) << 16 | Int(unread[1]) << 8 | Int(unread[2]) }

    private func say(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        if bytes.isEmpty { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }
}
