import NIOConcurrencyHelpers
public import NIOCore
import NIOPosix
import Synchronization

/// A gRPC server: accepts connections on one port and serves the registered services on the event
/// loops of a group.
///
/// Any thread may call it. It is started once; see ``shutdown(grace:)`` for being called again.
public final class GRPCServer: Sendable {
    private struct Running {
        var channel: (any Channel)?
        var loops: [NIOLoopBound<ServerLoop>] = []
    }

    private let configuration: ServerConfiguration
    private let methods: MethodTable
    private let group: any EventLoopGroup
    private let running = NIOLockedValueBox(Running())
    private let connectionCount = Atomic<Int>(0)

    /// A server, not yet listening.
    ///
    /// - Parameters:
    ///   - services: no two may share a method's path.
    ///   - group: its loops do all the work; the server does not shut it down. They must be NIOPosix
    ///     loops.
    ///   - metrics: told about each call; nil when nobody wants to know.
    public init(
        configuration: ServerConfiguration = .defaults, services: [ServiceRegistration],
        group: any EventLoopGroup, metrics: (any CallObserver)? = nil
    ) {
        self.configuration = configuration
        self.group = group
        methods = MethodTable(services, observer: metrics)
    }

    /// How many connections are open.
    public var openConnections: Int { connectionCount.load(ordering: .relaxed) }

    /// Listens; returns the port, which is the configured one unless that was 0.
    ///
    /// - Throws: `ServerStartError` when the address cannot be listened on; its description says
    ///   why and what to do.
    public func start() async throws -> Int {
        var loops: [ObjectIdentifier: (NIOLoopBound<ServerLoop>, NIOLoopBound<LoopReceiveBuffer>)] =
            [:]
        let unfinished = ByteBudget(limit: configuration.limits.maxUnfinishedBytes)
        let unsent = ByteBudget(limit: configuration.limits.maxUnsentBytes)
        for eventLoop in group.makeIterator() {
            loops[ObjectIdentifier(eventLoop)] = try await eventLoop.submit {
                (
                    NIOLoopBound(
                        ServerLoop(eventLoop, unfinished: unfinished, unsent: unsent),
                        eventLoop: eventLoop),
                    NIOLoopBound(LoopReceiveBuffer(), eventLoop: eventLoop)
                )
            }.get()
        }
        let channel = try await listen(loops)
        running.withLockedValue {
            $0.channel = channel
            $0.loops = loops.values.map(\.0)
        }
        return channel.localAddress?.port ?? configuration.port
    }

    /// The beginning of ``shutdown(grace:)``: no new connections, clients are told to go elsewhere,
    /// and calls that never end by themselves are cancelled. The others go on until `shutdown`,
    /// which must follow.
    public func beginShutdown() async {
        let (listener, loops) = running.withLockedValue { running in
            defer { running.channel = nil }
            return (running.channel, running.loops)
        }
        // A listener that is closed already is as good as closed now.
        try? await listener?.close().get()
        for loop in loops { try? await loop.eventLoop.submit { loop.value.beginDrain() }.get() }
    }

    /// Stops: no new connections, clients are told to go elsewhere, open calls may end within
    /// `grace`, the rest is cancelled with UNAVAILABLE, then every connection is closed. Calls that
    /// never end by themselves (`ServerCall.endAtShutdown`) are cancelled at once. Called again with
    /// less grace while it waits, it ends sooner.
    public func shutdown(grace: Duration) async {
        await beginShutdown()
        let loops = running.withLockedValue { $0.loops }
        let drained = loops.map { loop in
            loop.eventLoop.flatSubmit { loop.value.drain(grace: .nanoseconds(grace.nanoseconds)) }
        }
        for future in drained { try? await future.get() }
    }

    private func listen(
        _ loops: [ObjectIdentifier: (NIOLoopBound<ServerLoop>, NIOLoopBound<LoopReceiveBuffer>)]
    ) async throws -> any Channel {
        let marks = ChannelOptions.Types.WriteBufferWaterMark(
            low: configuration.limits.maxUnsentConnectionBytes / 4,
            high: configuration.limits.maxUnsentConnectionBytes)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { listener in
                // Without file descriptors accept fails again at once, and would take a whole core.
                listener.eventLoop.makeCompletedFuture {
                    try listener.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                }
            }
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: marks)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let (loop, buffer) = loops[ObjectIdentifier(channel.eventLoop)] else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    try self.accept(channel, loop.value, buffer.value)
                }
            }
        do {
            return try await bootstrap.bind(host: configuration.host, port: configuration.port)
                .get()
        } catch {
            let address = HostAndPort.text(configuration.host, configuration.port)
            throw ServerStartError(address: address, cause: error)
        }
    }

    private func accept(
        _ channel: any Channel, _ loop: ServerLoop, _ buffer: LoopReceiveBuffer
    ) throws {
        let open = connectionCount.add(1, ordering: .relaxed).newValue
        channel.closeFuture.whenComplete { _ in
            self.connectionCount.subtract(1, ordering: .relaxed)
        }
        guard open <= configuration.limits.maxConnections else {
            throw ChannelError.inappropriateOperationForState  // NIO closes the channel.
        }
        let pipeline = channel.pipeline.syncOperations
        try channel.syncOptions?.setOption(
            .recvAllocator, value: LoopReceiveAllocator(buffer))
        try KeepAlive.begin(on: channel)
        try pipeline.addHandlers(configuration.extraHandlers(channel))
        let (methods, limits) = (methods, configuration.limits)
        try pipeline.addHandler(
            ServerChannelHandler(
                loop: loop, receiveBuffer: buffer, configuration: configuration
            ) { peer, now in
                ServerConnection(
                    loop: loop, methods: methods, limits: limits, peer: peer, now: now)
            })
    }
}
