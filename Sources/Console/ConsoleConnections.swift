import NIOCore
import NIOHTTP1

/// All open connections of a console. Confined to its loop.
final class ConsoleConnections {
    private let configuration: ConsoleConfiguration
    private let router: ConsoleRouter
    private var open: [ObjectIdentifier: ConsoleConnection] = [:]
    private var allClosed: [EventLoopPromise<Void>] = []
    private var isShuttingDown = false

    /// None yet.
    init(_ configuration: ConsoleConfiguration, router: ConsoleRouter) {
        self.configuration = configuration
        self.router = router
    }

    /// Sets up a connection that was just taken.
    func add(_ channel: any Channel) throws {
        guard open.count < configuration.maxConnections, !isShuttingDown else {
            return try channel.pipeline.syncOperations.addHandler(TooManyConnections())
        }
        let connection = ConsoleConnection(
            router: router, timeout: configuration.connectionTimeout
        ) { [weak self] in self?.remove($0) }
        try channel.pipeline.syncOperations.addHandlers([
            HTTPResponseEncoder(), BareLineFeedFilter(),
            ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limits)),
            connection,
        ])
        open[ObjectIdentifier(connection)] = connection
    }

    /// Ends all connections; succeeds when the last one is gone.
    func shutDown(on loop: any EventLoop) -> EventLoopFuture<Void> {
        isShuttingDown = true
        let promise = loop.makePromise(of: Void.self)
        if open.isEmpty {
            promise.succeed()
        } else {
            allClosed.append(promise)
            for connection in open.values { connection.shutDown() }
        }
        return promise.futureResult
    }

    private func remove(_ connection: ConsoleConnection) {
        open[ObjectIdentifier(connection)] = nil
        guard open.isEmpty else { return }
        for promise in allClosed { promise.succeed() }
        allClosed = []
    }

    private var limits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = configuration.maxHeaderBytes
        limits.maxHeaderListSize = configuration.maxHeaderBytes
        limits.maxHeaderFieldCount = configuration.maxHeaderFields
        return limits
    }
}

/// Tells one client too many to come again, and closes.
private final class TooManyConnections: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        let answer = context.channel.allocator.buffer(
            string: "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n"
                + "content-length: 0\r\n\r\n")
        context.writeAndFlush(wrapOutboundOut(answer)).assumeIsolated().whenComplete { _ in
            context.close(promise: nil)
        }
    }
}
