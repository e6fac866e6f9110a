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
    var idleSince: UInt64
    /// The open calls, by their streams' slots.
    let calls = HTTP2SessionObjects<ServerCall>()
    var latestRequest: LatestRequest?
    /// Where its fields lie in the batch that is being performed, when that is known.
    var latestRange: Range<Int>?
    var openCalls = 0
    /// The owner has been told of output and has not drained it yet.
    private var isDirty = false
    /// The socket is gone; a write that found it so may still be under way, further up the stack.
    private(set) var isLost = false
    /// What is counted of this connection in the loop's `unsent`.
    var unsentBytes = 0
    /// Body bytes that may be credited to the connection at the end of the batch.
    var creditedBytes = 0
    /// When the bytes that are being worked through came.
    var now: UInt64

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
        // What a reset frees makes no output that would have it counted.
        if session.heldBytes < unsentBytes { countUnsent() }
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

    /// The socket is gone: the client has closed it, the network has, or it broke the rules of HTTP/2.
    /// This side tells its calls of any other end that it brings about before it closes; those that are
    /// open still have lost their client, which is no failure of the server.
    func connectionLost() {
        onDirty = nil
        isLost = true
        _ = loop.unsent.changed(by: -unsentBytes)
        unsentBytes = 0
        calls.forEach { $0.cancelled(.connectionLost, code: .cancelled, telling: nil) }
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

    func call(_ stream: HTTP2Stream) -> ServerCall? {
        guard let call = calls[stream.slot], call.stream == stream else { return nil }
        return call
    }

    /// Gives the connection's window back what the batch has used up.
    func creditConnection() {
        guard creditedBytes > 0 else { return }
        session.consumeConnection(creditedBytes)
        creditedBytes = 0
    }
}
