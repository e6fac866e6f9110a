/// Builds a JSON text from front to back; commas and colons come by themselves.
///
///     var writer = JSONWriter()
///     writer.beginObject()
///     writer.key("symbol")
///     writer.string("BTCUSDT")
///     writer.endObject()
///     let bytes = writer.finish()
///
/// Calls must make up one value: a key before each member, every begin ended. Breaking that is a
/// programming error and stops the program; no content can cause it.
public struct JSONWriter: Sendable {
    /// How the text is spaced.
    public enum Layout: Sendable, Hashable {
        /// No whitespace at all.
        case compact
        /// One member or element a line, indented by two spaces a level: for people.
        case indented
    }

    private var bytes: [UInt8] = []
    /// The length of the text so far.
    var byteCount: Int { bytes.count }
    private var open: [Container] = []
    private var hasValue = false
    private let layout: Layout

    private struct Container {
        let isObject: Bool
        var isEmpty = true
        var awaitsValue = false
    }

    /// An empty text.
    ///
    /// - Parameters:
    ///   - layout: compact unless set.
    ///   - reservedBytes: the size to make room for, a guess.
    public init(layout: Layout = .compact, reservedBytes: Int = 256) {
        self.layout = layout
        bytes.reserveCapacity(reservedBytes)
    }

    /// The finished text; the value must be complete.
    public consuming func finish() -> [UInt8] {
        precondition(hasValue && open.isEmpty, "JSONWriter.finish before the value is complete")
        return bytes
    }

    // MARK: Structure

    /// Opens an object.
    public mutating func beginObject() { begin(isObject: true) }

    /// Closes the innermost object.
    public mutating func endObject() { end(isObject: true) }

    /// Opens an array.
    public mutating func beginArray() { begin(isObject: false) }

    /// Closes the innermost array.
    public mutating func endArray() { end(isObject: false) }

    /// Names the next member of the innermost object. Names are not checked for repetition.
    public mutating func key(_ name: String) {
        guard let last = open.indices.last, open[last].isObject, !open[last].awaitsValue else {
            preconditionFailure("JSONWriter.key outside an object, or twice")
        }
        separate(in: last)
        bytes.appendQuoted(name)
        bytes.append(UInt8(ascii: ":"))
        if layout == .indented { bytes.append(UInt8(ascii: " ")) }
        open[last].awaitsValue = true
    }

    // MARK: Scalars

    /// Writes `null`.
    public mutating func null() { append(text: "null") }

    /// Writes `true` or `false`.
    public mutating func bool(_ value: Bool) { append(text: value ? "true" : "false") }

    /// Writes an integer, all digits.
    public mutating func integer(_ value: some BinaryInteger) { append(text: String(value)) }

    /// Writes the shortest text that reads back as the same double, in the notation of RFC 8785
    /// (`1`, `0.1`, `1e+21`). Infinities and NaN, which JSON does not have, become `null`.
    public mutating func double(_ value: Double) {
        append(text: shortestText(value) ?? "null")
    }

    /// Writes a string, escaping only what RFC 8259 demands.
    public mutating func string(_ value: String) {
        beginValue()
        bytes.appendQuoted(value)
    }

    /// Writes a value of another document as its own text (compact layout keeps its whitespace).
    public mutating func value(_ view: JSONView) {
        beginValue()
        bytes.append(contentsOf: view.rawBytes)
    }

    /// Writes a number that was read as text before; the caller vouches for its form.
    mutating func number(text: String) { append(text: text) }

    // MARK: Private parts

    private mutating func append(text: String) {
        beginValue()
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func begin(isObject: Bool) {
        beginValue()
        bytes.append(isObject ? UInt8(ascii: "{") : UInt8(ascii: "["))
        open.append(Container(isObject: isObject))
    }

    private mutating func end(isObject: Bool) {
        guard let closed = open.popLast(), closed.isObject == isObject, !closed.awaitsValue else {
            preconditionFailure("JSONWriter: an end without its begin, or a key without a value")
        }
        if !closed.isEmpty { breakLine() }
        bytes.append(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"))
    }

    private mutating func beginValue() {
        guard let last = open.indices.last else {
            precondition(!hasValue, "JSONWriter: a second value at the root")
            hasValue = true
            return
        }
        if open[last].isObject {
            precondition(open[last].awaitsValue, "JSONWriter: a member without a key")
            open[last].awaitsValue = false
        } else {
            separate(in: last)
        }
    }

    private mutating func separate(in container: Int) {
        if !open[container].isEmpty { bytes.append(UInt8(ascii: ",")) }
        open[container].isEmpty = false
        breakLine()
    }

    private mutating func breakLine() {
        guard layout == .indented else { return }
        bytes.append(UInt8(ascii: "\n"))
        for _ in open { bytes.append(contentsOf: [0x20, 0x20]) }
    }
}

extension [UInt8] {
    /// Appends a string in quotes. Only quote, backslash and control characters are escaped
    /// (RFC 8259 section 7), the latter in their short form where there is one (RFC 8785).
    mutating func appendQuoted(_ string: String) {
        append(UInt8(ascii: "\""))
        for byte in string.utf8 {
            if byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") {
                append(byte)
            } else {
                appendEscape(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ byte: UInt8) {
        append(UInt8(ascii: "\\"))
        switch byte {
        case 0x08: append(UInt8(ascii: "b"))
        case 0x0C: append(UInt8(ascii: "f"))
        case 0x0A: append(UInt8(ascii: "n"))
        case 0x0D: append(UInt8(ascii: "r"))
        case 0x09: append(UInt8(ascii: "t"))
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
        default:
            append(contentsOf: (byte < 0x10 ? "u000" : "u00").utf8)
            append(contentsOf: String(byte, radix: 16).utf8)
        }
    }
}
