import NIOCore
import NIOPosix

/// What a client is on its loop: the connectivity, the connection, and the calls that wait for one.
final class ClientCore {
    let eventLoop: any EventLoop
    let address: String
    /// What requests name the server by.
    let authority: String
    /// Ends calls whose deadline passes.
    let deadlines: LoopDeadlines<ClientCall>
    private let host: String
    private let port: Int
    private let configuration: ClientConfiguration
    private let backoff: Backoff
    private var connectivity: Connectivity
    private(set) var connection: ClientConnection?
    /// Every connection that is not closed yet, the one for new calls among them.
    private(set) var open: [ObjectIdentifier: ClientConnection] = [:]
    private var waiting: [ClientCall] = []
    /// Calls that servers did not look at, in the pause before they are begun again.
    private(set) var pausing: [ObjectIdentifier: ClientCall] = [:]
    private var attempt: Scheduled<Void>?
    private var closed: EventLoopPromise<Void>?
    /// Connections being made or open.
    private var channels = 0

    init(
        host: String, port: Int, configuration: ClientConfiguration, eventLoop: any EventLoop
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.eventLoop = eventLoop
        address = HostAndPort.text(host, port)
        authority = configuration.authority ?? address
        deadlines = LoopDeadlines(eventLoop)
        backoff = Backoff(
            initial: Double(configuration.initialBackoff.nanoseconds) / 1e9,
            most: Double(configuration.maxBackoff.nanoseconds) / 1e9)
        connectivity = Connectivity(backoff)
    }

    /// Finds the call a connection.
    func start(_ call: ClientCall) {
        guard !call.isEnded else { return }
        switch connectivity.callArrived(waitForReady: call.options.waitForReady) {
        case .use:
            if let connection { connection.take(call) }
        case .wait: waiting.append(call)
        case .connect:
            waiting.append(call)
            connect()
        case .fail(let reason): call.failed(unavailable(reason))
        }
    }

    /// Begins a call again that the server did not look at: after a pause when it is not the first time,
    /// for a server that turns calls away is not to be asked without end as fast as it answers.
    func startAgain(_ call: ClientCall) {
        let wait = call.pauseBeforeNextStart(backoff, jitter: .random(in: -1...1))
        guard wait > 0, closed == nil else { return start(call) }
        pausing[ObjectIdentifier(call)] = call
        eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(Int64(wait * 1e9))) {
            self.pausing[ObjectIdentifier(call)] = nil
            self.start(call)
        }
    }

    private func unavailable(_ reason: String) -> GRPCStatus {
        .connectionFailure("cannot connect to \(address): \(reason)")
    }

    // MARK: Connecting

    private func connect() {
        channels += 1
        let timeout = TimeAmount.nanoseconds(configuration.connectTimeout.nanoseconds)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        attempt = eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.attemptTimedOut()
        }
        ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try bound.value.connected(channel) }
            }
            .connect(host: host, port: port)
            .assumeIsolated()
            .whenComplete { result in
                guard case .failure(let error) = result else { return }
                self.attemptFailed(ConnectFailure.text(whileConnecting: error))
                self.channelClosed()
            }
    }

    private func connected(_ channel: any Channel) throws {
        // Closed while the address was looked up: whoever closed it waits for this channel to go.
        guard closed == nil else { throw ChannelError.ioOnClosedChannel }
        try KeepAlive.begin(on: channel)
        let made = ClientConnection(core: self, configuration: configuration)
        guard let made else { throw ChannelError.inappropriateOperationForState }
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers(configuration.extraHandlers(channel))
        try pipeline.addHandler(made)
        open[ObjectIdentifier(made)] = made
    }

    private func attemptTimedOut() {
        attemptFailed("no HTTP/2 answer in time")
        for connection in Array(open.values) where !connection.isEstablished {
            connection.close(unavailable("no HTTP/2 answer in time"))
        }
    }

    private func attemptFailed(_ reason: String) {
        attempt?.cancel()
        guard connectivity.state == .connecting else { return }
        let wait = connectivity.connectFailed(reason, jitter: .random(in: -1...1))
        let calls = waiting
        waiting = calls.filter(\.options.waitForReady)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.scheduleTask(in: .nanoseconds(Int64(wait * 1e9))) { bound.value.backoffEnded() }
        for call in calls where !call.options.waitForReady { call.failed(unavailable(reason)) }
    }

    private func backoffEnded() {
        waiting.removeAll(where: \.isEnded)
        if connectivity.backoffEnded(callsWait: !waiting.isEmpty) { connect() }
    }

    // MARK: What connections tell

    /// The server's SETTINGS have come.
    func established(_ made: ClientConnection) {
        attempt?.cancel()
        guard connectivity.state == .connecting else { return }
        connectivity.connected()
        connection = made
        let calls = waiting
        waiting = []
        for call in calls { made.take(call) }
    }

    /// The connection takes no new calls.
    func connectionGone(_ gone: ClientConnection) {
        guard connection === gone else { return }
        connection = nil
        connectivity.connectionGone()
    }

    /// The connection's channel is closed.
    func lost(_ gone: ClientConnection, reason: String) {
        open[ObjectIdentifier(gone)] = nil
        if gone.isEstablished { connectionGone(gone) } else { attemptFailed(reason) }
        channelClosed()
    }

    /// The connection has left its channel; one that could not be made is told of in no other way.
    func gone(_ gone: ClientConnection) {
        open[ObjectIdentifier(gone)] = nil
    }

    private func channelClosed() {
        channels -= 1
        if channels == 0 { closed?.succeed(()) }
    }

    // MARK: Closing

    /// Ends every call and closes; succeeds when no channel is left.
    func close() -> EventLoopFuture<Void> {
        let promise = closed ?? eventLoop.makePromise(of: Void.self)
        closed = promise
        connectivity.closed()
        attempt?.cancel()
        let status = GRPCStatus(.cancelled, "the client was closed")
        let calls = waiting + pausing.values
        waiting = []
        pausing = [:]
        for call in calls { call.failed(status) }
        for connection in Array(open.values) { connection.close(status) }
        deadlines.stop()
        if channels == 0 { promise.succeed(()) }
        return promise.futureResult
    }
}
