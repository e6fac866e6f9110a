import Coordination
import GRPC

extension ServerCall {
    /// The namespace of a call; see ``GRPC/Metadata/namespace()``.
    ///
    /// A function of its own, which borrows the metadata: within another one it would be copied, and its
    /// references counted four times for each call.
    @inline(never)
    func namespace() throws(GRPCStatus) -> Namespace { try metadata.namespace() }
}

extension Metadata {
    /// The namespace of a call: the `cadre-namespace` header, `default` when unset.
    ///
    /// - Throws: INVALID_ARGUMENT for a name that is not 1 to 256 of `[A-Za-z0-9._-]`, and for two:
    ///   whoever looked at the other one would have let a call pass into this one's namespace.
    func namespace() throws(GRPCStatus) -> Namespace {
        let names = all("cadre-namespace")
        guard let name = names.first else { return .default }
        guard names.count == 1 else {
            throw .bad("cadre-namespace", "is there \(names.count) times; send it once")
        }
        let isRight =
            (1...256).contains(name.utf8.count) && name.utf8.allSatisfy(Self.isNamespaceByte)
        guard isRight else {
            throw .bad(
                "cadre-namespace", "must be 1 to 256 letters, digits, '.', '_' or '-'")
        }
        return Namespace(name)
    }

    /// What the caller's trace says of the call; `nil` when it sent nothing that can be read, which
    /// is no fault of the call.
    var trace: TraceContext? {
        let headers = all("traceparent")
        return headers.count == 1 ? TraceContext(traceparent: headers[0]) : nil
    }

    private static func isNamespaceByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
