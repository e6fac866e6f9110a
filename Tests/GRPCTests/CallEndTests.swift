import HTTP2
import NIOCore
import NIOPosix
import Testing

@testable import GRPC

/// What a call leaves behind when it has ended, seen on one loop without sockets.
@Suite(.timeLimit(.minutes(1))) struct CallEndTests {
    private static let park = MethodDescriptor(
        service: "test.End", name: "Park", kind: .bidirectional)

    /// A connection, its client, and the calls that its one method keeps and pauses.
    private final class Rig {
        let connection: ServerConnection
        let client: HTTP2Session
        let parked: Calls
        /// What the server's observer was told.
        let log = CallLog()

        final class Calls {
            var all: [ServerCall] = []
            var ends: [CallEnd] = []
            var halfCloses = 0
            /// What the method does with a message.
            var answer: (ServerCall) throws(GRPCStatus) -> Void = { _ throws(GRPCStatus) in
                throw GRPCStatus(.invalidArgument, "not this")
            }
        }

        init() throws {
            let loop = MultiThreadedEventLoopGroup.singleton.any()
            let parked = NIOLoopBound(Calls(), eventLoop: loop)
            let method = ServerMethod(park) { call throws(GRPCStatus) in
                parked.value.all.append(call)
                call.pauseReading()
                call.onMessage = { _ throws(GRPCStatus) in try parked.value.answer(call) }
                call.onHalfClose = { parked.value.halfCloses += 1 }
                call.onCancel = { parked.value.ends.append($0) }
            }
            let methods = MethodTable(
                [
                    ServiceRegistration(
                        descriptor: ServiceDescriptor(name: "test.End", methods: [park]),
                        methods: [method])
                ], observer: log)
            self.parked = parked.value
            client = try #require(HTTP2Session(.client))
            connection = try #require(
                ServerConnection(
                    loop: ServerLoop(
                        loop, unfinished: ByteBudget(limit: 1 << 20),
                        unsent: ByteBudget(limit: 1 << 30)),
                    methods: methods, limits: .init(), peer: "test", now: 1)
            )
        }

        func request() throws -> HTTP2Stream {
            try #require(
                client.request(
                    head: .empty,
                    fields: HTTP2Fields([
                        (":method", "POST"), (":scheme", "http"), (":path", "/test.End/Park"),
                        (":authority", "test"), ("te", "trailers"),
                        ("content-type", "application/grpc"),
                    ])))
        }

        /// Whether the client lets the server go on sending.
        var isListening = false
        private var unheard: [(HTTP2Stream, Int)] = []

        /// Carries bytes both ways until nothing moves.
        func run() {
            var isMoving = true
            while isMoving {
                var events = HTTP2Events()
                var bytes: [UInt8] = []
                if isListening { listen() }
                _ = client.drainOutput(maxBytes: 8 << 20, into: &events) { append($0, to: &bytes) }
                isMoving = !bytes.isEmpty
                if isMoving { connection.received(bytes.span.bytes, now: 1) }
                bytes = []
                _ = connection.drain(maxBytes: 8 << 20) { append($0, to: &bytes) }
                isMoving = isMoving || !bytes.isEmpty
                client.receive(bytes.span.bytes, now: 1, into: &events)
                for case .data(let stream, let range, _) in events.events {
                    unheard.append((stream, range.count))
                }
                isMoving = isMoving || isListening && !unheard.isEmpty
            }
        }

        private func listen() {
            for (stream, count) in unheard {
                client.consumeStream(stream, count)
                client.consumeConnection(count)
            }
            unheard = []
        }

        private func append(_ piece: RawSpan, to bytes: inout [UInt8]) {
            piece.withUnsafeBytes { bytes.append(contentsOf: $0) }
        }
    }

    /// Runs `body` on the loop of the rig.
    private func onLoop(_ body: @escaping @Sendable (Rig) throws -> Void) async throws {
        try await MultiThreadedEventLoopGroup.singleton.any().submit { try body(Rig()) }.get()
    }

    @Test func `what a paused call has not read is credited when it ends by itself`() async throws {
        try await onLoop { rig in
            for _ in 0..<16 {  // 256 KiB each: the connection's window is used up.
                rig.client.send([UInt8](repeating: 0, count: 256 << 10), on: try rig.request())
            }
            rig.run()
            let late = try rig.request()
            rig.client.send([1, 2, 3], on: late)
            rig.run()
            #expect(rig.parked.all.count == 17)
            #expect(rig.client.queuedBytes(on: late) == 3, "the window is not full")
            for call in rig.parked.all.prefix(16) { call.finish(.ok) }
            rig.run()
            #expect(rig.client.queuedBytes(on: late) == 0)
        }
    }

    @Test func `a callback that is set after the call's end is not kept`() async throws {
        try await onLoop { rig in
            _ = try rig.request()
            rig.run()
            let call = try #require(rig.parked.all.first)
            weak var kept: Rig.Calls?
            call.finish(.ok)
            do {
                let held = Rig.Calls()
                kept = held
                call.onMessage = { _ throws(GRPCStatus) in _ = held }
                call.onHalfClose = { _ = held }
                call.onCancel = { _ in _ = held }
                call.onWritable = { _ = held }
            }
            #expect(kept == nil)
        }
    }

    @Test func `a stream whose message is refused by a throw is told of its end once`() async throws
    {
        try await onLoop { rig in
            let stream = try rig.request()
            rig.run()
            let call = try #require(rig.parked.all.first)
            call.resumeReading()
            rig.client.send([0, 0, 0, 0, 1, 7, 0, 0, 0, 0, 1, 7], on: stream)
            rig.run()
            #expect(rig.parked.ends == [.refused] && !call.isOpen)
            rig.connection.connectionLost()
            #expect(rig.parked.ends == [.refused])
        }
    }

    @Test func `a client that hangs up is counted as one that cancels, a shutdown is not`()
        async throws
    {
        try await onLoop { rig in
            for _ in 0..<2 { _ = try rig.request() }
            rig.run()
            rig.connection.connectionLost()
            #expect(rig.parked.ends == [.connectionLost, .connectionLost])
            #expect(rig.log.ended.map(\.summary.code) == [.cancelled, .cancelled])
        }
        try await onLoop { rig in
            _ = try rig.request()
            rig.run()
            rig.connection.cancelCalls()
            rig.connection.connectionLost()
            #expect(rig.parked.ends == [.serverShutdown])
            #expect(rig.log.ended.map(\.summary.code) == [.unavailable])
        }
    }

    @Test func `who asks and does not listen is not read on`() async throws {
        try await onLoop { rig in
            var asked = 0
            rig.parked.answer = { (call) throws(GRPCStatus) in
                asked += 1
                call.send(framed: [UInt8](repeating: 0, count: 16 << 10))
            }
            let stream = try rig.request()
            rig.run()
            let call = try #require(rig.parked.all.first)
            call.resumeReading()
            for _ in 0..<1_000 { rig.client.send([0, 0, 0, 0, 1, 7], on: stream) }
            rig.client.finishSending(on: stream)
            rig.run()
            let queued = rig.connection.session.queuedBytes(on: call.stream)
            #expect(queued > 0 && queued < (64 << 10) + (17 << 10), "\(queued) bytes wait")
            #expect(asked < 100 && rig.parked.halfCloses == 0)
            rig.isListening = true
            rig.run()
            #expect(asked == 1_000 && rig.parked.halfCloses == 1)
            call.finish(.ok)
        }
    }
}
