import HTTP2

/// The header lists of a connection's latest kinds of request: a program calls a few methods with a
/// few timeouts over and over, and making the list takes longer than finding it.
struct RequestHeads {
    private struct Entry {
        let method: MethodDescriptor
        let timeout: Int64?
        let fields: HTTP2Fields
    }

    private static let most = 8

    private let authority: String
    private let scheme: String
    private var entries: [Entry] = []
    /// Which entry makes room for the next one.
    private var oldest = 0

    /// Nothing has been sent to `authority` yet.
    init(authority: String, scheme: String = "http") {
        self.authority = authority
        self.scheme = scheme
    }

    /// Everything but the caller's own metadata; `timeout` is in nanoseconds.
    mutating func fields(_ method: MethodDescriptor, timeout: Int64?) -> HTTP2Fields {
        let timeout = timeout.map(GRPCTimeout.roundedUp)
        for entry in entries where entry.timeout == timeout && entry.method == method {
            return entry.fields
        }
        let made = Entry(method: method, timeout: timeout, fields: list(method, timeout))
        keep(made)
        return made.fields
    }

    private mutating func keep(_ entry: Entry) {
        if entries.count < Self.most { return entries.append(entry) }
        entries[oldest] = entry
        oldest = (oldest + 1) % Self.most
    }

    private func list(_ method: MethodDescriptor, _ timeout: Int64?) -> HTTP2Fields {
        var fields = HTTP2Fields([
            (":method", "POST"), (":scheme", scheme), (":path", method.path),
            (":authority", authority), ("te", "trailers"), ("content-type", "application/grpc"),
            ("user-agent", "grpc-swift-cadre/1.0"),
        ])
        if let timeout {
            fields.append(name: "grpc-timeout", value: GRPCTimeout.text(nanoseconds: timeout))
        }
        return fields
    }
}
