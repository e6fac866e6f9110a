import HTTP2

/// A status as header fields: in trailers, in a trailers-only response, and back.
enum StatusFields {
    /// Response headers that announce messages.
    static let responseHead = HTTP2HeaderBlock([
        (":status", "200"), ("content-type", "application/grpc"),
    ])

    /// `grpc-status` alone, by code: trailers after messages.
    static let trailers = GRPCStatusCode.allCases.map {
        HTTP2HeaderBlock([("grpc-status", "\($0.rawValue)")])
    }

    /// A whole response without messages, by code.
    static let trailersOnly = GRPCStatusCode.allCases.map {
        HTTP2HeaderBlock([
            (":status", "200"), ("content-type", "application/grpc"),
            ("grpc-status", "\($0.rawValue)"),
        ])
    }

    /// Bytes of a message that are sent; the rest is cut off.
    static let maxMessageBytes = 1 << 10
    /// Bytes that message and details may have together as they are sent. Common clients take
    /// 8 KiB of trailers, and HTTP/2 libraries refuse to send very large ones at all.
    static let maxEncodedBytes = 7 << 10

    /// Everything of the status but its code, and the user's trailers.
    ///
    /// A long message is cut short, and details that are too large are left out: a status that
    /// arrives with less in it is of more use than one that does not arrive.
    static func fields(of status: GRPCStatus, trailers: Metadata) -> HTTP2Fields {
        if status.message.isEmpty && status.details.isEmpty { return trailers.fields }
        var fields = trailers.fields
        let message = PercentCoding.encode(
            Excerpt(status.message, maxBytes: maxMessageBytes).description)
        if !message.isEmpty {
            fields.append(name: "grpc-message", value: message, isSensitive: true)
        }
        // Base64 makes four bytes of three.
        let room = (maxEncodedBytes - message.count) / 4 * 3
        if !status.details.isEmpty && status.details.count <= room {
            fields.append(
                name: "grpc-status-details-bin", value: Base64.encode(status.details),
                isSensitive: true)
        }
        return fields
    }

    private static let statusName = StaticText("grpc-status")
    private static let messageName = StaticText("grpc-message")
    private static let detailsName = StaticText("grpc-status-details-bin")

    /// The status in these trailers, or nil when they have none that can be read.
    static func status(in fields: HTTP2Fields, _ range: Range<Int>) -> GRPCStatus? {
        var status: GRPCStatus?
        var message = ""
        var details: [UInt8] = []
        for field in fields.fields[range] {
            if fields.bytes(in: field.name, equal: statusName) {
                let code = Int(fields.text(in: field.value)).map { GRPCStatusCode(rawValue: $0) }
                guard let code else { return nil }
                // A code from the future means no more to us than "unknown" (gRPC status codes).
                status = GRPCStatus(code ?? .unknown)
            } else if fields.bytes(in: field.name, equal: messageName) {
                message = PercentCoding.decode(fields.bytes[field.value])
            } else if fields.bytes(in: field.name, equal: detailsName) {
                details = Base64.decode(fields.bytes[field.value]) ?? []
            }
        }
        status?.message = message
        status?.details = details
        return status
    }
}

extension GRPCStatusCode {
    /// What a client makes of a response without gRPC's own status (gRPC, "HTTP to gRPC Status Code
    /// Mapping"). Servers never use it.
    init(httpStatus: Int) {
        switch httpStatus {
        case 400, 431: self = .internalError
        case 401: self = .unauthenticated
        case 403: self = .permissionDenied
        case 404: self = .unimplemented
        case 429, 502, 503, 504: self = .unavailable
        default: self = .unknown
        }
    }

    /// What a client makes of a stream the server reset (gRPC over HTTP/2, "Errors").
    init(reset code: HTTP2ErrorCode) {
        switch code {
        case .refusedStream: self = .unavailable
        case .cancel: self = .cancelled
        case .enhanceYourCalm: self = .resourceExhausted
        case .inadequateSecurity: self = .permissionDenied
        default: self = .internalError
        }
    }
}
