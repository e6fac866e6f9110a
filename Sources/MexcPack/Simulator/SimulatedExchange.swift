import Coordination
import NIOCore
import NIOHTTP1
import NIOPosix

/// An exchange made up from a seed, served over HTTP on loopback in the shapes of the real one.
///
/// New coins are announced, listed as (2,2,4) with an opening time, and go live as time passes;
/// some open late, a few never. About 2,900 pairs trade; prices, candles and books agree. The same
/// seed shows the same market at the same instant, so a restart changes nothing.
///
/// Runs on one event loop of its own. Any thread may call it; call ``stop()`` when done.
final class SimulatedExchange: Sendable {
    /// Where it listens, such as `http://127.0.0.1:43123`.
    let baseURL: String
    private let group: MultiThreadedEventLoopGroup
    private let channel: any Channel
    private let core: NIOLoopBoundBox<ExchangeCore>

    private init(
        _ group: MultiThreadedEventLoopGroup, _ channel: any Channel,
        _ core: NIOLoopBoundBox<ExchangeCore>
    ) {
        self.group = group
        self.channel = channel
        self.core = core
        baseURL = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    /// Starts to listen on a free port of 127.0.0.1.
    ///
    /// - Parameters:
    ///   - seed: makes the market.
    ///   - clock: says its time.
    ///   - rates: how many requests it takes in how much real time.
    ///   - lifeDays: how long a coin stays listed; a year makes a market of the real one's size.
    static func start(
        seed: UInt64, clock: SimulatedClock, rates: RateWindow = RateWindow(),
        lifeDays: Int = SimulatedMarket.defaultLifeDays
    ) async throws(StepFailure) -> SimulatedExchange {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let core = NIOLoopBoundBox.makeBoxSendingValue(
            ExchangeCore(
                api: SimulatedAPI(seed: seed, rates: rates, lifeDays: lifeDays),
                clock: clock),
            eventLoop: loop)
        do {
            let channel = try await ServerBootstrap(group: loop)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { child in
                    child.eventLoop.makeCompletedFuture {
                        let pipeline = child.pipeline.syncOperations
                        try pipeline.configureHTTPServerPipeline()
                        try pipeline.addHandler(ExchangeHandler(core))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            return SimulatedExchange(group, channel, core)
        } catch {
            try? await group.shutdownGracefully()
            throw MarketFailure.unreachable("127.0.0.1", "the simulator cannot listen: \(error)")
        }
    }

    /// Makes things go wrong from the next request on.
    func setFaults(_ faults: ExchangeFaults) async throws {
        try await channel.eventLoop.submit { [core] in core.value.api.faults = faults }.get()
    }

    /// Puts the market's clock forward.
    func advance(hours: Double) async throws {
        try await channel.eventLoop.submit { [core] in core.value.clock.advance(hours: hours) }
            .get()
    }

    /// Closes the port and ends the thread. Connections that are still open are cut.
    func stop() async {
        // Nothing is lost when either fails: the port and the thread end with the process.
        try? await channel.close().get()
        try? await group.shutdownGracefully()
    }
}

/// What all connections share; belongs to the event loop.
private struct ExchangeCore {
    var api: SimulatedAPI
    var clock: SimulatedClock
}

/// One connection: answers each request in turn.
private final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let core: NIOLoopBoundBox<ExchangeCore>
    private var head: HTTPRequestHead?

    init(_ core: NIOLoopBoundBox<ExchangeCore>) { self.core = core }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            answer(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Whatever it was, this peer's bytes cannot be trusted to be in step any more.
        context.close(promise: nil)
    }

    private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let outage = core.value.api.faults.outage
        if outage == .closing { return context.close(promise: nil) }
        if outage == .silent { return }
        let clock = core.value.clock
        let answer = core.value.api.answer(
            SimulatedAPI.Request(target: head.uri), at: clock.millis, realMillis: clock.realMillis)
        let latency = core.value.api.faults.latencyMillis
        guard latency > 0 else { return send(answer, head, outage, context) }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(latency)) {
            let (handler, context) = bound.value
            // The peer may have given up meanwhile.
            guard context.channel.isActive else { return }
            handler.send(answer, head, outage, context)
        }
    }

    private func send(
        _ answer: SimulatedAPI.Answer, _ request: HTTPRequestHead,
        _ outage: ExchangeFaults.Outage, _ context: ChannelHandlerContext
    ) {
        let body =
            outage == .none ? answer.body : Array(answer.body.prefix(answer.body.count / 2))
        var headers = HTTPHeaders([("Content-Type", "application/json")])
        // A stalling answer promises all of its bytes; a truncated one only those it sends.
        let promised = outage == .stalling ? answer.body.count : body.count
        headers.add(name: "Content-Length", value: String(promised))
        if let seconds = answer.retryAfter {
            headers.add(name: "Retry-After", value: String(seconds))
        }
        let head = HTTPResponseHead(
            version: request.version, status: HTTPResponseStatus(statusCode: answer.status),
            headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(
            wrapOutboundOut(.body(.byteBuffer(context.channel.allocator.buffer(bytes: body)))),
            promise: nil)
        if outage == .stalling { return context.flush() }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        if !request.isKeepAlive { context.close(promise: nil) }
    }
}
