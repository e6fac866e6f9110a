/// What a JSON value is.
public enum JSONKind: UInt8, Sendable, Hashable {
    case null, bool, number, string, array, object

    /// The kind with its article, for messages: `an object`.
    public var phrase: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// One entry of a document's index (its tape), 16 bytes.
///
/// Values stand in the order of the text. An array is followed by its elements; an object by
/// key, value, key, value. `next` skips a whole subtree.
struct JSONNode: Sendable {
    /// Offset of the value's first byte; for a string, of its opening quote.
    var start: UInt32
    /// Offset after the value's last byte.
    var end: UInt32
    /// Index of the first node that is not part of this value.
    var next: UInt32
    /// Kind in bits 0...2, "has escapes" in bit 3, element or member count in bits 4...31.
    private var info: UInt32

    private static let escapeFlag: UInt32 = 1 << 3
    private static let countUnit: UInt32 = 1 << 4

    init(kind: JSONKind, start: Int, end: Int, next: Int, hasEscapes: Bool = false) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.end = UInt32(truncatingIfNeeded: end)
        self.next = UInt32(truncatingIfNeeded: next)
        info = UInt32(kind.rawValue) | (hasEscapes ? JSONNode.escapeFlag : 0)
    }

    var kind: JSONKind {
        // The three bits were written from a JSONKind.
        JSONKind(rawValue: UInt8(info & 7)) ?? .null
    }

    var hasEscapes: Bool { info & JSONNode.escapeFlag != 0 }

    /// Elements of an array, members of an object, 0 for scalars.
    var count: Int { Int(info >> 4) }

    mutating func addElement() { info += JSONNode.countUnit }
}
