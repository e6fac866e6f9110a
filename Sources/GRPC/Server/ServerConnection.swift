import HTTP2
import NIOCore

/// One connection of a server: an HTTP/2 session and the calls on it. It knows no socket; whoever
/// carries its bytes tells it what came and asks for what is to go.
///
/// Belongs to one event loop. Calls are found by their stream's slot, so nothing is hashed.
final class ServerConnection {
    let loop: ServerLoop
    let session: HTTP2Session
    let methods: MethodTable
    let limits: ServerConfiguration.Limits
    let peer: String
    /// Called when there is output and there was none before.
    var onDirty: (() -> Void)?
    /// The peer has sent its SETTINGS.
    private(set) var isEstablished = false
    /// The server goes down; calls may end by themselves within the grace.
    private(set) var isShuttingDown = false
    /// When the last call ended, or the connection was made.
    private(set) var idleSince: UInt64
    private let calls = HTTP2SessionObjects<ServerCall>()
    private var latestRequest: LatestRequest?
    /// Where its fields lie in the batch that is being performed, when that is known.
    private var latestRange: Range<Int>?
    private(set) var openCalls = 0
    /// The owner has been told of output and has not drained it yet.
    private var isDirty = false
    /// Body bytes that may be credited to the connection at the end of the batch.
    private var creditedBytes = 0
    private var now: UInt64

    init?(
        loop: ServerLoop, methods: MethodTable, limits: ServerConfiguration.Limits, peer: String,
        now: UInt64
    ) {
        var options = HTTP2Options.defaults
        options.maxConcurrentStreams = UInt32(limits.maxConcurrentStreams)
        options.maxHeaderListBytes = UInt32(limits.maxHeaderListBytes)
        options.sendHighWatermarkBytes = limits.sendHighWatermarkBytes
        guard let session = HTTP2Session(.server, options: options, pool: loop.pool) else {
            return nil
        }
        self.session = session
        self.loop = loop
        self.methods = methods
        self.limits = limits
        self.peer = peer
        self.now = now
        idleSince = now
    }

    /// There is output to be drained.
    func becameDirty() {
        guard !isDirty else { return }
        isDirty = true
        onDirty?()
    }

    /// Bytes came from the client.
    func received(_ input: RawSpan, now: UInt64) {
        self.now = now
        var events = loop.takeEvents()
        session.receive(input, now: now, into: &events)
        perform(events, input)
        loop.giveBack(consume events)
        creditConnection()
        if session.wantsWrite || session.isFinished { becameDirty() }
    }

    /// Gives output to `body`; true when there may be more.
    func drain(maxBytes: Int, _ body: (RawSpan) -> Void) -> Bool {
        isDirty = false
        var events = loop.takeEvents()
        let more = session.drainOutput(maxBytes: maxBytes, into: &events, body)
        perform(events, RawSpan())
        loop.giveBack(consume events)
        return more
    }

    /// Ends streams whose bytes the client has not let go for `limit` nanoseconds.
    func resetStreamsStandingStill(now: UInt64, limit: UInt64) {
        session.resetStreamsStandingStill(now: now, limit: limit)
        if session.wantsWrite { becameDirty() }
    }

    /// The socket is gone.
    func connectionLost() {
        onDirty = nil
        calls.forEach { $0.cancelled(.connectionLost, code: .unavailable, telling: nil) }
    }

    /// The server goes down: calls that never end by themselves, now and from now on, are told
    /// UNAVAILABLE.
    func cancelEndlessCalls() {
        isShuttingDown = true
        calls.forEach { if $0.isEndless { cancelForShutdown($0) } }
    }

    /// The grace period is over: every call is told UNAVAILABLE and the connection ends.
    func cancelCalls() { calls.forEach { cancelForShutdown($0) } }

    private func cancelForShutdown(_ call: ServerCall) {
        let status = GRPCStatus(.unavailable, "the server is shutting down; try another one")
        call.cancelled(.serverShutdown, code: .unavailable, telling: status)
    }

    private func perform(_ events: HTTP2Events, _ input: RawSpan) {
        latestRange = nil
        defer { latestRange = nil }
        for event in events.events {
            switch event {
            case .headers(let stream, let fields, let isLast):
                headersReceived(stream, events.fields, fields, isLast)
            case .headersTooLarge(let stream, _): headersTooLarge(stream)
            case .data(let stream, let range, let isLast):
                dataReceived(stream, input.extracting(range), isLast)
            case .closed(let stream, _):
                call(stream)?.cancelled(.cancelledByClient, code: .cancelled, telling: nil)
            case .writable(let stream): becameWritable(stream)
            case .settings: isEstablished = true
            case .goAway, .pong: break
            }
        }
    }

    /// What was answered has been worked down: what was asked meanwhile comes first, so that the
    /// handler hears of it however much it has to say itself.
    private func becameWritable(_ stream: HTTP2Stream) {
        guard let call = call(stream) else { return }
        readOn(call)
        call.onWritable?()
    }

    private func call(_ stream: HTTP2Stream) -> ServerCall? {
        guard let call = calls[stream.slot], call.stream == stream else { return nil }
        return call
    }

    // MARK: A call begins

    private func headersReceived(
        _ stream: HTTP2Stream, _ fields: HTTP2Fields, _ range: Range<Int>, _ isLast: Bool
    ) {
        if let call = call(stream) {
            // Trailers of a request: gRPC gives them no meaning, but they may end the stream.
            if isLast { read(call, RawSpan(), isLast: true) }
            return
        }
        if let known = knownRequest(fields, range) {
            let call = begin(known.method, stream, known.metadata)
            return start(call, known.timeout, isLast)
        }
        let head = RequestHead(fields, range)
        if let httpStatus = head.httpRejection { return refuse(stream, httpStatus) }
        guard let method = methods.method(at: head.path, of: fields) else {
            return refuseUnknown(stream, methods.unknownPath(fields.text(in: head.path)))
        }
        let call = begin(method, stream, head.metadata)
        if let rejection = head.rejection { return reject(call, head, rejection) }
        latestRequest = LatestRequest(fields, range, head: head, method: method)
        latestRange = nil
        start(call, head.timeout, isLast)
    }

    /// The last request, when these fields are the same.
    private func knownRequest(_ fields: HTTP2Fields, _ range: Range<Int>) -> LatestRequest? {
        guard let latestRequest else { return nil }
        if range == latestRange { return latestRequest }
        guard fields.block(range, equals: latestRequest.fields) else { return nil }
        latestRange = range
        return latestRequest
    }

    private func begin(
        _ method: RegisteredMethod, _ stream: HTTP2Stream, _ metadata: Metadata
    ) -> ServerCall {
        let call = ServerCall(
            method, stream: stream, metadata: metadata, startedAt: now, connection: self)
        calls[stream.slot] = call
        openCalls += 1
        method.callStarted()
        return call
    }

    private func reject(_ call: ServerCall, _ head: RequestHead, _ status: GRPCStatus) {
        var trailers = Metadata()
        if head.unknownEncoding != nil {
            trailers.fields.append(name: "grpc-accept-encoding", value: "identity")
        }
        call.finish(status, trailers: trailers)
    }

    private func start(_ call: ServerCall, _ timeout: RequestHead.Timeout, _ isLast: Bool) {
        if case .nanoseconds(let nanoseconds) = timeout {
            let deadline = now &+ UInt64(nanoseconds)
            call.dueAt = .uptimeNanoseconds(deadline)
            loop.deadlines.arm(deadline, call)
        }
        if case .stream(let handler) = call.registered.handler {
            do throws(GRPCStatus) { try handler(call) } catch { return thrown(error, by: call) }
        }
        if isLast { read(call, RawSpan(), isLast: true) }
    }

    /// Not gRPC at all: a bare HTTP status (gRPC over HTTP/2, "Requests").
    private func refuse(_ stream: HTTP2Stream, _ httpStatus: Int) {
        observeRefusal(.internalError)
        let head = httpStatus == 405 ? Self.methodNotAllowed : Self.unsupportedMediaType
        session.respondOnly(on: stream, head: head)
    }

    private static let methodNotAllowed = HTTP2HeaderBlock([(":status", "405"), ("allow", "POST")])
    private static let unsupportedMediaType = HTTP2HeaderBlock([
        (":status", "415"), ("accept-post", "application/grpc"),
    ])

    private func refuseUnknown(_ stream: HTTP2Stream, _ status: GRPCStatus) {
        observeRefusal(status.code)
        session.respondOnly(
            on: stream, head: StatusFields.trailersOnly[status.code.rawValue],
            fields: StatusFields.fields(of: status, trailers: Metadata()))
    }

    private func headersTooLarge(_ stream: HTTP2Stream) {
        if let call = call(stream) {
            let status = GRPCStatus(.resourceExhausted, "trailers over the limit")
            return call.cancelled(.protocolViolation, code: status.code, telling: status)
        }
        refuseUnknown(
            stream,
            GRPCStatus(
                .resourceExhausted, "header list is over \(limits.maxHeaderListBytes) bytes"))
    }

    private func observeRefusal(_ code: GRPCStatusCode) {
        methods.unknownObserver?.callStarted()
        methods.unknownObserver?.callEnded(
            CallSummary(code: code, nanoseconds: 0, bytesReceived: 0, bytesSent: 0))
    }

    // MARK: A call's body

    private func dataReceived(_ stream: HTTP2Stream, _ piece: RawSpan, _ isLast: Bool) {
        guard let call = call(stream) else {
            creditedBytes += piece.byteCount  // The call was answered before its body had come.
            return
        }
        call.bytesReceived += piece.byteCount
        if call.isPaused || call.unread != nil || call.isReading {
            return call.keepUnread(piece, isLast: isLast)
        }
        read(call, piece, isLast: isLast)
    }

    /// Goes on with what came while the call was paused.
    func readOn(_ call: ServerCall) {
        guard !call.isHeld, !call.isReading, let unread = call.unread else { return }
        call.unread = nil
        now = NIODeadline.now().uptimeNanoseconds
        unread.bytes.withBytes { read(call, $0, isLast: unread.isLast) }
        creditConnection()
        if session.wantsWrite { becameDirty() }
    }

    private func read(_ call: ServerCall, _ piece: RawSpan, isLast: Bool) {
        if let deadline = call.dueAt, deadline.uptimeNanoseconds <= now {
            creditedBytes += piece.byteCount
            return deadlinePassed(call)
        }
        if let message = call.machine.wholeRequest(in: piece, isLast: isLast) {
            creditedBytes += piece.byteCount
            call.isReading = true
            deliver(piece.extracting(message), to: call)
            call.isReading = false
            return
        }
        readPieces(call, piece, isLast)
    }

    private func readPieces(_ call: ServerCall, _ piece: RawSpan, _ isLast: Bool) {
        var offset = 0
        call.isReading = true
        while call.isOpen, deliver(call, piece, &offset, isLast) {}
        call.isReading = false
        if call.isOpen && call.isHeld && (offset < piece.byteCount || isLast) {
            call.keepUnread(piece.extracting(offset..<piece.byteCount), isLast: isLast)
        } else {
            offset = piece.byteCount
        }
        creditedBytes += offset
        if !isLast { session.consumeStream(call.stream, offset) }
        if call.isOpen { countUnfinished(call) }
    }

    /// Counts what is kept of the call's request, and turns it away when all of them hold too much.
    private func countUnfinished(_ call: ServerCall) {
        let change = call.machine.unfinishedBytes - call.unfinishedBytes
        guard change != 0 else { return }
        call.unfinishedBytes += change
        let isInOrder = loop.unfinished.changed(by: change)
        guard !isInOrder, change > 0, call.unfinishedBytes > Self.sparedBytes else { return }
        let status = GRPCStatus(
            .resourceExhausted,
            "unfinished requests hold \(limits.maxUnfinishedBytes) bytes already; send less at "
                + "once, or try again later")
        call.cancelled(.protocolViolation, code: status.code, telling: status)
    }

    /// Requests no larger than this are read to their end however much the others hold.
    private static let sparedBytes = 64 << 10

    /// One step of reading; false when there is nothing to go on with.
    private func deliver(
        _ call: ServerCall, _ piece: RawSpan, _ offset: inout Int, _ isLast: Bool
    ) -> Bool {
        if call.isHeld { return false }
        switch call.machine.next(in: piece, at: &offset, isLast: isLast) {
        case .message(let range): deliver(piece.extracting(range), to: call)
        case .collected(let message): message.withBytes { deliver($0, to: call) }
        case .needsMore: return false
        case .halfClosed:
            call.onHalfClose?()
            return false
        case .reject(let status):
            call.cancelled(.protocolViolation, code: status.code, telling: status)
            return false
        }
        return true
    }

    private func deliver(_ message: RawSpan, to call: ServerCall) {
        do throws(GRPCStatus) {
            switch call.registered.handler {
            case .oneMessage(let handler): try handler(call, message)
            case .stream: try call.onMessage?(message)
            }
        } catch {
            thrown(error, by: call)
        }
    }

    // MARK: A call ends

    /// A handler has refused what came. One that takes a stream may have begun something for the
    /// call long ago, so it is told as of every end that it did not bring about by `finish`.
    private func thrown(_ status: GRPCStatus, by call: ServerCall) {
        switch call.registered.handler {
        case .oneMessage: call.finish(status)
        case .stream: call.cancelled(.refused, code: status.code, telling: status)
        }
    }

    /// The deadline of a call has passed.
    fileprivate func deadlinePassed(_ call: ServerCall) {
        let status = GRPCStatus(.deadlineExceeded, "the deadline passed before the call had ended")
        call.cancelled(.deadlineExceeded, code: .deadlineExceeded, telling: status)
    }

    /// The call has ended: lets go of everything that is kept for it.
    func forget(_ call: ServerCall, code: GRPCStatusCode) {
        calls[call.stream.slot] = nil
        openCalls -= 1
        call.machine.ended()
        if call.unfinishedBytes > 0 {
            _ = loop.unfinished.changed(by: -call.unfinishedBytes)
            call.unfinishedBytes = 0
        }
        loop.deadlines.disarm(call)
        if let unread = call.unread {
            // At once: a call that ends by itself or by its deadline ends outside of `received`, and
            // the peer may be waiting for just this credit.
            session.consumeConnection(unread.bytes.count)
            call.unread = nil
            if session.wantsWrite { becameDirty() }
        }
        call.connection = nil
        call.callbacks = ServerCall.Callbacks()
        observeEnd(call, code)
    }

    private func observeEnd(_ call: ServerCall, _ code: GRPCStatusCode) {
        let ended = max(now, loop.endOfCalls())
        idleSince = ended
        call.registered.callEnded(
            CallSummary(
                code: code, nanoseconds: Int64(ended &- call.startedAt),
                bytesReceived: call.bytesReceived, bytesSent: call.bytesSent))
    }

    private func creditConnection() {
        guard creditedBytes > 0 else { return }
        session.consumeConnection(creditedBytes)
        creditedBytes = 0
    }
}

extension ServerCall: DeadlineBearer {
    func deadlinePassed() { connection?.deadlinePassed(self) }
}
