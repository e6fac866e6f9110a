import HTTP2
public import NIOCore

/// One call on the server.
///
/// It belongs to the event loop of its connection: every property and method may be used on that
/// loop only, and the compiler holds it there because the class is not `Sendable`. A handler that
/// answers later keeps `loopBound`, hops back with `eventLoop.execute`, and takes the call out
/// there. After the call has ended every method does nothing, so a late answer is harmless.
public final class ServerCall {
    /// The request's metadata, without what belongs to the protocol.
    public let metadata: Metadata
    /// When the client stops waiting (`grpc-timeout`, counted from receipt); nil when it never does.
    public var deadline: NIODeadline? { dueAt }
    /// When the request's headers were read from the socket.
    public var receivedAt: NIODeadline { .uptimeNanoseconds(startedAt) }
    /// The loop every use of the call must be on.
    public let eventLoop: any EventLoop

    /// Streaming requests: called with each message, which is valid during the call only.
    ///
    /// Set it before returning from the method's `stream` closure. A thrown status ends the call.
    public var onMessage: ((RawSpan) throws(GRPCStatus) -> Void)? {
        get { callbacks.message }
        set { if isOpen { callbacks.message = newValue } }
    }
    /// Streaming requests: called once when the client has sent its last message.
    public var onHalfClose: (() -> Void)? {
        get { callbacks.halfClose }
        set { if isOpen { callbacks.halfClose = newValue } }
    }
    /// Called once when the call ends before `finish`: reset, deadline, connection lost, shutdown,
    /// or a status that was thrown at a message of a stream.
    /// Never called after `finish`. Like the other callbacks it is not kept when it is set after the
    /// end: who begins something later than in the handler looks at `isOpen` first.
    public var onCancel: ((CallEnd) -> Void)? {
        get { callbacks.cancel }
        set { if isOpen { callbacks.cancel = newValue } }
    }
    /// Called when `isWritable` becomes true after it was false.
    public var onWritable: (() -> Void)? {
        get { callbacks.writable }
        set { if isOpen { callbacks.writable = newValue } }
    }

    /// What the handler wants to be told; let go of at the call's end all at once.
    struct Callbacks {
        var message: ((RawSpan) throws(GRPCStatus) -> Void)?
        var halfClose: (() -> Void)?
        var cancel: ((CallEnd) -> Void)?
        var writable: (() -> Void)?
    }

    var callbacks = Callbacks()
    let registered: RegisteredMethod
    let stream: HTTP2Stream
    let startedAt: UInt64
    /// The deadline. Not public itself: what only this module writes is not checked at each use.
    var dueAt: NIODeadline?
    /// Nil once the call has ended.
    var connection: ServerConnection?
    var machine: ServerCallMachine
    var deadlineToken: Int32?
    var sentHead = false
    var sentMessages = 0
    var bytesReceived = 0
    var bytesSent = 0
    /// What is counted for this call in the loop's `unfinished`.
    var unfinishedBytes = 0
    var isPaused = false
    /// What came while reading was paused; not credited yet.
    var unread: UnreadBody?
    /// The call never ends by itself.
    private(set) var isEndless = false
    /// Bytes of this call are being read right now, further up the stack.
    var isReading = false

    init(
        _ registered: RegisteredMethod, stream: HTTP2Stream, metadata: Metadata,
        startedAt: UInt64, connection: ServerConnection
    ) {
        self.registered = registered
        self.stream = stream
        self.metadata = metadata
        self.startedAt = startedAt
        self.connection = connection
        eventLoop = connection.loop.eventLoop
        machine = ServerCallMachine(
            kind: registered.descriptor.kind,
            maxMessageBytes: connection.limits.maxRequestBytes)
    }

    /// The method called.
    public var method: MethodDescriptor { registered.descriptor }
    /// The client's address, such as `127.0.0.1:43210`; for logs. Empty once the call has ended.
    public var peer: String { connection?.peer ?? "" }
    /// False once the call has ended, by `finish` or before it.
    public var isOpen: Bool { connection != nil }
    /// The call as something that may travel between threads and be opened on its own loop.
    public var loopBound: NIOLoopBound<ServerCall> { NIOLoopBound(self, eventLoop: eventLoop) }

    /// False when more than the configured number of bytes wait to be sent on this call.
    ///
    /// A producer that goes on regardless is not stopped, but it uses memory: wait for `onWritable`.
    public var isWritable: Bool { connection?.session.isWritable(stream) ?? false }

    /// Sends the response's headers now, with this metadata; else they go with the first message.
    ///
    /// Does nothing after the first message.
    public func sendInitialMetadata(_ metadata: Metadata) {
        guard let connection, !sentHead else { return }
        sentHead = true
        connection.session.respond(
            on: stream, head: StatusFields.responseHead, fields: metadata.fields)
        connection.becameDirty()
    }

    /// Sends one message: `framed` is 5 spare bytes and then the message; the spare bytes become the
    /// prefix. It is queued; see `isWritable`. One over 64 KiB ends the call with RESOURCE_EXHAUSTED
    /// instead while clients have left too much waiting (`Limits.maxUnsentBytes`).
    public func send(framed: consuming [UInt8]) {
        guard let connection else { return }
        if sentMessages > 0 && registered.descriptor.kind.givesOneResponse {
            return finish(GRPCStatus(.internalError, "the handler sent a second response"))
        }
        guard connection.hasRoom(for: framed.count) else { return turnAway(connection.noRoom) }
        MessagePrefix.write(into: &framed)
        sentMessages += 1
        bytesSent += framed.count
        if !sentHead {
            sentHead = true
            connection.session.respond(on: stream, head: StatusFields.responseHead)
        }
        connection.session.send(framed, on: stream)
        connection.becameDirty()
    }

    /// There is no room for an answer; a stream's handler did not end the call, so it is told.
    private func turnAway(_ status: GRPCStatus) {
        if registered.descriptor.kind.givesOneResponse { return finish(status) }
        cancelled(.refused, code: status.code, telling: status)
    }

    /// Ends the call with this status and these trailers, after what was sent before.
    ///
    /// OK without the one response that a unary or client-streaming method owes becomes INTERNAL.
    /// `retryPushback` tells clients with a retry policy how long to wait before they try again
    /// (`grpc-retry-pushback-ms`, gRFC A6); negative means not at all.
    public func finish(
        _ status: GRPCStatus, trailers: Metadata = Metadata(), retryPushback: Duration? = nil
    ) {
        guard let connection else { return }
        var trailers = trailers
        if let retryPushback {
            let millis = retryPushback.nanoseconds / 1_000_000
            trailers.fields.append(name: "grpc-retry-pushback-ms", value: "\(millis)")
        }
        if status.code == .ok && sentMessages == 0 && registered.descriptor.kind.givesOneResponse {
            return finish(GRPCStatus(.internalError, "the handler sent no response"))
        }
        submit(status, trailers, connection)
        connection.forget(self, code: status.code)
    }

    /// Says that the call never ends by itself: when the server shuts down it is told UNAVAILABLE at
    /// once, instead of holding the shutdown up for the whole grace.
    public func endAtShutdown() {
        isEndless = true
        guard let connection, connection.isShuttingDown else { return }
        let bound = loopBound
        eventLoop.execute { bound.value.connection?.cancelEndlessCalls() }
    }

    /// Stops `onMessage`, and in time the client: nothing more is credited until `resumeReading`.
    public func pauseReading() {
        isPaused = true
    }

    /// Goes on after `pauseReading`; messages that have come already are delivered on this loop soon.
    public func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        guard isOpen, unread != nil else { return }
        let bound = loopBound
        eventLoop.execute { bound.value.connection?.readOn(bound.value) }
    }

    /// Nothing is read on now: the handler has paused, or the client of a stream does not take the
    /// answers it has. Else whoever asks and does not listen could have the server hold any number
    /// of answers.
    var isHeld: Bool {
        if isPaused { return true }
        return sentMessages > 0 && !registered.descriptor.kind.takesOneRequest && !isWritable
    }

    /// Keeps body bytes until reading goes on.
    func keepUnread(_ piece: RawSpan, isLast: Bool) {
        let kept = unread ?? UnreadBody()
        kept.bytes.append(contentsOf: piece)
        kept.isLast = isLast
        unread = kept
    }

    /// The call ends for a reason that is not the handler's; `status` is what the client is told.
    func cancelled(_ end: CallEnd, code: GRPCStatusCode, telling status: GRPCStatus?) {
        guard let connection else { return }
        if let status { submit(status, Metadata(), connection) }
        let callback = onCancel
        connection.forget(self, code: code)
        callback?(end)
    }

    private func submit(
        _ status: GRPCStatus, _ trailers: Metadata, _ connection: ServerConnection
    ) {
        let fields = StatusFields.fields(of: status, trailers: trailers)
        let code = status.code.rawValue
        if sentHead {
            connection.session.finish(
                on: stream, trailers: StatusFields.trailers[code], fields: fields)
        } else {
            connection.session.respondOnly(
                on: stream, head: StatusFields.trailersOnly[code], fields: fields)
        }
        connection.becameDirty()
    }
}

/// Body bytes of a paused call. An object of its own, so that a call that is never paused carries
/// one empty reference.
final class UnreadBody {
    var bytes: [UInt8] = []
    /// END_STREAM follows the bytes.
    var isLast = false
}
