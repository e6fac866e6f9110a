/// Why a JSON text was refused, or why a value could not be read from or written to one.
///
/// `description` is one sentence fit for an error answer: where, then what was expected and what
/// was found. Never retriable: the same text fails again.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure, for programs.
    public enum Code: String, Sendable, Hashable {
        /// Not the grammar of RFC 8259.
        case syntax
        /// Bytes that are not UTF-8, or `\u` escapes that are half a surrogate pair.
        case encoding
        /// Nested deeper than ``JSONLimits/maxDepth``.
        case tooDeep
        /// Larger than ``JSONLimits/maxBytes``.
        case tooLarge
        /// A value of another kind than the one asked for.
        case typeMismatch
        /// A member or element that is not there, or is null where a value is needed.
        case missing
        /// The right kind, but not a value the type can hold: a number out of range, an unknown
        /// case, a text the type refuses.
        case invalidValue
        /// A template's reference that cannot be parsed.
        case template
    }

    /// The kind of failure.
    public let code: Code
    /// What was expected and what was found, without the place.
    public let message: String
    /// Where in the text, for failures of the text itself.
    public let position: JSONPosition?
    /// Where in the value, such as `listings[3].open_time`; empty at the root and for failures of
    /// the text itself.
    public let path: String

    init(_ code: Code, _ message: String, position: JSONPosition? = nil, path: String = "") {
        self.code = code
        self.message = message
        self.position = position
        self.path = path
    }

    /// Place and message in one sentence.
    public var description: String {
        if let position { return "\(position): \(message)" }
        return path.isEmpty ? message : "\(path): \(message)"
    }
}

/// A place in a JSON text.
public struct JSONPosition: Sendable, Hashable, CustomStringConvertible {
    /// Offset of the byte, from 0; the text's size when it ended too early.
    public let byteOffset: Int
    /// Line, from 1; lines end with LF.
    public let line: Int
    /// Column in Unicode scalars, from 1.
    public let column: Int

    /// `line 3, column 7 (byte 41)`.
    public var description: String { "line \(line), column \(column) (byte \(byteOffset))" }

    /// Finds line and column by reading the text from its start; only errors pay for it.
    init(byteOffset: Int, in text: Span<UInt8>) {
        var line = 1
        var column = 1
        for index in 0..<min(byteOffset, text.count) {
            if text[index] == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if text[index] & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.byteOffset = byteOffset
        self.line = line
        self.column = column
    }
}
