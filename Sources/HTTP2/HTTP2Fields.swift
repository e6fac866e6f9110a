/// An ordered list of header fields: all bytes in one array, and where each field lies in another.
///
/// Names are lower case (RFC 9113 section 8.2.1). Nothing is checked here: the layer above decides
/// what it lets through, nghttp2 refuses what HTTP/2 forbids. An empty list allocates nothing.
public struct HTTP2Fields: Sendable, Hashable {
    /// Where one field lies in `bytes`.
    public struct Field: Sendable, Hashable {
        @usableFromInline let start: Int32
        @usableFromInline let nameBytes: Int32
        @usableFromInline let valueBytes: Int32
        /// True when HPACK must not put the field into its tables (RFC 7541 section 7.1.3).
        public let isSensitive: Bool

        @inlinable
        init(start: Int, nameBytes: Int, valueBytes: Int, isSensitive: Bool) {
            self.start = Int32(start)
            self.nameBytes = Int32(nameBytes)
            self.valueBytes = Int32(valueBytes)
            self.isSensitive = isSensitive
        }

        /// The same field where all bytes lie `offset` further on.
        func moved(by offset: Int) -> Field {
            Field(
                start: Int(start) + offset, nameBytes: Int(nameBytes), valueBytes: Int(valueBytes),
                isSensitive: isSensitive)
        }

        /// True when name and value are as long as the other's.
        func hasShape(of other: Field) -> Bool {
            nameBytes == other.nameBytes && valueBytes == other.valueBytes
        }

        /// The name's place in `bytes`.
        @inlinable
        public var name: Range<Int> { Int(start)..<Int(start + nameBytes) }
        /// The value's place in `bytes`.
        @inlinable
        public var value: Range<Int> {
            Int(start + nameBytes)..<Int(start + nameBytes + valueBytes)
        }
    }

    /// All names and values, one after the other.
    public internal(set) var bytes: [UInt8] = []
    /// The fields, in order.
    public internal(set) var fields: [Field] = []

    /// An empty list.
    public init() {}

    /// A list of these names and values, in order.
    public init(_ pairs: [(name: String, value: String)]) {
        for pair in pairs { append(name: pair.name, value: pair.value) }
    }

    /// How many fields there are.
    public var count: Int { fields.count }
    /// True when there is no field.
    public var isEmpty: Bool { fields.isEmpty }
    /// Bytes as RFC 9113 section 6.5.2 counts a header list: name + value + 32 for each field.
    public var headerListBytes: Int { bytes.count + fields.count * 32 }

    /// Appends a field; `isSensitive` keeps it out of HPACK's tables.
    public mutating func append(name: String, value: String, isSensitive: Bool = false) {
        let field = Field(
            start: bytes.count, nameBytes: name.utf8.count, valueBytes: value.utf8.count,
            isSensitive: isSensitive)
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: value.utf8)
        fields.append(field)
    }

    /// Appends a field whose value is bytes; `isSensitive` keeps it out of HPACK's tables.
    public mutating func append(name: String, value: [UInt8], isSensitive: Bool = false) {
        let field = Field(
            start: bytes.count, nameBytes: name.utf8.count, valueBytes: value.count,
            isSensitive: isSensitive)
        bytes.append(contentsOf: name.utf8)
        bytes.append(contentsOf: value)
        fields.append(field)
    }

    /// Appends a copy of a field of `source`.
    public mutating func append(_ field: Field, of source: HTTP2Fields) {
        let copy = Field(
            start: bytes.count, nameBytes: field.name.count, valueBytes: field.value.count,
            isSensitive: field.isSensitive)
        bytes.append(contentsOf: source.bytes[field.name.lowerBound..<field.value.upperBound])
        fields.append(copy)
    }

    /// Appends copies of all fields of another list.
    public mutating func append(contentsOf other: HTTP2Fields) {
        for field in other.fields { append(field, of: other) }
    }

    /// Removes every field and keeps the allocations.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    /// True when the bytes of `range` are exactly those of `text`.
    @inlinable
    public func bytes(in range: Range<Int>, equal text: StaticText) -> Bool {
        range.count == text.bytes.count && bytes(in: range, begin: text)
    }

    /// True when the bytes of `range` begin with those of `text`.
    @inlinable
    public func bytes(in range: Range<Int>, begin text: StaticText) -> Bool {
        guard range.count >= text.bytes.count else { return false }
        for offset in 0..<text.bytes.count
        where bytes[range.lowerBound + offset] != text.bytes[offset] { return false }
        return true
    }

    /// The bytes of `range` as text; broken UTF-8 becomes U+FFFD.
    public func text(in range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    /// The value of the first field with this name as text, or nil.
    public func first(_ name: StaticText) -> String? {
        guard let field = fields.first(where: { bytes(in: $0.name, equal: name) }) else {
            return nil
        }
        return text(in: field.value)
    }
}

/// ASCII text that is compared with header bytes; make it once and keep it.
public struct StaticText: Sendable {
    @usableFromInline let bytes: [UInt8]

    /// The UTF-8 bytes of `text`.
    public init(_ text: String) { bytes = Array(text.utf8) }
}
