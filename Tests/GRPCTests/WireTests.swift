import HTTP2
import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// A client that sends header blocks and bodies as it likes, over a real socket.
final class WireClient: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What came back on the one stream.
    struct Answer: Sendable, Equatable {
        var headers: [[String]] = []
        var body: [UInt8] = []
        var reset: UInt32?
    }

    private let session: HTTP2Session
    private let fields: [(String, String)]
    private let body: [UInt8]
    private let ends: Bool
    private let trailers: Bool
    private let answered: EventLoopPromise<Answer>
    private var answer = Answer()

    init(
        _ fields: [(String, String)], body: [UInt8], ends: Bool, trailers: Bool,
        _ answered: EventLoopPromise<Answer>
    ) throws {
        session = try #require(HTTP2Session(.client))
        self.fields = fields
        self.body = body
        self.ends = ends
        self.trailers = trailers
        self.answered = answered
    }

    /// Sends one request and returns all that comes back.
    static func ask(
        _ echo: EchoServer, _ fields: [(String, String)], body: [UInt8] = [], ends: Bool = true,
        trailers: Bool = false
    ) async throws -> Answer {
        let answered = echo.group.next().makePromise(of: Answer.self)
        let channel = try await connect(
            echo, fields, body: body, ends: ends, trailers: trailers, answered)
        let answer = try await answered.futureResult.get()
        try? await channel.close()
        return answer
    }

    /// Sends one request, and closes without a word more when `echo` has noted `word`.
    static func hangUp(
        _ echo: EchoServer, _ fields: [(String, String)], body: [UInt8], after word: String
    ) async throws {
        let answered = echo.group.next().makePromise(of: Answer.self)
        let channel = try await connect(
            echo, fields, body: body, ends: true, trailers: false, answered)
        await echo.log.wait(for: word)
        try await channel.close()
        await #expect(throws: ChannelError.self) { try await answered.futureResult.get() }
    }

    private static func connect(
        _ echo: EchoServer, _ fields: [(String, String)], body: [UInt8], ends: Bool,
        trailers: Bool, _ answered: EventLoopPromise<Answer>
    ) async throws -> any Channel {
        try await ClientBootstrap(group: echo.group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        WireClient(
                            fields, body: body, ends: ends, trailers: trailers, answered))
                }
            }.connect(host: "127.0.0.1", port: echo.port).get()
    }

    func channelActive(context: ChannelHandlerContext) {
        let pairs = fields.map { (name: $0.0, value: $0.1) }
        if let stream = session.request(head: .empty, fields: HTTP2Fields(pairs)) {
            session.send(body, on: stream)
            if trailers {
                session.finish(on: stream, trailers: HTTP2HeaderBlock([("x-checksum", "1")]))
            } else if ends {
                session.finishSending(on: stream)
            }
        }
        write(context)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        var events = HTTP2Events()
        session.receive(buffer.readableBytesSpan, now: 1, into: &events)
        for event in events.events {
            switch event {
            case .headers(_, let range, _):
                answer.headers.append(
                    events.fields.fields[range].map {
                        events.fields.text(in: $0.name) + "=" + events.fields.text(in: $0.value)
                    })
            case .data(_, let range, _): answer.body += Array(buffer.readableBytesView)[range]
            case .closed(_, let code):
                answer.reset = code.rawValue
                answered.succeed(answer)
            default: break
            }
        }
        write(context)
    }

    func channelInactive(context: ChannelHandlerContext) { answered.fail(ChannelError.eof) }

    private func write(_ context: ChannelHandlerContext) {
        var events = HTTP2Events()
        var out = ByteBuffer()
        _ = session.drainOutput(maxBytes: 1 << 20, into: &events) { _ = out.writeBytes($0) }
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
    }
}

@Suite(.timeLimit(.minutes(1))) struct WireTests {
    /// A good request for `name`, with fields replaced (nil: left out) or added.
    static func request(
        _ name: String, _ changes: [String: String?] = [:]
    ) -> [(String, String)] {
        var fields: [(String, String)] = [
            (":method", "POST"), (":scheme", "http"), (":path", "/test.Echo/\(name)"),
            (":authority", "test"), ("te", "trailers"), ("content-type", "application/grpc"),
        ]
        for (name, value) in changes {
            let index = fields.firstIndex { $0.0 == name }
            if let index { fields.remove(at: index) }
            guard let value else { continue }
            fields.insert((name, value), at: index ?? fields.count)
        }
        return fields
    }

    @Test func `requests that are never finished are bounded together`() async throws {
        let echo = try await EchoServer({ $0.limits.maxUnfinishedBytes = 200_000 })
        // A message of 300,000 bytes (0x493E0), of which the end does not come.
        let body: [UInt8] = [0, 0, 4, 0x93, 0xE0] + [UInt8](repeating: 1, count: 250_000)
        let answer = try await WireClient.ask(
            echo, Self.request("Echo"), body: body, ends: false)
        #expect(answer.headers.first?.contains("grpc-status=8") == true, "\(answer)")
        // What it held is given back.
        let large = [UInt8](repeating: 1, count: 150_000)
        let response = try await echo.client.unary(EchoServer.echo, framed: framed(large))
        #expect(response.message == large)
        try await echo.stop()
    }

    /// Name, changes to a good request, what the first header block must contain.
    static let heads: [(String, [String: String?], [String])] = [
        ("another method", [":method": "GET"], [":status=405", "allow=POST"]),
        ("no content type", ["content-type": nil], [":status=415"]),
        ("text", ["content-type": "text/plain"], [":status=415"]),
        ("gRPC-Web", ["content-type": "application/grpc-web"], [":status=415"]),
        ("a proto suffix", ["content-type": "application/grpc+proto"], [":status=200"]),
        ("a parameter", ["content-type": "application/grpc;x=1"], [":status=200"]),
        ("no te", ["te": nil], [":status=200"]),
        ("path in capitals", [":path": "/TEST.ECHO/ECHO"], [":status=200", "grpc-status=12"]),
        ("path of one part", [":path": "/Echo"], ["grpc-status=12"]),
        ("path of three parts", [":path": "/test.Echo/Echo/x"], ["grpc-status=12"]),
        (
            "unknown encoding", ["grpc-encoding": "br"],
            ["grpc-status=12", "grpc-accept-encoding=identity"]
        ),
        ("identity", ["grpc-encoding": "identity"], [":status=200"]),
        ("malformed timeout", ["grpc-timeout": "1x"], ["grpc-status=13"]),
        ("timeout too long", ["grpc-timeout": "123456789S"], ["grpc-status=13"]),
        ("timeout of nothing", ["grpc-timeout": "0n"], ["grpc-status=4"]),
        ("the longest timeout", ["grpc-timeout": "99999999H"], [":status=200"]),
        ("unknown grpc- field", ["grpc-future": "1"], [":status=200"]),
        ("broken base64", ["x-initial-bin": "!!!"], [":status=200"]),
    ]

    @Test func `every kind of request head gets its answer`() async throws {
        let echo = try await EchoServer(loops: 1)
        for (name, changes, expected) in Self.heads {
            let answer = try await WireClient.ask(
                echo, Self.request("Echo", changes), body: [0, 0, 0, 0, 1, 42])
            let first = answer.headers.first ?? []
            for field in expected { #expect(first.contains(field), "\(name): \(first)") }
        }
        try await echo.stop()
    }

    @Test func `an unknown method is answered before the client ends, then reset without error`()
        async throws
    {
        let echo = try await EchoServer(loops: 1)
        let answer = try await WireClient.ask(echo, Self.request("Nope"), body: [0], ends: false)
        #expect(answer.headers.count == 1)
        #expect(answer.headers[0].contains("grpc-status=12"))
        #expect(answer.reset == 0)
        try await echo.stop()
    }

    @Test(arguments: [
        ("an unknown path", request("Nope"), "other ended UNIMPLEMENTED"),
        ("another method", request("Echo", [":method": "GET"]), "other ended INTERNAL"),
        (
            "a malformed timeout", request("Echo", ["grpc-timeout": "1x"]), "Echo ended INTERNAL"
        ),
    ])
    func `trailers of a refused request are no second call`(
        name: String, fields: [(String, String)], end: String
    ) async throws {
        let echo = try await EchoServer(loops: 1)
        _ = try await WireClient.ask(echo, fields, trailers: true)
        #expect(echo.log.words == [end], "\(name)")
        #expect(echo.log.started == 1)
        try await echo.stop()
    }

    /// Name, method, body, and the grpc-status that must come.
    static let bodies: [(String, String, [UInt8], String)] = [
        ("no message", "Echo", [], "12"),
        ("two messages", "Echo", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "12"),
        ("cut off in the prefix", "Echo", [0, 0], "13"),
        ("cut off in the message", "Echo", [0, 0, 0, 0, 9, 1], "13"),
        ("compressed", "Echo", [1, 0, 0, 0, 0], "13"),
        ("flag 9", "Chat", [9, 0, 0, 0, 0], "13"),
        ("4 GiB", "Chat", [0, 255, 255, 255, 255], "8"),
    ]

    @Test func `every wrong body gets its status`() async throws {
        let echo = try await EchoServer(loops: 1)
        for (name, method, body, status) in Self.bodies {
            let answer = try await WireClient.ask(echo, Self.request(method), body: body)
            let last = answer.headers.last ?? []
            #expect(last.contains("grpc-status=\(status)"), "\(name): \(last)")
        }
        try await echo.stop()
    }

    @Test func `a malformed timeout is refused whatever stands beside it`() async throws {
        let echo = try await EchoServer(loops: 1)
        for timeouts in [["1x", "1S"], ["1S", "1x"]] {
            let fields = Self.request("Echo") + timeouts.map { ("grpc-timeout", $0) }
            let answer = try await WireClient.ask(echo, fields, body: [0, 0, 0, 0, 0])
            #expect(answer.headers.last?.contains("grpc-status=13") == true, "\(timeouts)")
        }
        let fields = Self.request("Never") + [("grpc-timeout", "20m"), ("grpc-timeout", "9H")]
        let answer = try await WireClient.ask(echo, fields, body: [0, 0, 0, 0, 0])
        #expect(answer.headers.last?.contains("grpc-status=4") == true, "\(answer)")
        try await echo.stop()
    }

    @Test func `the server ends a call at its deadline by itself`() async throws {
        let echo = try await EchoServer(loops: 1)
        let answer = try await WireClient.ask(
            echo, Self.request("Never", ["grpc-timeout": "20m"]), body: [0, 0, 0, 0, 0])
        #expect(answer.headers.last?.contains("grpc-status=4") == true, "\(answer)")
        #expect(
            echo.log.words == [
                "never begun", "Never ended DEADLINE_EXCEEDED", "never deadlineExceeded",
            ])
        try await echo.stop()
    }

    @Test func `a deadline that has passed when the message comes runs no handler`() async throws {
        let echo = try await EchoServer(loops: 1)
        let answer = try await WireClient.ask(
            echo, Self.request("Never", ["grpc-timeout": "0n"]), body: [0, 0, 0, 0, 0])
        #expect(answer.headers.last?.contains("grpc-status=4") == true, "\(answer)")
        #expect(echo.log.words == ["Never ended DEADLINE_EXCEEDED"])
        try await echo.stop()
    }

    @Test func `a connection that says nothing is closed after the handshake timeout`()
        async throws
    {
        let echo = try await EchoServer(loops: 1, { $0.timeouts.handshake = .milliseconds(10) })
        let channel = try await ClientBootstrap(group: echo.group)
            .connect(host: "127.0.0.1", port: echo.port).get()
        try await channel.closeFuture.get()
        try await echo.stop()
        #expect(echo.server.openConnections == 0)
    }

    @Test func `an idle connection is asked to go when idle has a limit`() async throws {
        let echo = try await EchoServer(loops: 1, { $0.timeouts.idle = .milliseconds(10) })
        _ = try await echo.client.unary(EchoServer.echo, framed: framed([1]))
        while echo.server.openConnections > 0 { await Task.yield() }
        // The client notices and connects again.
        let again = try await echo.client.unary(EchoServer.echo, framed: framed([2]))
        #expect(again.message == [2])
        try await echo.stop()
    }

    @Test func `a client that hangs up in a call has cancelled it`() async throws {
        let echo = try await EchoServer(loops: 1)
        try await WireClient.hangUp(
            echo, Self.request("Never"), body: [0, 0, 0, 0, 0], after: "never begun")
        await echo.log.wait(for: "Never ended")
        await echo.log.wait(for: "never connectionLost")
        #expect(echo.log.ended.map(\.summary.code) == [.cancelled])
        try await echo.stop()
    }

    @Test func `a client that does not read loses its connection`() async throws {
        let echo = try await EchoServer(
            loops: 1,
            {
                $0.timeouts.writeStall = .milliseconds(10)
                $0.limits.sendHighWatermarkBytes = 1 << 20
            })
        var options = HTTP2Options.defaults
        options.streamWindowBytes = 64 << 20
        options.connectionWindowBytes = 64 << 20
        let session = try #require(HTTP2Session(.client, options: options))
        let pairs = Self.request("Flood").map { (name: $0.0, value: $0.1) }
        let stream = try #require(session.request(head: .empty, fields: HTTP2Fields(pairs)))
        session.send([0, 0, 0, 0, 0], on: stream)
        session.finishSending(on: stream)
        var out = ByteBuffer()
        var events = HTTP2Events()
        _ = session.drainOutput(maxBytes: 1 << 20, into: &events) { _ = out.writeBytes($0) }
        let channel = try await ClientBootstrap(group: echo.group)
            .channelOption(.autoRead, value: false)
            .channelOption(.socketOption(.so_rcvbuf), value: 4_096)
            .connect(host: "127.0.0.1", port: echo.port).get()
        try await channel.writeAndFlush(out)
        await echo.log.wait(for: "Flood ended RESOURCE_EXHAUSTED")
        #expect(echo.log.highest("flood sent") < 1_000)
        try await channel.close()
        try await echo.stop()
    }

    @Test func `a refusal says when to try again`() async throws {
        let echo = try await EchoServer(loops: 1)
        let answer = try await WireClient.ask(
            echo, Self.request("Busy"), body: [0, 0, 0, 0, 0])
        #expect(answer.headers.last?.contains("grpc-status=8") == true)
        #expect(answer.headers.last?.contains("grpc-retry-pushback-ms=1500") == true)
        try await echo.stop()
    }
}
