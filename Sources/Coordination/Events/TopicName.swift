/// What topics may be called: 1 to 16 levels, joined by dots, of letters, digits, `_`, `-`, `:` and
/// `/`; 256 bytes at most.
public enum TopicName {
    /// Bytes of a name, and of a pattern.
    public static let maxBytes = 256
    /// Levels of a name, and of a pattern.
    public static let maxLevels = 16

    /// What is wrong with a name, to be read behind the field's; `nil`: nothing.
    public static func fault(of name: String) -> String? {
        if name.isEmpty { return "is required" }
        if name.utf8.count > maxBytes {
            return "is \(name.utf8.count) bytes; at most 256 are allowed"
        }
        if isRight(name) { return nil }
        return "is no topic: write 1 to 16 levels joined by dots, such as market.symbol.listed, of "
            + "letters, digits, '_', '-', ':' and '/'"
    }

    /// Whether publications may be kept under the name.
    public static func isRight(_ name: String) -> Bool {
        var levels = 1
        var isEmpty = true
        for byte in name.utf8 {
            if byte == UInt8(ascii: ".") {
                if isEmpty { return false }
                levels += 1
                isEmpty = true
            } else if isLevelByte(byte) {
                isEmpty = false
            } else {
                return false
            }
        }
        return !isEmpty && levels <= maxLevels && name.utf8.count <= maxBytes
    }

    static func isLevelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "-"),
            UInt8(ascii: "/"):
            true
        default: false
        }
    }
}
