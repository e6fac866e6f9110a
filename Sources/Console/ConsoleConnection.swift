import NIOCore
import NIOHTTP1
import Threads

/// One connection to the console: takes a request, answers it, waits for the next.
///
/// Confined to the console's socket loop. A connection is always under one clock: for its next
/// request to arrive whole, or for its answer to be read. A request that comes before the answer
/// to the one before is on the wire ends the connection after that answer, so that a client which
/// does not read cannot make the server keep answers for it.
final class ConsoleConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let router: ConsoleRouter
    private let timeout: TimeAmount
    private let onClose: (ConsoleConnection) -> Void
    private var state = State.waiting
    private var clock: Scheduled<Void>?
    private weak var channel: (any Channel)?

    private enum State {
        /// No request yet. Goes to `receiving`, or `closing` when the request is refused.
        case waiting
        /// A head is here, its end is not. Goes to `answering`.
        case receiving(HTTPRequestHead)
        /// The answer is on its way to the wire. Goes to `waiting` or `closing`.
        case answering(keepsConnection: Bool)
        /// The last answer is out; what still comes in is read and dropped, so that the system
        /// does not reset the connection under the answer (RFC 9112 section 9.6).
        case closing
    }

    /// How long a client may take to close its side after the last answer.
    private static let lingering = TimeAmount.seconds(2)

    /// - Parameter onClose: called once when the connection is gone.
    init(
        router: ConsoleRouter, timeout: TimeAmount,
        onClose: @escaping (ConsoleConnection) -> Void
    ) {
        self.router = router
        self.timeout = timeout
        self.onClose = onClose
    }

    /// Ends the connection: at once when it is idle, else after the answer under way.
    func shutDown() {
        switch state {
        case .waiting, .receiving, .closing: channel?.close(promise: nil)
        case .answering: state = .answering(keepsConnection: false)
        }
    }

    // MARK: Events of the channel

    func channelActive(context: ChannelHandlerContext) {
        channel = context.channel
        restartClock(context, timeout)
    }

    func channelInactive(context: ChannelHandlerContext) {
        clock?.cancel()
        onClose(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch (unwrapInboundIn(data), state) {
        case (.head(let head), .waiting):
            headReceived(head, context)
        case (.end, .receiving(let head)):
            answer(router.answer(to: head), method: head.method, context)
        case (.head, .answering):
            state = .answering(keepsConnection: false)
        case (.head, .receiving), (.head, .closing), (.body, _), (.end, _):
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let refusal = ConsoleAnswer(to: error) else { return context.close(promise: nil) }
        switch state {
        case .waiting, .receiving: answer(refusal, method: .GET, context)
        case .answering: state = .answering(keepsConnection: false)
        case .closing: break
        }
    }

    // MARK: Answering

    private func headReceived(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        // A body is not waited for: its refusal goes out before it.
        if ConsoleRouter.hasBody(head) {
            answer(router.answer(to: head), method: head.method, context)
        } else {
            state = .receiving(head)
        }
    }

    private func answer(
        _ answer: ConsoleAnswer, method: HTTPMethod, _ context: ChannelHandlerContext
    ) {
        state = .answering(keepsConnection: answer.keepsConnection)
        restartClock(context, timeout)
        let date = HTTPDate(wallMillis: SystemClock.wallMillis()).description
        context.write(wrapOutboundOut(.head(answer.head(date: date))), promise: nil)
        if method != .HEAD {
            let body = context.channel.allocator.buffer(bytes: answer.response.body)
            context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        }
        let isOut = context.eventLoop.makePromise(of: Void.self)
        isOut.futureResult.assumeIsolated().whenSuccess { [weak self] in self?.answered(context) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: isOut)
    }

    private func answered(_ context: ChannelHandlerContext) {
        guard case .answering(let keepsConnection) = state else { return }
        if keepsConnection {
            state = .waiting
            restartClock(context, timeout)
        } else {
            state = .closing
            restartClock(context, min(timeout, Self.lingering))
            context.close(mode: .output, promise: nil)
        }
    }

    private func restartClock(_ context: ChannelHandlerContext, _ time: TimeAmount) {
        clock?.cancel()
        let channel = context.channel
        clock = context.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
    }
}
