/// Why bytes are not the message they were said to be.
///
/// Always the peer's fault, never ours. `Stubs` turns it into a gRPC status.
public struct WireError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public enum Reason: Error, Sendable, Hashable {
        /// A field ends beyond the end of its message.
        case truncated
        /// A varint of more than ten bytes, or a tag or length of more than five.
        case malformedVarint
        /// A field number of zero or an unknown wire type.
        case malformedTag
        /// A group: proto2 only, and not understood here.
        case group
        /// A packed field whose bytes are not a whole number of elements.
        case malformedPacked
        /// Messages nested deeper than ``DecodeLimits/maxDepth``.
        case nestingTooDeep
        /// A string that is not UTF-8 (RFC 3629).
        case invalidUTF8
        /// A string that contains NUL.
        case nulInString
        /// Decoding would take more memory than ``DecodeLimits`` grants a message of this size.
        case memoryCapReached
        /// protobuf-c refused what passed every check here.
        case refusedByCodec
    }

    /// What is wrong.
    public let reason: Reason

    /// Where, in bytes from the start of the outermost message.
    public let offset: Int

    /// The field, as `package.Message.field`; the message alone where no field is to blame.
    public let field: String

    /// Names a fault and its place.
    public init(_ reason: Reason, offset: Int, field: String) {
        self.reason = reason
        self.offset = offset
        self.field = field
    }

    public var description: String {
        "\(field): \(reason.sentence) at byte \(offset)"
    }
}

extension WireError.Reason {
    fileprivate var sentence: String {
        switch self {
        case .truncated: "the message ends inside a field"
        case .malformedVarint: "malformed varint"
        case .malformedTag: "malformed field tag"
        case .group: "groups are not supported"
        case .malformedPacked: "malformed packed field"
        case .nestingTooDeep: "messages are nested too deep"
        case .invalidUTF8: "invalid UTF-8 in a string"
        case .nulInString: "NUL inside a string"
        case .memoryCapReached: "decoding would take too much memory for a message of this size"
        case .refusedByCodec: "malformed message"
        }
    }
}
