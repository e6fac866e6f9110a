import HTTP2
import NIOCore

/// Carries the bytes of one connection between its channel and its `ServerConnection`.
///
/// Output is written and flushed once per tick of the loop, however many calls had some. No more is
/// taken from the session while the channel's buffer is over its mark, so a client that does not
/// read costs a bounded amount of memory, and after a while its connection.
final class ServerChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Bytes taken from the session for one write.
    private static let writeBytes = 64 << 10
    /// Output up to here is copied for the channel.
    private static let copiedBytes = 4 << 10
    /// How long a connection that has been ended may take to close.
    private static let lingerNanos: UInt64 = 2_000_000_000

    private let loop: ServerLoop
    private let receiveBuffer: LoopReceiveBuffer
    private let configuration: ServerConfiguration
    private let makeConnection: (_ peer: String, _ now: UInt64) -> ServerConnection?
    private var connection: ServerConnection?
    private var context: ChannelHandlerContext?
    private var isDirty = false
    private var connectedAt: UInt64 = 0
    private var stall = WriteStall()
    /// When this side ended the connection.
    private var endedAt: UInt64?

    init(
        loop: ServerLoop, receiveBuffer: LoopReceiveBuffer, configuration: ServerConfiguration,
        makeConnection: @escaping (_ peer: String, _ now: UInt64) -> ServerConnection?
    ) {
        self.loop = loop
        self.receiveBuffer = receiveBuffer
        self.configuration = configuration
        self.makeConnection = makeConnection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let now = NIODeadline.now().uptimeNanoseconds
        connection?.received(buffer.readableBytesSpan, now: now)
        receiveBuffer.giveBack(buffer)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        guard context.channel.isWritable else { return }
        stall.ended()
        becameDirty()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A socket's own error (reset, timed out) ends the connection; nobody is left to be told.
        context.close(promise: nil)
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard connection == nil else { return }
        connectedAt = NIODeadline.now().uptimeNanoseconds
        let peer = context.channel.remoteAddress.map(Self.text) ?? ""
        guard let made = makeConnection(peer, connectedAt) else {
            return context.close(promise: nil)
        }
        connection = made
        made.onDirty = { [weak self] in self?.becameDirty() }
        loop.connected(self)
        becameDirty()
    }

    private func end() {
        guard let ended = connection else { return }
        connection = nil
        ended.connectionLost()
        loop.disconnected(self)
    }

    private func becameDirty() {
        guard !isDirty else { return }
        isDirty = true
        loop.becameDirty(self)
    }

    /// Writes what the session has, as far as the channel takes it.
    func flush() {
        isDirty = false
        guard let connection, let context, endedAt == nil else { return }
        var more = true
        while more && context.channel.isWritable {
            var output = loop.takeOutput()
            more = connection.drain(maxBytes: Self.writeBytes) { output.writeBytes($0) }
            let isEmpty = output.readableBytes == 0
            if !isEmpty { write(output, context) }
            loop.giveBack(output)
            if isEmpty { break }
        }
        connection.countUnsent()
        if connection.session.isFinished { finishOutput(context) }
    }

    /// Hands the loop's own memory to a channel that will write it at once. One that still has bytes
    /// to write gets a copy of just the right size, so that a client that reads slowly holds what it
    /// has not read and no more. So does one that gets little: asking it what it has takes longer.
    private func write(_ output: ByteBuffer, _ context: ChannelHandlerContext) {
        let isOwn = output.readableBytes <= Self.copiedBytes || hasUnwritten(context)
        let buffer = isOwn ? context.channel.allocator.buffer(buffer: output) : output
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    private func hasUnwritten(_ context: ChannelHandlerContext) -> Bool {
        (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) != 0
    }

    /// All has been written: ends this side, so that the client sees the last bytes, and waits a
    /// little for it to close.
    private func finishOutput(_ context: ChannelHandlerContext) {
        endedAt = NIODeadline.now().uptimeNanoseconds
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
        let channel = context.channel
        written.futureResult.assumeIsolated().whenComplete { _ in
            channel.close(mode: .output, promise: nil)
        }
    }

    // MARK: What the loop asks for

    /// Closes the connection, or resets single streams, when they have stood still too long.
    func checkTimeouts(now: UInt64) {
        guard let connection, let context else { return }
        let timeouts = configuration.timeouts
        if let endedAt, isLater(now, than: endedAt, by: Self.lingerNanos) { return close() }
        if !connection.isEstablished,
            isLater(now, than: connectedAt, by: UInt64(timeouts.handshake.nanoseconds))
        {
            return close()
        }
        checkProgress(context.channel, connection, now)
        guard let idle = timeouts.idle, connection.openCalls == 0, endedAt == nil,
            isLater(now, than: connection.idleSince, by: UInt64(idle.nanoseconds))
        else { return }
        beginDrain()
    }

    private func isLater(_ now: UInt64, than time: UInt64, by limit: UInt64) -> Bool {
        now > time && now - time > limit
    }

    /// Whether the client takes what is sent to it: all of it by the socket, each stream by credit.
    private func checkProgress(
        _ channel: any Channel, _ connection: ServerConnection, _ now: UInt64
    ) {
        let limit = UInt64(configuration.timeouts.writeStall.nanoseconds)
        connection.endStreamsStandingStill(
            now: now, limit: limit, isFlowing: channel.isWritable)
        if channel.isWritable { return stall.ended() }
        WriteStall.Mark.of(channel) { mark in
            guard self.stall.nanoseconds(mark, now: now) > limit else { return }
            connection.endCallsNotTaken()
            self.close()
        }
    }

    /// Asks the client to go elsewhere; its calls go on, but for those that would never end.
    func beginDrain() {
        guard let connection else { return }
        guard connection.isEstablished else { return close() }
        connection.session.beginShutdown()
        connection.cancelEndlessCalls()
        becameDirty()
    }

    /// The grace period is over: calls are told UNAVAILABLE, then the connection ends.
    func endDrain() {
        guard let connection else { return }
        connection.cancelCalls()
        flush()
        connection.session.terminate(.noError)
        flush()
    }

    /// Closes without further ado.
    func close() {
        context?.close(promise: nil)
    }

    private static func text(_ address: SocketAddress) -> String {
        switch address {
        case .v4, .v6: HostAndPort.text(address.ipAddress ?? "", address.port ?? 0)
        case .unixDomainSocket: "unix:\(address.pathname ?? "")"
        }
    }
}
