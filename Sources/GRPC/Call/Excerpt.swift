/// The beginning of a text, for messages that quote what a client sent: whatever its length, the
/// quotation is short.
public struct Excerpt: Sendable, Hashable, CustomStringConvertible {
    /// The text, or its beginning and an ellipsis.
    public let description: String

    /// Keeps `text` when it has at most `maxBytes` bytes of UTF-8 (default 100); else as many
    /// whole code points as leave room for an ellipsis.
    public init(_ text: String, maxBytes: Int = 100) {
        guard text.utf8.count > maxBytes else {
            description = text
            return
        }
        let bytes = text.utf8
        var end = bytes.index(
            bytes.startIndex, offsetBy: max(0, maxBytes - Self.ellipsis.utf8.count))
        // Not inside of a scalar: those bytes are 10xxxxxx (RFC 3629, section 3).
        while end > bytes.startIndex, bytes[end] & 0xc0 == 0x80 { end = bytes.index(before: end) }
        description = String(text[..<end]) + Self.ellipsis
    }

    private static let ellipsis = "\u{2026}"
}
