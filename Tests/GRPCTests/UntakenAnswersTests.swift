import HTTP2
import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// A client that makes many calls on one connection and gives no stream any credit.
private final class StingyClient: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let session: HTTP2Session
    private let log: CallLog
    private var context: ChannelHandlerContext?
    private var streams: [HTTP2Stream] = []

    init(_ log: CallLog) throws {
        var options = HTTP2Options.defaults
        options.streamWindowBytes = 0
        session = try #require(HTTP2Session(.client, options: options))
        self.log = log
    }

    static func connect(
        _ echo: EchoServer, _ log: CallLog
    ) async throws -> NIOLoopBound<StingyClient> {
        let loop = echo.group.next()
        let client = try await loop.submit {
            NIOLoopBound(try StingyClient(log), eventLoop: loop)
        }.get()
        _ = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(client.value)
                }
            }.connect(host: "127.0.0.1", port: echo.port).get()
        return client
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) { write() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        var events = HTTP2Events()
        session.receive(buffer.readableBytesSpan, now: 1, into: &events)
        for case .headers(let stream, let range, _) in events.events {
            let status = events.fields.fields[range].first {
                events.fields.text(in: $0.name) == "grpc-status"
            }
            log.note("\(stream.id) " + (status.map { events.fields.text(in: $0.value) } ?? "head"))
        }
        write()
    }

    /// Begins a call with one message; ends the request unless it is to stay open.
    func ask(_ name: String, bytes: Int, ends: Bool = true) throws {
        let pairs = WireTests.request(name).map { (name: $0.0, value: $0.1) }
        let stream = try #require(session.request(head: .empty, fields: HTTP2Fields(pairs)))
        let length = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes >> $0) }
        session.send([0] + length + [UInt8](repeating: 1, count: bytes), on: stream)
        if ends { session.finishSending(on: stream) }
        streams.append(stream)
        write()
    }

    /// Wants no answer any more of what was asked so far.
    func resetAll() {
        for stream in streams { session.reset(stream, .cancel) }
        streams = []
        write()
    }

    func close() { context?.close(promise: nil) }

    private func write() {
        var events = HTTP2Events()
        var out = ByteBuffer()
        _ = session.drainOutput(maxBytes: 8 << 20, into: &events) { _ = out.writeBytes($0) }
        context?.writeAndFlush(wrapOutboundOut(out), promise: nil)
    }
}

/// Answers that their clients do not take.
@Suite(.timeLimit(.minutes(1))) struct UntakenAnswersTests {
    private func ask(
        _ client: NIOLoopBound<StingyClient>, _ name: String, bytes: Int, ends: Bool = true
    ) async throws {
        try await client.eventLoop.submit {
            try client.value.ask(name, bytes: bytes, ends: ends)
        }.get()
    }

    /// A server that holds 900,000 of 1,000,000 bytes for a client who does not take them.
    private func nearlyFull() async throws -> (EchoServer, CallLog, NIOLoopBound<StingyClient>) {
        let echo = try await EchoServer({ $0.limits.maxUnsentBytes = 1_000_000 })
        let log = CallLog()
        let client = try await StingyClient.connect(echo, log)
        for stream in [1, 3, 5] {
            try await ask(client, "Echo", bytes: 300_000)
            await log.wait(for: "\(stream) head")
        }
        return (echo, log, client)
    }

    @Test func `answers that nobody takes are bounded together`() async throws {
        let (echo, log, client) = try await nearlyFull()
        try await ask(client, "Echo", bytes: 300_000)
        await log.wait(for: "7 8")
        // A stream with a large answer ends as well, and its handler is told.
        try await ask(client, "Chat", bytes: 300_000, ends: false)
        await log.wait(for: "9 8")
        await echo.log.wait(for: "chat refused")
        // Small ones are served.
        let small = try await echo.client.unary(EchoServer.echo, framed: framed([1]))
        #expect(small.message == [1])
        // What the client held is given back with its connection.
        try await client.eventLoop.submit { client.value.close() }.get()
        await echo.client.close()
        while echo.server.openConnections > 0 { await Task.yield() }
        let other = GRPCClient(host: "127.0.0.1", port: echo.port, group: echo.group)
        let large = [UInt8](repeating: 1, count: 900_000)
        #expect(try await other.unary(EchoServer.echo, framed: framed(large)).message == large)
        await other.close()
        try await echo.stop()
    }

    @Test func `what a client does not want any more makes room while it stays`() async throws {
        let (echo, _, client) = try await nearlyFull()
        try await client.eventLoop.submit { client.value.resetAll() }.get()
        // It says nothing more, so nothing goes to it either; the suite's time limits the attempts.
        let large = framed([UInt8](repeating: 1, count: 900_000))
        while (try? await echo.client.unary(EchoServer.echo, framed: large)) == nil {
            await Task.yield()
        }
        try await client.eventLoop.submit { client.value.close() }.get()
        try await echo.stop()
    }

    @Test func `a call whose answer is not taken ends with RESOURCE_EXHAUSTED`() async throws {
        let echo = try await EchoServer({ $0.timeouts.writeStall = .milliseconds(10) })
        let log = CallLog()
        let client = try await StingyClient.connect(echo, log)
        try await ask(client, "Echo", bytes: 100)
        try await ask(client, "Chat", bytes: 100, ends: false)
        await log.wait(for: "1 8")
        await log.wait(for: "3 8")
        await echo.log.wait(for: "chat clientTooSlow")
        #expect(echo.log.words.contains("Chat ended RESOURCE_EXHAUSTED"))
        try await client.eventLoop.submit { client.value.close() }.get()
        try await echo.stop()
    }
}
