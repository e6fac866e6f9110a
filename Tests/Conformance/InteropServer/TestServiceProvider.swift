import GRPC
import InteropMessages
import Stubs

/// The server side of the interoperability cases, as `interop-test-descriptions.md` of the gRPC
/// project asks for it. Compression is not spoken.
struct TestServiceProvider: GrpcTesting.TestServiceHandler {
    /// Requests of a half-duplex call that are kept until the last has come.
    static let maxKeptRequests = 10_000

    func emptyCall(_ request: GrpcTesting.Empty, _ call: UnaryCall<GrpcTesting.Empty>) {
        call.respond(GrpcTesting.Empty())
    }

    func unaryCall(
        _ request: GrpcTesting.SimpleRequest, _ call: UnaryCall<GrpcTesting.SimpleResponse>
    ) {
        let echo = MetadataEcho(of: call.metadata)
        if let status = request.fault ?? request.responseStatus?.asked {
            return call.fail(status, trailers: echo.trailers)
        }
        echo.sendHeaders(on: call)
        call.respond(
            GrpcTesting.SimpleResponse(payload: .zeros(request.responseSize)),
            trailers: echo.trailers)
    }

    /// As `unaryCall`: the caching is the proxy's part, and no proxy is asked here.
    func cacheableUnaryCall(
        _ request: GrpcTesting.SimpleRequest, _ call: UnaryCall<GrpcTesting.SimpleResponse>
    ) {
        unaryCall(request, call)
    }

    func streamingOutputCall(
        _ request: GrpcTesting.StreamingOutputCallRequest,
        _ call: ServerStreamCall<GrpcTesting.StreamingOutputCallResponse>
    ) {
        let echo = MetadataEcho(of: call.metadata)
        echo.sendHeaders(on: call)
        let pump = ResponsePump(call, trailers: echo.trailers)
        pump.add(request)
        pump.end()
    }

    func streamingInputCall(
        _ call: BidirectionalCall<
            GrpcTesting.StreamingInputCallRequest, GrpcTesting.StreamingInputCallResponse
        >
    ) {
        var bytes = 0
        call.onMessage { (request) throws(GRPCStatus) in
            if request.expectCompressed?.value == true { throw .notCompressed }
            bytes += request.payload?.body.count ?? 0
        }
        call.onHalfClose {
            call.respond(
                GrpcTesting.StreamingInputCallResponse(
                    aggregatedPayloadSize: Int32(clamping: bytes)))
        }
    }

    func fullDuplexCall(
        _ call: BidirectionalCall<
            GrpcTesting.StreamingOutputCallRequest, GrpcTesting.StreamingOutputCallResponse
        >
    ) {
        let echo = MetadataEcho(of: call.metadata)
        echo.sendHeaders(on: call)
        let pump = ResponsePump(ServerStreamCall(call.call), trailers: echo.trailers)
        // A client that sends but does not read is read no further.
        pump.onEmpty = { call.resumeReading() }
        call.onMessage { request in
            pump.add(request)
            if !pump.isEmpty { call.pauseReading() }
        }
        call.onHalfClose { pump.end() }
    }

    func halfDuplexCall(
        _ call: BidirectionalCall<
            GrpcTesting.StreamingOutputCallRequest, GrpcTesting.StreamingOutputCallResponse
        >
    ) {
        let echo = MetadataEcho(of: call.metadata)
        echo.sendHeaders(on: call)
        var requests: [GrpcTesting.StreamingOutputCallRequest] = []
        call.onMessage { (request) throws(GRPCStatus) in
            guard requests.count < Self.maxKeptRequests else {
                throw GRPCStatus(
                    .resourceExhausted, "at most \(Self.maxKeptRequests) requests a call")
            }
            requests.append(request)
        }
        call.onHalfClose {
            let pump = ResponsePump(ServerStreamCall(call.call), trailers: echo.trailers)
            for request in requests { pump.add(request) }
            pump.end()
        }
    }
}
