import NIOCore
import NIOHTTP1
import NIOPosix

/// The console: a small HTTP/1.1 server for scrapers, probes and people, beside the gRPC port.
///
/// `GET` and `HEAD` of the routes it was given, and an index page at `/`. It uses one loop of its
/// group, on which all routes are answered. Any thread may call.
public final class ConsoleServer: Sendable {
    /// The port that it listens on: the configured one, or what the system chose for 0.
    public let port: Int

    private let listener: any Channel
    private let connections: NIOLoopBoundBox<ConsoleConnections>

    private init(listener: any Channel, connections: NIOLoopBoundBox<ConsoleConnections>) {
        self.listener = listener
        self.connections = connections
        // A bound TCP socket has an address with a port.
        port = listener.localAddress?.port ?? 0
    }

    /// Starts listening and returns once connections are taken.
    ///
    /// - Parameters:
    ///   - routes: what to show; of two with the same path the later counts.
    ///   - group: gives one loop; it must outlive the console.
    /// - Throws: ``ConsoleError`` when the address cannot be had.
    public static func start(
        _ configuration: ConsoleConfiguration, routes: [ConsoleRoute], group: any EventLoopGroup
    ) async throws(ConsoleError) -> ConsoleServer {
        let loop = group.next()
        let connections = NIOLoopBoundBox.makeBoxSendingValue(
            ConsoleConnections(configuration, router: ConsoleRouter(routes)), eventLoop: loop)
        do {
            let listener = try await bootstrap(loop, connections)
                .bind(host: configuration.host, port: configuration.port).get()
            return ConsoleServer(listener: listener, connections: connections)
        } catch {
            throw ConsoleError(
                cannotListenAt: "\(configuration.host):\(configuration.port)", because: error)
        }
    }

    /// Stops listening and closes all connections, those with an answer under way after it.
    /// May be called again.
    public func shutdown() async {
        // Closing what is closed already fails, and that is as good.
        try? await listener.close().get()
        let (connections, loop) = (connections, listener.eventLoop)
        let closed = loop.flatSubmit { connections.value.shutDown(on: loop) }
        // The future never fails; it waits at most for the connections' own clocks.
        try? await closed.get()
    }

    private static func bootstrap(
        _ loop: any EventLoop, _ connections: NIOLoopBoundBox<ConsoleConnections>
    ) -> ServerBootstrap {
        // Listener and connections share the loop, so that what they share needs no lock.
        ServerBootstrap(group: loop, childGroup: loop)
            .serverChannelOption(.backlog, value: 64)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { listener in
                // Without file descriptors accept fails again at once, and would take a whole core.
                listener.eventLoop.makeCompletedFuture {
                    try listener.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                }
            }
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try connections.value.add(channel) }
            }
            .childChannelOption(.maxMessagesPerRead, value: 1)
    }
}
