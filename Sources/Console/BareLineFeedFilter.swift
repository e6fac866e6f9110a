import NIOCore

/// Refuses lines that end with LF without CR.
///
/// A server may take them for whole (RFC 9112 section 2.2), but two that do not agree on that see
/// different requests in the same bytes, so the console does not. NIO's parser refuses them too, in a
/// request line as a wrong version, which it is not. What comes before such a line passes; the line
/// and what follows do not. The console takes no bodies, so all that comes is lines.
final class BareLineFeedFilter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// Says that there was such a line.
    struct BareLineFeed: Error {}

    private static let lineFeed = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private var last: UInt8 = 0
    private var isRefused = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        var bytes = unwrapInboundIn(data)
        guard let place = firstBareLineFeed(bytes) else { return context.fireChannelRead(data) }
        isRefused = true
        if let before = bytes.readSlice(length: place) {
            context.fireChannelRead(wrapInboundOut(before))
        }
        context.fireErrorCaught(BareLineFeed())
    }

    private func firstBareLineFeed(_ bytes: ByteBuffer) -> Int? {
        for (place, byte) in bytes.readableBytesView.enumerated() {
            if byte == Self.lineFeed, last != Self.carriageReturn { return place }
            last = byte
        }
        return nil
    }
}
