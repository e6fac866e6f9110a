import HTTP2

/// What a request's header block says, read once from the wire bytes.
struct RequestHead {
    /// What `grpc-timeout` says.
    enum Timeout: Equatable {
        case none
        case nanoseconds(Int64)
        case malformed
    }

    /// Where the path lies in the fields' bytes.
    var path: Range<Int> = 0..<0
    var isPost = false
    var hasContentType = false
    var timeout = Timeout.none
    /// The name of an encoding that is not `identity`.
    var unknownEncoding: String?
    /// The fields that are the user's.
    var metadata = Metadata()

    private static let post = StaticText("POST")
    private static let contentType = StaticText("application/grpc")
    private static let identity = StaticText("identity")
    private static let names = (
        method: StaticText(":method"), path: StaticText(":path"),
        contentType: StaticText("content-type"), te: StaticText("te"),
        timeout: StaticText("grpc-timeout"), encoding: StaticText("grpc-encoding"),
        reserved: StaticText("grpc-"), length: StaticText("content-length")
    )

    /// Reads the fields of `range`.
    init(_ fields: HTTP2Fields, _ range: Range<Int>) {
        for index in range { read(fields.fields[index], fields) }
    }

    private mutating func read(_ field: HTTP2Fields.Field, _ fields: HTTP2Fields) {
        guard !field.name.isEmpty else { return }
        let name = field.name
        switch fields.bytes[name.lowerBound] {
        case UInt8(ascii: ":"):
            if fields.bytes(in: name, equal: Self.names.path) {
                path = field.value
            } else if fields.bytes(in: name, equal: Self.names.method) {
                isPost = fields.bytes(in: field.value, equal: Self.post)
            }
        case UInt8(ascii: "g") where fields.bytes(in: name, begin: Self.names.reserved):
            readReserved(field, fields)
        case UInt8(ascii: "c") where fields.bytes(in: name, equal: Self.names.contentType):
            hasContentType = Self.isGRPC(field.value, fields)
        case UInt8(ascii: "c") where fields.bytes(in: name, equal: Self.names.length): break
        case UInt8(ascii: "t") where fields.bytes(in: name, equal: Self.names.te): break
        default: metadata.fields.append(field, of: fields)
        }
    }

    private mutating func readReserved(_ field: HTTP2Fields.Field, _ fields: HTTP2Fields) {
        if fields.bytes(in: field.name, equal: Self.names.timeout) {
            // Of several the first counts, and one that is malformed spoils them all.
            guard let nanoseconds = GRPCTimeout.nanoseconds(fields.bytes[field.value]) else {
                return timeout = .malformed
            }
            if timeout == .none { timeout = .nanoseconds(nanoseconds) }
        } else if fields.bytes(in: field.name, equal: Self.names.encoding),
            !fields.bytes(in: field.value, equal: Self.identity)
        {
            unknownEncoding = fields.text(in: field.value)
        }
    }

    /// `application/grpc`, then the end, `+suffix` or `;parameter`.
    private static func isGRPC(_ value: Range<Int>, _ fields: HTTP2Fields) -> Bool {
        guard fields.bytes(in: value, begin: contentType) else { return false }
        guard value.count > 16 else { return true }
        let next = fields.bytes[value.lowerBound + 16]
        return next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
    }

    /// Why the request cannot be served, before its path is looked at.
    var httpRejection: Int? {
        if !isPost { return 405 }
        return hasContentType ? nil : 415
    }

    /// Why the call of a known method cannot be served.
    var rejection: GRPCStatus? {
        if let unknownEncoding {
            return GRPCStatus(
                .unimplemented, "grpc-encoding \(unknownEncoding) is not supported; use identity")
        }
        guard timeout == .malformed else { return nil }
        return GRPCStatus(.internalError, "malformed grpc-timeout: 1-8 digits and H M S m u or n")
    }
}
