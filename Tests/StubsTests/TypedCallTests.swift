import GRPC
import InteropMessages
import Messages
import NIOCore
import NIOPosix
import Stubs
import Testing

private typealias Interop = GrpcTesting

/// Does something different with each kind of call.
private struct Handler: GrpcTesting.TestServiceHandler {
    func emptyCall(_ request: Interop.Empty, _ call: UnaryCall<Interop.Empty>) {
        call.fail(
            GRPCStatus(
                .resourceExhausted, "the queue is full", reason: "QUEUE_FULL",
                metadata: ["queue": "q"], retryDelay: .milliseconds(250)))
    }

    /// Answers from a thread of its own, the way an engine does.
    func unaryCall(_ request: Interop.SimpleRequest, _ call: UnaryCall<Interop.SimpleResponse>) {
        let bound = call.loopBound
        let loop = call.eventLoop
        let echo = Interop.SimpleResponse(
            payload: request.payload, username: call.metadata.first("x-user") ?? "")
        NIOThreadPool.singleton.submit { _ in
            loop.execute { bound.value.respond(echo) }
        }
    }

    func streamingOutputCall(
        _ request: Interop.StreamingOutputCallRequest,
        _ call: ServerStreamCall<Interop.StreamingOutputCallResponse>
    ) {
        for parameters in request.responseParameters {
            let body = [UInt8](repeating: 1, count: Int(parameters.size))
            call.send(.init(payload: .init(body: body)))
        }
        call.finish()
    }

    func streamingInputCall(
        _ call: BidirectionalCall<
            Interop.StreamingInputCallRequest, Interop.StreamingInputCallResponse
        >
    ) {
        let sum = NIOLoopBoundBox(Int32(0), eventLoop: call.eventLoop)
        call.onMessage { (request) throws(GRPCStatus) in
            sum.value += Int32(request.payload?.body.count ?? 0)
        }
        call.onHalfClose { call.respond(.init(aggregatedPayloadSize: sum.value)) }
    }

    func fullDuplexCall(
        _ call: BidirectionalCall<
            Interop.StreamingOutputCallRequest, Interop.StreamingOutputCallResponse
        >
    ) {
        call.onMessage { (request) throws(GRPCStatus) in
            if let status = request.responseStatus {
                throw GRPCStatus(.aborted, status.message)
            }
            call.send(.init(payload: request.payload))
        }
        call.onHalfClose { call.finish() }
    }
}

/// Typed clients against typed handlers, over a real connection.
@Suite(.timeLimit(.minutes(1)))
struct TypedCallTests {
    private func withClient(
        as name: String = GrpcTesting.TestServiceDescriptor.name,
        _ body: (GRPCClient) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        var configuration = ServerConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        let server = GRPCServer(
            configuration: configuration, services: [Handler().registration(as: name)],
            group: group)
        let port = try await server.start()
        let client = GRPCClient(host: "127.0.0.1", port: port, group: group)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(client))
        } catch {
            outcome = .failure(error)
        }
        await client.close()
        await server.shutdown(grace: .zero)
        try outcome.get()
    }

    /// The status a call fails with.
    private func failure(
        _ call: () async throws(GRPCStatus) -> Void
    ) async -> GRPCStatus {
        do {
            try await call()
            return .ok
        } catch {
            return error
        }
    }

    @Test func `a unary call is answered from another thread`() async throws {
        try await withClient { client in
            let service = GrpcTesting.TestServiceClient(client: client)
            let payload = GrpcTesting.Payload(body: [1, 2, 3])
            let response = try await service.unaryCall(
                .init(payload: payload), options: CallOptions(metadata: ["x-user": "u"]))
            #expect(response == .init(payload: payload, username: "u"))
        }
    }

    @Test func `an error carries its details to the client`() async throws {
        try await withClient { client in
            let service = GrpcTesting.TestServiceClient(client: client)
            let status = await failure { () async throws(GRPCStatus) in
                _ = try await service.emptyCall(.init())
            }
            #expect(status.code == .resourceExhausted)
            #expect(status.message == "the queue is full")
            #expect(status.reason == "QUEUE_FULL")
            #expect(status.retryDelay == .milliseconds(250))
        }
    }

    @Test func `a method nobody implements is UNIMPLEMENTED and names itself`() async throws {
        try await withClient { client in
            let service = GrpcTesting.TestServiceClient(client: client)
            let status = await failure { () async throws(GRPCStatus) in
                _ = try await service.unimplementedCall(.init())
            }
            #expect(status.code == .unimplemented)
            #expect(status.message.contains("/grpc.testing.TestService/UnimplementedCall"))
        }
    }

    @Test func `responses of a stream come in order`() async throws {
        try await withClient { client in
            let service = GrpcTesting.TestServiceClient(client: client)
            let sizes: [Int32] = [31415, 9, 2653, 58979]
            let responses = try await service.streamingOutputCall(
                .init(responseParameters: sizes.map { .init(size: $0) }))
            var received: [Int] = []
            for try await response in responses {
                received.append(response.payload?.body.count ?? 0)
            }
            #expect(received == sizes.map(Int.init))
        }
    }

    @Test func `requests of a stream are answered once`() async throws {
        try await withClient { client in
            let service = GrpcTesting.TestServiceClient(client: client)
            let call = try await service.streamingInputCall()
            for size in [27182, 8, 1828, 45904] {
                try await call.send(
                    .init(payload: .init(body: [UInt8](repeating: 0, count: size))))
            }
            #expect(try await call.response().aggregatedPayloadSize == 74922)
        }
    }

    @Test func `a duplex call answers each request before the next`() async throws {
        try await withClient { client in
            let service = GrpcTesting.TestServiceClient(client: client)
            let call = try await service.fullDuplexCall()
            var responses = call.responses.makeAsyncIterator()
            for byte in UInt8(0)..<10 {
                try await call.send(.init(payload: .init(body: [byte])))
                #expect(try await responses.next()?.payload?.body == [byte])
            }
            call.finishSending()
            #expect(try await responses.next() == nil)
        }
    }

    @Test func `a status thrown for a message ends the call`() async throws {
        try await withClient { client in
            let service = GrpcTesting.TestServiceClient(client: client)
            let call = try await service.fullDuplexCall()
            try await call.send(.init(responseStatus: .init(code: 1, message: "stop here")))
            let status = await failure { () async throws(GRPCStatus) in
                for try await _ in call.responses {}
            }
            #expect(status == GRPCStatus(.aborted, "stop here"))
        }
    }

    static let undecodable: [([UInt8], GRPCStatusCode, String)] = [
        ([0x1A, 0x05, 0x00], .internalError, "SimpleRequest.payload"),
        ([0x3A, 0x03, 0x12, 0x01, 0xFF], .invalidArgument, "EchoStatus.message"),
        ([0x3A, 0x03, 0x12, 0x01, 0x00], .invalidArgument, "NUL"),
    ]

    @Test(arguments: undecodable)
    func `a request that cannot be decoded is refused by the rules`(
        bytes: [UInt8], code: GRPCStatusCode, part: String
    ) async throws {
        try await withClient { client in
            let status = await failure { () async throws(GRPCStatus) in
                _ = try await client.unary(
                    GrpcTesting.TestServiceDescriptor.unaryCall, framed: [0, 0, 0, 0, 0] + bytes)
            }
            #expect(status.code == code)
            #expect(status.message.contains(part))
        }
    }

    @Test func `a handler can be registered under another name`() async throws {
        let method = GrpcTesting.TestServiceDescriptor.unaryCall.moved(to: "other.Name")
        try await withClient(as: "other.Name") { client in
            let request = GrpcTesting.SimpleRequest(payload: .init(body: [9]))
            let response: GrpcTesting.SimpleResponse = try await client.unary(
                method, request, CallOptions())
            #expect(response.payload?.body == [9])
        }
    }
}
