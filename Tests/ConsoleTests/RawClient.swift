import Console
import NIOCore
import NIOPosix

/// A client that sends bytes as they are and reads responses back: no HTTP library between.
enum RawClient {
    /// Sends all `requests` at once on one connection and reads until as many responses are there,
    /// or the server closes.
    static func exchange(
        _ requests: String..., port: Int, withoutBody: Bool = false
    ) async throws -> Conversation {
        try await onConnection(port: port) { connection in
            try await connection.send(requests.joined())
            return try await connection.receive(requests.count, withoutBody: withoutBody)
        }
    }

    /// Sends `request` and reads until the server closes.
    static func untilClosed(_ request: String, port: Int) async throws -> Conversation {
        try await onConnection(port: port, saying: request) { connection in
            try await connection.receive(.max)
        }
    }

    /// Gives a connection to `body` and closes it after.
    ///
    /// - Parameter greeting: sent by the socket loop as soon as the connection stands, so that a
    ///   test that waits for its turn on a busy machine does not run into the server's timeouts.
    static func onConnection<Answer: Sendable>(
        port: Int, saying greeting: String = "",
        _ body: @Sendable (inout RawConnection) async throws -> Answer
    ) async throws -> Answer {
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Greeter(greeting))
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel)
                }
            }
        return try await client.executeThenClose { inbound, outbound in
            var connection = RawConnection(
                incoming: inbound.makeAsyncIterator(), outgoing: outbound)
            return try await body(&connection)
        }
    }
}

/// Says something as soon as the connection stands.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let greeting: String

    init(_ greeting: String) { self.greeting = greeting }

    func channelActive(context: ChannelHandlerContext) {
        if !greeting.isEmpty {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: greeting)), promise: nil)
        }
        context.fireChannelActive()
    }
}

/// One open connection of a ``RawClient``.
struct RawConnection {
    fileprivate var incoming: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    fileprivate let outgoing: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var unread: [UInt8] = []

    fileprivate init(
        incoming: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator,
        outgoing: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.incoming = incoming
        self.outgoing = outgoing
    }

    func send(_ text: String) async throws {
        try await outgoing.write(ByteBuffer(string: text))
    }

    /// Reads `count` responses, or all until the server closes.
    mutating func receive(_ count: Int, withoutBody: Bool = false) async throws -> Conversation {
        var responses: [RawResponse] = []
        while responses.count < count {
            if let (response, count) = RawResponse.first(in: unread, withoutBody: withoutBody) {
                responses.append(response)
                unread.removeFirst(count)
            } else if let bytes = try await incoming.next() {
                unread += bytes.readableBytesView
            } else {
                return Conversation(responses: responses, rest: unread, wasClosed: true)
            }
        }
        return Conversation(responses: responses, rest: unread, wasClosed: false)
    }
}

/// What came back.
struct Conversation: Sendable {
    var responses: [RawResponse]
    /// Bytes behind the last whole response.
    var rest: [UInt8]
    var wasClosed: Bool

    var statuses: [Int] { responses.map(\.status) }
}

/// One response, taken apart by hand.
struct RawResponse: Sendable {
    var status: Int
    var headers: [String: String]
    var body: String

    /// The first whole response of some bytes, and how many bytes it takes.
    static func first(in bytes: [UInt8], withoutBody: Bool) -> (RawResponse, Int)? {
        let end = Array("\r\n\r\n".utf8)
        guard let headEnd = bytes.firstRange(of: end)?.lowerBound else { return nil }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = withoutBody ? 0 : Int(headers["content-length"] ?? "0") ?? 0
        let start = headEnd + end.count
        guard bytes.count >= start + length else { return nil }
        let body = String(decoding: bytes[start..<(start + length)], as: UTF8.self)
        return (RawResponse(status: status, headers: headers, body: body), start + length)
    }
}
