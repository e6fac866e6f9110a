import HTTP2
import NIOCore

/// Who is told about a call of a client; used on the client's loop only.
protocol ClientCallSink: AnyObject {
    /// The response's headers came.
    func headReceived(_ metadata: Metadata)
    /// A message came; tell `ClientCall.used` when its bytes have been used.
    func messageReceived(_ message: [UInt8])
    /// More may be sent.
    func becameWritable()
    /// The call has ended; the last thing that is told.
    func ended(_ status: GRPCStatus, _ trailers: Metadata)
}

/// One call of a client, on the client's loop: what has been sent, in case it must be sent again,
/// and what has come.
final class ClientCall: DeadlineBearer {
    /// Bytes kept for sending again until the server answers; with more the call is not repeated.
    private static let maxReplayBytes = 256 << 10
    /// How often a call may be begun again because the server did not look at it. gRFC A6 allows one
    /// when the server refused it; C-core refuses calls within its own limit when many come at once,
    /// so we wait, for a stream to end or for the pause that `ClientCore` makes, and try more often.
    private static let maxMoves = 5

    let method: MethodDescriptor
    let options: CallOptions
    let deadline: NIODeadline?
    private let core: ClientCore
    private var sink: (any ClientCallSink)?
    private var machine: ClientCallMachine
    var deadlineToken: Int32?
    /// Where the call is now; nil while it waits for a connection and after its end.
    private(set) var connection: ClientConnection?
    private(set) var stream: HTTP2Stream?
    private var replay: [[UInt8]] = []
    private var replayBytes = 0
    private var canMove = true
    private var moves = 0
    /// How often it was given back to be begun again, whether it had been sent or not.
    private var restarts = 0
    private var hasFinishedSending = false
    private(set) var isEnded = false
    /// True: messages count as unread until `used` is told; false: as soon as they are delivered.
    private let creditsOnUse: Bool
    private var receivedBytes = 0
    private var creditedBytes = 0
    private var unusedBytes = 0

    init(
        _ method: MethodDescriptor, options: CallOptions, core: ClientCore,
        sink: any ClientCallSink, creditsOnUse: Bool
    ) {
        self.method = method
        self.options = options
        self.core = core
        self.sink = sink
        self.creditsOnUse = creditsOnUse
        machine = ClientCallMachine(maxResponseBytes: options.maxResponseBytes)
        deadline = options.timeout.map {
            .now() + .nanoseconds(min(max(0, $0.nanoseconds), GRPCTimeout.longestNanoseconds))
        }
        guard let deadline else { return }
        core.deadlines.arm(deadline.uptimeNanoseconds, self)
    }

    func deadlinePassed() {
        abort(GRPCStatus(.deadlineExceeded, "the timeout passed before the call had ended"))
    }

    // MARK: This side

    /// Sends a message, prefix and all; kept while there is no connection.
    func send(framed: consuming [UInt8]) {
        guard !isEnded, !hasFinishedSending else { return }
        MessagePrefix.write(into: &framed)
        if canMove { keepForReplay(framed) }
        guard let connection, let stream else { return }
        connection.session.send(framed, on: stream)
        connection.becameDirty()
    }

    /// Half-closes.
    func finishSending() {
        guard !isEnded, !hasFinishedSending else { return }
        hasFinishedSending = true
        guard let connection, let stream else { return }
        connection.session.finishSending(on: stream)
        connection.becameDirty()
    }

    /// False while too much is unsent.
    var isWritable: Bool {
        guard let connection, let stream else { return replayBytes < Self.maxReplayBytes / 4 }
        return connection.session.isWritable(stream)
    }

    /// Bytes of messages told by `messageReceived` have been used.
    func used(_ count: Int) {
        unusedBytes -= count
        guard let connection, let stream else { return }
        connection.session.consumeStream(stream, takeCredit())
        connection.becameDirty()
    }

    /// Ends the call with this status and tells the server.
    func abort(_ status: GRPCStatus) {
        guard !isEnded else { return }
        if let connection, let stream { connection.reset(stream) }
        end(status, Metadata())
    }

    private func keepForReplay(_ framed: [UInt8]) {
        replayBytes += framed.count
        replay.append(framed)
        guard replayBytes > Self.maxReplayBytes, connection != nil else { return }
        canMove = false
        replay = []
    }

    // MARK: The connection's side

    /// The connection has taken the call: sends headers and everything so far.
    func begin(on connection: ClientConnection) {
        guard !isEnded else { return }
        guard let stream = connection.session.request(head: .empty, fields: fields(connection))
        else { return beginElsewhere(connection) }
        self.connection = connection
        self.stream = stream
        connection.register(self, stream)
        for message in replay { connection.session.send(message, on: stream) }
        if hasFinishedSending { connection.session.finishSending(on: stream) }
        connection.becameDirty()
        if isWritable { sink?.becameWritable() }
    }

    /// Seconds until the call may be begun again: at once the first time, as when a server says that it
    /// goes down; then the backoff.
    func pauseBeforeNextStart(_ backoff: Backoff, jitter: Double) -> Double {
        defer { restarts += 1 }
        return restarts == 0 ? 0 : backoff.wait(after: restarts - 1, jitter: jitter)
    }

    private func beginElsewhere(_ connection: ClientConnection) {
        guard moves < Self.maxMoves else { return end(connection.leaving, Metadata()) }
        moves += 1
        connection.usedUp(by: self)
    }

    private func fields(_ connection: ClientConnection) -> HTTP2Fields {
        let left = deadline.map { max(1, ($0 - .now()).nanoseconds) }
        var fields = connection.heads.fields(method, timeout: left)
        if !options.metadata.isEmpty { fields.append(contentsOf: options.metadata.fields) }
        return fields
    }

    func headersReceived(_ fields: HTTP2Fields, _ range: Range<Int>, isLast: Bool) {
        switch machine.headersReceived(fields, range, isLast: isLast) {
        case .nothing: break
        case .head(let metadata):
            commit()
            sink?.headReceived(metadata)
        case .end(let status, let trailers):
            if let connection, let stream { connection.leave(stream, serverEnded: isLast) }
            end(status, trailers)
        }
    }

    /// Reads a piece of the body; returns how many bytes may be credited to the stream.
    func dataReceived(_ piece: RawSpan) -> Int {
        receivedBytes += piece.byteCount
        var offset = 0
        while !isEnded {
            switch machine.next(in: piece, at: &offset) {
            case .message(let range): deliver(Array(copying: piece.extracting(range)))
            case .collected(let message): deliver(message)
            case .needsMore: return takeCredit()
            case .end(let status): abort(status)
            }
        }
        return 0
    }

    private func deliver(_ message: [UInt8]) {
        if creditsOnUse { unusedBytes += message.count }
        sink?.messageReceived(message)
    }

    /// What may be credited now: all that was received but the messages that wait to be used. A
    /// message longer than the window is credited while it comes in, and held against what follows.
    private func takeCredit() -> Int {
        let credit = max(0, receivedBytes - unusedBytes - creditedBytes)
        creditedBytes += credit
        return credit
    }

    func becameWritable() { sink?.becameWritable() }

    /// The stream is gone. True when the server has not looked at the call (`refusedStream`), so
    /// that the connection should find it another stream or connection. `leaving` is why the
    /// connection takes no more, when its server has said that.
    func streamClosed(_ code: HTTP2ErrorCode, leaving: GRPCStatus?) -> Bool {
        guard !isEnded else { return false }
        connection = nil
        stream = nil
        if code == .refusedStream, machine.isUnanswered, canMove, moves < Self.maxMoves {
            moves += 1
            return true
        }
        if code == .refusedStream, let leaving {
            end(leaving, Metadata())
        } else if let status = machine.streamClosed(code) {
            end(status, Metadata())
        }
        return false
    }

    /// The call ends without a word of the server.
    func failed(_ status: GRPCStatus) { end(status, Metadata()) }

    private func commit() {
        canMove = false
        replay = []
        replayBytes = 0
    }

    private func end(_ status: GRPCStatus, _ trailers: Metadata) {
        guard !isEnded else { return }
        isEnded = true
        machine.ended()
        core.deadlines.disarm(self)
        connection = nil
        stream = nil
        commit()
        let told = sink
        sink = nil
        var final = status
        // What came because the time was over is told as what it is (gRPC, "Deadlines").
        if let deadline, status.code != .ok, deadline <= .now() { final.code = .deadlineExceeded }
        told?.ended(final, trailers)
    }
}
