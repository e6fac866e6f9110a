import HTTP2
import NIOCore

// How a call begins, or is refused.
extension ServerConnection {
    func headersReceived(
        _ stream: HTTP2Stream, _ fields: HTTP2Fields, _ range: Range<Int>, _ isLast: Bool
    ) {
        if let call = call(stream) {
            // Trailers of a request: gRPC gives them no meaning, but they may end the stream.
            if isLast { read(call, RawSpan(), isLast: true) }
            return
        }
        if session.hasAnswered(stream) { return }  // Trailers of a request that is done with.
        if let known = knownRequest(fields, range) {
            let call = begin(known.method, stream, known.metadata)
            return start(call, known.timeout, isLast)
        }
        let head = RequestHead(fields, range)
        if let httpStatus = head.httpRejection { return refuse(stream, httpStatus) }
        guard let method = methods.method(at: head.path, of: fields) else {
            return refuseUnknown(stream, methods.unknownPath(fields.text(in: head.path)))
        }
        let call = begin(method, stream, head.metadata)
        if let rejection = head.rejection { return reject(call, head, rejection) }
        latestRequest = LatestRequest(fields, range, head: head, method: method)
        latestRange = nil
        start(call, head.timeout, isLast)
    }

    /// The last request, when these fields are the same.
    private func knownRequest(_ fields: HTTP2Fields, _ range: Range<Int>) -> LatestRequest? {
        guard let latestRequest else { return nil }
        if range == latestRange { return latestRequest }
        guard fields.block(range, equals: latestRequest.fields) else { return nil }
        latestRange = range
        return latestRequest
    }

    private func begin(
        _ method: RegisteredMethod, _ stream: HTTP2Stream, _ metadata: Metadata
    ) -> ServerCall {
        let call = ServerCall(
            method, stream: stream, metadata: metadata, startedAt: now, connection: self)
        calls[stream.slot] = call
        openCalls += 1
        method.callStarted()
        return call
    }

    private func reject(_ call: ServerCall, _ head: RequestHead, _ status: GRPCStatus) {
        var trailers = Metadata()
        if head.unknownEncoding != nil {
            trailers.fields.append(name: "grpc-accept-encoding", value: "identity")
        }
        call.finish(status, trailers: trailers)
    }

    private func start(_ call: ServerCall, _ timeout: RequestHead.Timeout, _ isLast: Bool) {
        if case .nanoseconds(let nanoseconds) = timeout {
            let deadline = now &+ UInt64(nanoseconds)
            call.dueAt = .uptimeNanoseconds(deadline)
            loop.deadlines.arm(deadline, call)
        }
        if case .stream(let handler) = call.registered.handler {
            do throws(GRPCStatus) { try handler(call) } catch { return thrown(error, by: call) }
        }
        if isLast { read(call, RawSpan(), isLast: true) }
    }

    /// Not gRPC at all: a bare HTTP status (gRPC over HTTP/2, "Requests").
    private func refuse(_ stream: HTTP2Stream, _ httpStatus: Int) {
        observeRefusal(.internalError)
        let head = httpStatus == 405 ? Self.methodNotAllowed : Self.unsupportedMediaType
        session.respondOnly(on: stream, head: head)
    }

    private static let methodNotAllowed = HTTP2HeaderBlock([(":status", "405"), ("allow", "POST")])
    private static let unsupportedMediaType = HTTP2HeaderBlock([
        (":status", "415"), ("accept-post", "application/grpc"),
    ])

    private func refuseUnknown(_ stream: HTTP2Stream, _ status: GRPCStatus) {
        observeRefusal(status.code)
        session.respondOnly(
            on: stream, head: StatusFields.trailersOnly[status.code.rawValue],
            fields: StatusFields.fields(of: status, trailers: Metadata()))
    }

    func headersTooLarge(_ stream: HTTP2Stream) {
        if let call = call(stream) {
            let status = GRPCStatus(.resourceExhausted, "trailers over the limit")
            return call.cancelled(.protocolViolation, code: status.code, telling: status)
        }
        if session.hasAnswered(stream) { return }
        refuseUnknown(
            stream,
            GRPCStatus(
                .resourceExhausted, "header list is over \(limits.maxHeaderListBytes) bytes"))
    }

    private func observeRefusal(_ code: GRPCStatusCode) {
        methods.unknownObserver?.callStarted()
        methods.unknownObserver?.callEnded(
            CallSummary(code: code, nanoseconds: 0, bytesReceived: 0, bytesSent: 0))
    }
}
