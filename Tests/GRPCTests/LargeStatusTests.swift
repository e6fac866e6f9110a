import HTTP2
import NIOPosix
import Testing

@testable import GRPC

@Suite(.timeLimit(.minutes(1))) struct LargeStatusTests {
    /// A status of any size reaches the client with its code, in bounded space.
    @Test(arguments: [
        GRPCStatus(.notFound, String(repeating: "x", count: 200_000)),
        GRPCStatus(.notFound, String(repeating: "\u{1F608}", count: 50_000)),
        GRPCStatus(.notFound, "m", details: [UInt8](repeating: 1, count: 100_000)),
        GRPCStatus(
            .notFound, String(repeating: "\u{e9}", count: 5_000),
            details: [UInt8](repeating: 1, count: 5_000)),
    ])
    func `a large status is cut to what every client takes`(status: GRPCStatus) async throws {
        let fields = StatusFields.fields(of: status, trailers: Metadata())
        #expect(fields.bytes.count < 8 << 10)
        let answer = await Self.answer { call in call.finish(status) }
        #expect(answer.code == .notFound)
        #expect(!answer.message.isEmpty && status.message.hasPrefix(answer.message.dropLast()))
    }

    @Test func `a status within the limits arrives whole`() async throws {
        let status = GRPCStatus(
            .notFound, String(repeating: "x", count: 1_024),
            details: [UInt8](repeating: 1, count: 4_600))
        #expect(await Self.answer { $0.finish(status) } == status)
    }

    @Test func `metadata that HTTP/2 cannot carry ends the call, not never`() async throws {
        let large: Metadata = ["x-large": String(repeating: "x", count: 70_000)]
        let trailers = await Self.answer { $0.finish(GRPCStatus(.notFound, "m"), trailers: large) }
        #expect(trailers.code == .internalError)
        let head = await Self.answer { call in
            call.sendInitialMetadata(large)
            call.send(framed: framed([1]))
            call.finish(.ok)
        }
        #expect(head.code == .internalError)
    }

    @Test(arguments: [
        ("short", 100, "short"), ("0123456789", 8, "01234\u{2026}"),
        ("\u{e9}\u{e9}\u{e9}\u{e9}", 7, "\u{e9}\u{e9}\u{2026}"),
        ("\u{1F608}\u{1F608}", 6, "\u{2026}"),
        ("abc", 0, "\u{2026}"),
    ])
    func `an excerpt ends between code points`(text: String, bytes: Int, expected: String) {
        #expect(Excerpt(text, maxBytes: bytes).description == expected)
    }

    /// What the client makes of a unary method with this body.
    private static func answer(
        _ body: @escaping @Sendable (ServerCall) -> Void
    ) async -> GRPCStatus {
        let group = MultiThreadedEventLoopGroup.singleton
        let method = MethodDescriptor(service: "test.Large", name: "Answer", kind: .unary)
        let registration = ServiceRegistration(
            descriptor: ServiceDescriptor(name: "test.Large", methods: [method]),
            methods: [ServerMethod(method) { call, _ throws(GRPCStatus) in body(call) }])
        let server = GRPCServer(
            configuration: ServerConfiguration(port: 0), services: [registration], group: group)
        do {
            let client = GRPCClient(host: "127.0.0.1", port: try await server.start(), group: group)
            let status = await status(of: client, method)
            await client.close()
            await server.shutdown(grace: .seconds(1))
            return status
        } catch {
            return GRPCStatus(.unknown, "the server did not start: \(error)")
        }
    }

    private static func status(
        of client: GRPCClient, _ method: MethodDescriptor
    ) async -> GRPCStatus {
        do throws(GRPCStatus) {
            _ = try await client.unary(method, framed: framed([1]))
            return .ok
        } catch {
            return error
        }
    }
}
