import HTTP2

/// The receiving half of one call on the client: header blocks, body bytes and stream ends in,
/// metadata, messages and the final status out.
///
/// `awaitingHead` becomes `receiving` with the response's headers, and either becomes `ended` with
/// trailers, a reset or the first broken rule. Nothing comes out after `ended`.
struct ClientCallMachine {
    /// What a header block meant.
    enum OnHeaders: Equatable {
        /// Nothing: a 1xx response, or the call has ended.
        case nothing
        /// The response's headers.
        case head(Metadata)
        /// The call has ended.
        case end(GRPCStatus, trailers: Metadata)
    }

    /// What the next bytes of the body were.
    enum OnData: Equatable {
        case message(Range<Int>)
        case collected([UInt8])
        case needsMore
        /// The server broke the rules or a limit: end the call and reset the stream.
        case end(GRPCStatus)
    }

    private enum Phase {
        case awaitingHead
        case receiving
        case ended
    }

    private var phase = Phase.awaitingHead
    private var reader: MessageReader

    /// A call that refuses response messages above `maxResponseBytes`.
    init(maxResponseBytes: Int) {
        reader = MessageReader(maxMessageBytes: maxResponseBytes)
    }

    /// True until the server has begun to answer: the call may be made again elsewhere unseen.
    var isUnanswered: Bool { phase == .awaitingHead }

    /// A header block came.
    mutating func headersReceived(
        _ fields: HTTP2Fields, _ range: Range<Int>, isLast: Bool
    ) -> OnHeaders {
        guard phase != .ended else { return .nothing }
        let head = ResponseHead(fields, range)
        guard let httpStatus = head.httpStatus else { return trailersReceived(fields, range, head) }
        if (100..<200).contains(httpStatus) { return .nothing }
        if let failure = head.failure(httpStatus) {
            phase = .ended
            let status = StatusFields.status(in: fields, range) ?? failure
            return .end(status, trailers: head.metadata)
        }
        if isLast { return trailersReceived(fields, range, head) }
        phase = .receiving
        return .head(head.metadata)
    }

    /// Body bytes came; read on from `offset`, call again until `needsMore` or `end`.
    mutating func next(in piece: RawSpan, at offset: inout Int) -> OnData {
        guard phase == .receiving else {
            offset = piece.byteCount
            return .needsMore
        }
        switch reader.next(in: piece, at: &offset) {
        case .message(let range): return .message(range)
        case .collected(let message): return .collected(message)
        case .needsMore: return .needsMore
        case .failed(let status):
            phase = .ended
            return .end(status)
        }
    }

    /// The stream is gone; the call's status when it had not ended before.
    mutating func streamClosed(_ code: HTTP2ErrorCode) -> GRPCStatus? {
        guard phase != .ended else { return nil }
        phase = .ended
        if code == .noError {
            return GRPCStatus(.internalError, "the server ended the stream without a status")
        }
        return GRPCStatus(
            GRPCStatusCode(reset: code), "the server reset the stream: \(code.name)")
    }

    /// The call is over for a reason on this side.
    mutating func ended() { phase = .ended }

    private mutating func trailersReceived(
        _ fields: HTTP2Fields, _ range: Range<Int>, _ head: ResponseHead
    ) -> OnHeaders {
        phase = .ended
        guard let status = StatusFields.status(in: fields, range) else {
            let missing = GRPCStatus(.unknown, "the server's trailers have no usable grpc-status")
            return .end(missing, trailers: head.metadata)
        }
        guard reader.isBetweenMessages || status.code != .ok else {
            let cut = GRPCStatus(.internalError, "the response ended inside a message")
            return .end(cut, trailers: head.metadata)
        }
        return .end(status, trailers: head.metadata)
    }
}

/// What a response's header block says.
struct ResponseHead {
    /// The value of `:status`; nil in trailers.
    var httpStatus: Int?
    var contentType = ""
    /// The fields that are the user's.
    var metadata = Metadata()

    private static let status = StaticText(":status")
    private static let type = StaticText("content-type")
    private static let reserved = StaticText("grpc-")
    private static let details = StaticText("grpc-status-details-bin")

    /// Reads the fields of `range`.
    init(_ fields: HTTP2Fields, _ range: Range<Int>) {
        for field in fields.fields[range] {
            if fields.bytes(in: field.name, equal: Self.status) {
                httpStatus = Int(fields.text(in: field.value))
            } else if fields.bytes(in: field.name, equal: Self.type) {
                contentType = fields.text(in: field.value)
            } else if !fields.bytes(in: field.name, begin: Self.reserved)
                || fields.bytes(in: field.name, equal: Self.details)
            {
                metadata.fields.append(field, of: fields)
            }
        }
    }

    /// Why this is no answer of a gRPC server; nil when it is one.
    func failure(_ httpStatus: Int) -> GRPCStatus? {
        if httpStatus != 200 {
            return GRPCStatus(
                GRPCStatusCode(httpStatus: httpStatus), "the server answered HTTP \(httpStatus)")
        }
        guard contentType.hasPrefix("application/grpc") else {
            return GRPCStatus(
                .unknown, "the server answered content-type \"\(contentType)\", not gRPC")
        }
        return nil
    }
}
