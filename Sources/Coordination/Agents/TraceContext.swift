/// Where a call stands in its caller's trace: the `traceparent` of W3C Trace Context, handed on as it
/// came and never looked into.
public struct TraceContext: Sendable, Hashable {
    /// Version, trace id, parent id and flags: `00-<32 hex>-<16 hex>-<2 hex>`.
    public let traceparent: String

    /// Reads a header; `nil` for one that is none, which then counts as not sent. Of a version later
    /// than 00 the parts that all versions have are kept.
    public init?(traceparent: String) {
        let bytes = Array(traceparent.utf8)
        let version = bytes.prefix(2)
        guard bytes.count == Self.bytes || (bytes.count > Self.bytes && version != Self.first),
            bytes.count == Self.bytes || bytes[Self.bytes] == Self.dash,
            version != Self.forbidden
        else { return nil }
        let parts = bytes.prefix(Self.bytes).split(
            separator: Self.dash, omittingEmptySubsequences: false)
        guard parts.map(\.count) == [2, 32, 16, 2],
            parts.allSatisfy({ $0.allSatisfy(Self.isHex) }),
            !parts[1].allSatisfy({ $0 == Self.zero }), !parts[2].allSatisfy({ $0 == Self.zero })
        else { return nil }
        self.traceparent = String(decoding: bytes.prefix(Self.bytes), as: UTF8.self)
    }

    private static let bytes = 55
    private static let dash = UInt8(ascii: "-")
    private static let zero = UInt8(ascii: "0")
    private static let first = Array("00".utf8)[...]
    private static let forbidden = Array("ff".utf8)[...]

    private static func isHex(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}
