import HTTP2
import NIOCore

/// What the connections of one event loop share: the event batch, the deadlines, the list of those
/// with output, and the once-a-second look at those that stand still.
///
/// Belongs to its event loop.
final class ServerLoop {
    let eventLoop: any EventLoop
    /// The memory of all sessions of the loop.
    let pool = HTTP2SessionPool()
    /// What the unfinished requests of all loops hold.
    let unfinished: ByteBudget
    /// What the answers of all loops hold that their clients have not taken.
    let unsent: ByteBudget
    private var events = HTTP2Events()
    private var output = ByteBuffer()
    /// Ends calls whose deadline passes.
    let deadlines: LoopDeadlines<ServerCall>
    private var dirty: [ServerChannelHandler] = []
    private var isFlushScheduled = false
    /// See `endOfCalls`.
    private var endedAt: UInt64?
    private var connections: [ObjectIdentifier: ServerChannelHandler] = [:]
    private var sweep: RepeatedTask?
    private var isDraining = false
    private var drained: EventLoopPromise<Void>?

    /// Must be made on `eventLoop`.
    init(_ eventLoop: any EventLoop, unfinished: ByteBudget, unsent: ByteBudget) {
        eventLoop.preconditionInEventLoop()
        self.unfinished = unfinished
        self.unsent = unsent
        self.eventLoop = eventLoop
        deadlines = LoopDeadlines(eventLoop)
    }

    // MARK: Shared event batch

    /// The batch, empty; give it back after use. A nested use gets a batch of its own.
    func takeEvents() -> HTTP2Events {
        var taken = HTTP2Events()
        swap(&taken, &events)
        return taken
    }

    /// Keeps the batch's memory for the next user.
    func giveBack(_ used: consuming HTTP2Events) {
        used.removeAll()
        events = used
    }

    // MARK: Shared output

    /// Memory to gather output in, empty; give it back after use.
    ///
    /// Storage that a socket has not written out yet stays with that socket: `ByteBuffer` is copy on
    /// write, and the next user gets fresh memory.
    func takeOutput() -> ByteBuffer {
        var taken = ByteBuffer()
        swap(&taken, &output)
        taken.clear()
        return taken
    }

    /// Keeps the memory for the next user, unless one large message has made it grow.
    func giveBack(_ used: consuming ByteBuffer) {
        output = used.capacity <= Self.maxKeptOutputBytes ? used : ByteBuffer()
    }

    private static let maxKeptOutputBytes = 256 << 10

    // MARK: One write and flush per connection and tick

    /// The handler has output; it is flushed once at the end of this tick.
    func becameDirty(_ handler: ServerChannelHandler) {
        dirty.append(handler)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.assumeIsolated().execute { self.flushDirty() }
    }

    /// When the calls that end in this tick end: one reading of the clock for all of them, since
    /// their last bytes leave together at the end of the tick, and a reading costs as much as a
    /// hundred instructions.
    func endOfCalls() -> UInt64 {
        if let endedAt { return endedAt }
        let now = NIODeadline.now().uptimeNanoseconds
        // Without a flush to come nobody would forget it.
        if isFlushScheduled { endedAt = now }
        return now
    }

    private func flushDirty() {
        isFlushScheduled = false
        endedAt = nil
        var batch: [ServerChannelHandler] = []
        swap(&batch, &dirty)
        for handler in batch { handler.flush() }
        batch.removeAll(keepingCapacity: true)
        if dirty.isEmpty { dirty = batch }
    }

    // MARK: Connections

    /// A connection was accepted.
    func connected(_ handler: ServerChannelHandler) {
        connections[ObjectIdentifier(handler)] = handler
        if isDraining { handler.beginDrain() }
        guard sweep == nil else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        sweep = eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
            let now = NIODeadline.now().uptimeNanoseconds
            for handler in Array(bound.value.connections.values) { handler.checkTimeouts(now: now) }
        }
    }

    /// A connection is gone.
    func disconnected(_ handler: ServerChannelHandler) {
        connections[ObjectIdentifier(handler)] = nil
        guard connections.isEmpty else { return }
        sweep?.cancel()
        sweep = nil
        drained?.succeed(())
    }

    /// Asks every client to go elsewhere, and those that come later; their calls go on.
    func beginDrain() {
        guard !isDraining else { return }
        isDraining = true
        for handler in Array(connections.values) { handler.beginDrain() }
    }

    /// As `beginDrain`, with an end: the future succeeds when all connections are gone, which
    /// is a second after `grace` at the latest.
    func drain(grace: TimeAmount) -> EventLoopFuture<Void> {
        let promise = drained ?? eventLoop.makePromise(of: Void.self)
        drained = promise
        beginDrain()
        if connections.isEmpty { promise.succeed(()) }
        let isolated = eventLoop.assumeIsolated()
        let cancel = isolated.scheduleTask(in: grace) {
            for handler in Array(self.connections.values) { handler.endDrain() }
        }
        let close = isolated.scheduleTask(in: grace + .seconds(1)) {
            for handler in Array(self.connections.values) { handler.close() }
        }
        promise.futureResult.assumeIsolated().whenComplete { _ in
            cancel.cancel()
            close.cancel()
        }
        return promise.futureResult
    }
}
