import GRPC
import NIOCore
import NIOPosix

/// A server on a free port of the loopback address, with one method for each thing a test needs,
/// and a client of it.
final class EchoServer: Sendable {
    let group: MultiThreadedEventLoopGroup
    let server: GRPCServer
    let client: GRPCClient
    let port: Int
    let log: CallLog

    static func method(_ name: String, _ kind: MethodKind) -> MethodDescriptor {
        MethodDescriptor(service: "test.Echo", name: name, kind: kind)
    }
    static let echo = method("Echo", .unary)
    static let later = method("Later", .unary)
    static let never = method("Never", .unary)
    static let fail = method("Fail", .unary)
    static let silent = method("Silent", .unary)
    static let busy = method("Busy", .unary)
    static let twice = method("Twice", .unary)
    static let count = method("Count", .serverStreaming)
    static let flood = method("Flood", .serverStreaming)
    static let sum = method("Sum", .clientStreaming)
    static let chat = method("Chat", .bidirectional)
    static let endless = method("Endless", .bidirectional)
    static let slowReader = method("SlowReader", .bidirectional)

    init(
        loops: Int = 2, _ change: (inout ServerConfiguration) -> Void = { _ in },
        client clientConfiguration: ClientConfiguration = .defaults
    ) async throws {
        var configuration = ServerConfiguration(port: 0)
        change(&configuration)
        let log = CallLog()
        self.log = log
        group = MultiThreadedEventLoopGroup(numberOfThreads: loops)
        server = GRPCServer(
            configuration: configuration, services: [Self.registration(log)], group: group,
            metrics: log)
        port = try await server.start()
        client = GRPCClient(
            host: "127.0.0.1", port: port, group: group, configuration: clientConfiguration)
    }

    /// Closes client, server and loops.
    func stop() async throws {
        await client.close()
        await server.shutdown(grace: .seconds(1))
        try await group.shutdownGracefully()
    }

    private static func registration(_ log: CallLog) -> ServiceRegistration {
        let methods = unaryMethods(log) + streamingMethods(log)
        return ServiceRegistration(
            descriptor: ServiceDescriptor(
                name: "test.Echo", methods: methods.map(\.descriptor)),
            methods: methods)
    }

    private static func unaryMethods(_ log: CallLog) -> [ServerMethod] {
        [
            ServerMethod(echo) { call, message throws(GRPCStatus) in
                call.sendInitialMetadata(echoed(call.metadata, "x-initial"))
                call.send(framed: framed(message))
                call.finish(.ok, trailers: echoed(call.metadata, "x-trailing"))
            },
            ServerMethod(later) { call, message throws(GRPCStatus) in
                let (bytes, bound) = (framed(message), call.loopBound)
                call.eventLoop.execute {
                    bound.value.send(framed: bytes)
                    bound.value.finish(.ok)
                }
            },
            ServerMethod(never) { call, _ throws(GRPCStatus) in
                log.note("never begun")
                call.onCancel = { log.note("never \($0)") }
            },
            ServerMethod(fail) { call, message throws(GRPCStatus) in
                throw GRPCStatus(.failedPrecondition, "tab\t, \u{1F608}, 100 %", details: [1, 2])
            },
            ServerMethod(busy) { call, _ throws(GRPCStatus) in
                call.finish(
                    GRPCStatus(.resourceExhausted, "busy"), retryPushback: .milliseconds(1_500))
            },
            ServerMethod(silent) { call, _ throws(GRPCStatus) in call.finish(.ok) },
            ServerMethod(twice) { call, message throws(GRPCStatus) in
                call.send(framed: framed(message))
                call.send(framed: framed(message))
                call.finish(.ok)
            },
        ]
    }

    private static func streamingMethods(_ log: CallLog) -> [ServerMethod] {
        [
            ServerMethod(count) { call, message throws(GRPCStatus) in
                for number in 0..<message.byteCount {
                    call.send(framed: framed([UInt8(truncatingIfNeeded: number)]))
                }
                call.finish(.ok, trailers: ["x-count": "\(message.byteCount)"])
            },
            ServerMethod(flood) { call, _ throws(GRPCStatus) in
                // 1,000 messages of 10 KB, only while the call is writable.
                let left = Counter(1_000)
                func sendWhileWritable() {
                    while left.value > 0, call.isWritable {
                        left.value -= 1
                        call.send(framed: [UInt8](repeating: 7, count: 10_005))
                    }
                    log.raise("flood sent", 1_000 - left.value)
                    if left.value == 0 { call.finish(.ok) }
                }
                call.onWritable = sendWhileWritable
                sendWhileWritable()
            },
            ServerMethod(sum) { call throws(GRPCStatus) in
                let total = Counter(0)
                call.onMessage = { total.value += $0.byteCount }
                call.onHalfClose = {
                    call.send(framed: framed(Array("\(total.value)".utf8)))
                    call.finish(.ok)
                }
            },
            ServerMethod(chat) { call throws(GRPCStatus) in
                call.onMessage = { call.send(framed: framed($0)) }
                call.onHalfClose = { call.finish(.ok) }
                call.onCancel = { log.note("chat \($0)") }
            },
            ServerMethod(endless) { call throws(GRPCStatus) in
                call.onMessage = { call.send(framed: framed($0)) }
                call.onCancel = { log.note("endless \($0)") }
                call.endAtShutdown()
            },
            ServerMethod(slowReader) { call throws(GRPCStatus) in
                // Pauses after each message and goes on in a later tick.
                let seen = Counter(0)
                call.onMessage = { message throws(GRPCStatus) in
                    seen.value += message.byteCount
                    call.pauseReading()
                    let bound = call.loopBound
                    call.eventLoop.execute { bound.value.resumeReading() }
                }
                call.onHalfClose = {
                    call.send(framed: framed(Array("\(seen.value)".utf8)))
                    call.finish(.ok)
                }
            },
        ]
    }

    private static func echoed(_ metadata: Metadata, _ name: String) -> Metadata {
        var echoed = Metadata()
        for value in metadata.all(name) { echoed.add(name, value) }
        for value in metadata.allBytes(name + "-bin") { echoed.add(name + "-bin", bytes: value) }
        return echoed
    }
}

/// A number that closures of one loop share.
final class Counter {
    var value: Int
    init(_ value: Int) { self.value = value }
}

/// Five spare bytes and the message.
func framed(_ message: RawSpan) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 5)
    message.withUnsafeBytes { bytes.append(contentsOf: $0) }
    return bytes
}

/// Five spare bytes and the message.
func framed(_ message: [UInt8]) -> [UInt8] { [0, 0, 0, 0, 0] + message }
