import HTTP2
import NIOCore

/// One connection of a client: the channel handler, the HTTP/2 session and the calls on it.
/// Belongs to the client's loop.
final class ClientConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let writeBytes = 64 << 10

    let session: HTTP2Session
    /// What the requests begin with.
    var heads: RequestHeads
    private let core: ClientCore
    private var context: ChannelHandlerContext?
    private var events = HTTP2Events()
    private var calls: [ClientCall?] = []
    /// Calls over the server's limit of concurrent streams.
    private var queued: [ClientCall] = []
    private var learnedLimit = LearnedStreamLimit()
    /// How long calls wait until the learned limit is raised by one.
    private let raisePause: TimeAmount
    private var isRaising = false
    private var isDirty = false
    private(set) var isEstablished = false
    /// No new calls: the server said so, or the identifiers of streams are used up.
    private var takesNoMore = false
    /// What the server's GOAWAY said.
    private var goAway: String?
    private var isClosing = false
    /// Why the connection ends, when it is known.
    private var failure: String?

    init?(core: ClientCore, configuration: ClientConfiguration) {
        var options = HTTP2Options.defaults
        options.maxHeaderListBytes = UInt32(configuration.maxHeaderListBytes)
        options.streamWindowBytes = UInt32(configuration.streamWindowBytes)
        options.connectionWindowBytes = 16 << 20
        guard let session = HTTP2Session(.client, options: options) else { return nil }
        self.session = session
        self.core = core
        raisePause = .nanoseconds(configuration.initialBackoff.nanoseconds)
        heads = RequestHeads(authority: core.authority, scheme: configuration.scheme)
    }

    // MARK: Calls

    /// Takes a call, now or as soon as the server's limit allows.
    func take(_ call: ClientCall) {
        if takesNoMore { return core.startAgain(call) }
        guard session.openStreamCount < streamLimit, queued.isEmpty else {
            queued.append(call)
            return raiseLater()
        }
        call.begin(on: self)
    }

    /// The call's stream has been opened.
    func register(_ call: ClientCall, _ stream: HTTP2Stream) {
        while calls.count <= Int(stream.slot) { calls.append(nil) }
        calls[Int(stream.slot)] = call
    }

    /// Resets a stream whose call ends on this side.
    func reset(_ stream: HTTP2Stream) {
        calls[Int(stream.slot)] = nil
        session.reset(stream, .cancel)
        becameDirty()
    }

    /// The server has ended the call: this side's stream ends too.
    func leave(_ stream: HTTP2Stream, serverEnded: Bool) {
        calls[Int(stream.slot)] = nil
        if serverEnded {
            session.dropQueue(of: stream)
            session.finishSending(on: stream)
        } else {
            session.reset(stream, .cancel)
        }
        becameDirty()
    }

    private func call(_ stream: HTTP2Stream) -> ClientCall? {
        guard Int(stream.slot) < calls.count, let call = calls[Int(stream.slot)],
            call.stream == stream
        else { return nil }
        return call
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { becameDirty() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        core.gone(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        becameDirty()
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        lost()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if failure == nil { failure = reason(for: error) }
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let input = buffer.readableBytesSpan
        var batch = takeEvents()
        session.receive(input, now: NIODeadline.now().uptimeNanoseconds, into: &batch)
        perform(batch, input)
        giveBack(consume batch)
        if session.wantsWrite || session.isFinished { becameDirty() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { becameDirty() }
    }

    /// There is output: it is flushed once at the end of this tick.
    func becameDirty() {
        guard !isDirty, let context else { return }
        isDirty = true
        context.eventLoop.assumeIsolated().execute { self.flush() }
    }

    private func flush() {
        isDirty = false
        guard let context else { return }
        var more = true
        while more && context.channel.isWritable {
            var buffer = context.channel.allocator.buffer(capacity: 0)
            var batch = takeEvents()
            more = session.drainOutput(maxBytes: Self.writeBytes, into: &batch) {
                _ = buffer.writeBytes($0)
            }
            perform(batch, RawSpan())
            giveBack(consume batch)
            guard buffer.readableBytes > 0 else { break }
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
        if session.isFinished { finish(context) }
    }

    private func finish(_ context: ChannelHandlerContext) {
        guard !isClosing else { return }
        isClosing = true
        if !takesNoMore && failure == nil { failure = brokenRules }
        let channel = context.channel
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
        written.futureResult.whenComplete { _ in channel.close(promise: nil) }
    }

    /// The session ended by itself: the server's bytes were not what they should be.
    private var brokenRules: String {
        isEstablished
            ? "the server broke the rules of HTTP/2"
            : "the server does not speak HTTP/2; is this its gRPC port?"
    }

    /// One of another protocol says what it thinks of the preface and closes; whether that is read
    /// before the close, or at all, is a matter of chance.
    private var endOfServer: String {
        isEstablished ? "the server closed it" : ConnectFailure.closedEarly
    }

    private func reason(for error: any Error) -> String {
        !isEstablished && ConnectFailure.isEndOfServer(error)
            ? endOfServer : ConnectFailure.text(error)
    }

    private func takeEvents() -> HTTP2Events {
        var taken = HTTP2Events()
        swap(&taken, &events)
        return taken
    }

    private func giveBack(_ used: consuming HTTP2Events) {
        used.removeAll()
        events = used
    }

    // MARK: Events

    private func perform(_ batch: HTTP2Events, _ input: RawSpan) {
        for event in batch.events {
            switch event {
            case .headers(let stream, let fields, let isLast):
                call(stream)?.headersReceived(batch.fields, fields, isLast: isLast)
            case .headersTooLarge(let stream, _):
                call(stream)?.abort(
                    GRPCStatus(.resourceExhausted, "the response's header list is over the limit"))
            case .data(let stream, let range, let isLast):
                dataReceived(stream, input.extracting(range), isLast)
            case .closed(let stream, let code): streamClosed(stream, code)
            case .writable(let stream): call(stream)?.becameWritable()
            case .settings: settingsReceived()
            case .goAway(_, let code): goAwayReceived(code)
            case .pong: break
            }
        }
    }

    /// The connection's window is credited at once, the stream's as messages are used: a reader that
    /// stands still holds up its own call only.
    private func dataReceived(_ stream: HTTP2Stream, _ piece: RawSpan, _ isLast: Bool) {
        session.consumeConnection(piece.byteCount)
        guard let call = call(stream) else { return }
        let credited = call.dataReceived(piece)
        if !isLast { session.consumeStream(stream, credited) }
    }

    private func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        if let closed = call(stream) {
            calls[Int(stream.slot)] = nil
            if closed.streamClosed(code, leaving: takesNoMore ? leaving : nil) {
                beginAgain(closed)
            }
        }
        if code == .noError { learnedLimit.streamEnded() }
        takeQueued()
    }

    /// Begins what waits, as far as the server's limit allows.
    private func takeQueued() {
        while !takesNoMore, let next = queued.first, session.openStreamCount < streamLimit {
            queued.removeFirst()
            next.begin(on: self)
        }
    }

    /// The server did not look at the call: after GOAWAY another connection takes it. Else the
    /// server bears fewer streams than it announced, and the call waits for one of them to end, or for
    /// a while: those that are open may never end.
    private func beginAgain(_ call: ClientCall) {
        if takesNoMore { return core.startAgain(call) }
        learnedLimit.refused(open: session.openStreamCount)
        if session.openStreamCount == 0 { return core.startAgain(call) }
        queued.insert(call, at: 0)
        raiseLater()
    }

    /// While calls wait for less than the server announced, it is asked for one stream more from time
    /// to time.
    private func raiseLater() {
        guard let context, !isRaising, !queued.isEmpty,
            learnedLimit.value < session.peerMaxConcurrentStreams
        else { return }
        isRaising = true
        context.eventLoop.assumeIsolated().scheduleTask(in: raisePause) { self.raiseLimit() }
    }

    private func raiseLimit() {
        isRaising = false
        queued.removeAll(where: \.isEnded)
        guard context != nil, !queued.isEmpty else { return }
        learnedLimit.raise()
        takeQueued()
        raiseLater()
    }

    private var streamLimit: Int { min(session.peerMaxConcurrentStreams, learnedLimit.value) }

    private func settingsReceived() {
        if isEstablished { return takeQueued() }  // The limit may be another one now.
        isEstablished = true
        core.established(self)
    }

    private func goAwayReceived(_ code: HTTP2ErrorCode) {
        if code != .noError || !session.peerReason.isEmpty {
            goAway = "it said \(code.name) \"\(session.peerReason)\""
        }
        takeNoMore()
    }

    /// The identifiers of streams are used up, after 2^30 calls: another connection takes the call,
    /// and this one ends with those it has.
    func usedUp(by call: ClientCall) {
        session.endAfterStreams()
        becameDirty()
        takeNoMore()
        core.startAgain(call)
    }

    /// What a call is told that goes from one connection to the next and is taken by none.
    var leaving: GRPCStatus {
        let words = goAway.map { ": \($0)" } ?? ""
        return .connectionFailure("\(core.address) takes no more calls\(words)")
    }

    private func takeNoMore() {
        takesNoMore = true
        core.connectionGone(self)
        let waiting = queued
        queued = []
        for call in waiting { core.startAgain(call) }
    }

    private func lost() {
        let reason = goAway ?? failure ?? endOfServer
        context = nil
        core.lost(self, reason: reason)
        let status = GRPCStatus.connectionFailure("connection to \(core.address) lost: \(reason)")
        let open = calls.compactMap { $0 } + queued
        calls = []
        queued = []
        for call in open { call.failed(status) }
    }

    /// Ends every call with this status and closes.
    func close(_ status: GRPCStatus) {
        takesNoMore = true
        let open = calls.compactMap { $0 } + queued
        queued = []
        for call in open { call.abort(status) }
        session.terminate(.noError)
        flush()
    }
}
