/// An ordered list of header fields in one flat allocation.
///
/// Names are lower case (RFC 9113 section 8.2.1). Nothing is checked here: the layer above decides
/// what it lets through, nghttp2 refuses what HTTP/2 forbids.
///
/// Layout of one field: name length (2 bytes, little endian), value length (4 bytes, little
/// endian), a flag byte, name, value. One flat array means one allocation per header block and
/// none for an empty one, which is what most calls carry.
public struct HTTP2Fields: Sendable, Hashable {
    /// Where one field's parts lie in `storage`.
    public struct Field: Sendable {
        /// The name's bytes.
        public let name: Range<Int>
        /// The value's bytes.
        public let value: Range<Int>
        /// True when HPACK must not put the field into its tables (RFC 7541 section 7.1.3).
        public let isSensitive: Bool

        @inlinable
        init(name: Range<Int>, value: Range<Int>, isSensitive: Bool) {
            self.name = name
            self.value = value
            self.isSensitive = isSensitive
        }
    }

    /// The flat bytes; `nextField(at:)` walks them.
    public internal(set) var storage: [UInt8] = []
    /// How many fields there are.
    public internal(set) var count = 0

    static let prefixBytes = 7
    static let maxNameBytes = Int(UInt16.max)

    /// An empty list; allocates nothing.
    public init() {}

    /// A list of these names and values, in order.
    public init(_ pairs: [(name: String, value: String)]) {
        for pair in pairs { append(name: pair.name, value: pair.value) }
    }

    /// True when there is no field.
    public var isEmpty: Bool { count == 0 }

    /// Bytes as RFC 9113 section 6.5.2 counts a header list: name + value + 32 for each field.
    public var headerListBytes: Int { storage.count + count * (32 - Self.prefixBytes) }

    /// Appends a field; `isSensitive` keeps it out of HPACK's tables.
    public mutating func append(name: String, value: String, isSensitive: Bool = false) {
        appendPrefix(name: name.utf8.count, value: value.utf8.count, isSensitive)
        storage.append(contentsOf: name.utf8)
        storage.append(contentsOf: value.utf8)
    }

    /// Appends a field whose value is bytes; `isSensitive` keeps it out of HPACK's tables.
    public mutating func append(name: String, value: [UInt8], isSensitive: Bool = false) {
        appendPrefix(name: name.utf8.count, value: value.count, isSensitive)
        storage.append(contentsOf: name.utf8)
        storage.append(contentsOf: value)
    }

    /// Appends copies of these bytes of `source` as a field.
    public mutating func append(name: Range<Int>, value: Range<Int>, of source: HTTP2Fields) {
        appendPrefix(name: name.count, value: value.count, false)
        storage.append(contentsOf: source.storage[name])
        storage.append(contentsOf: source.storage[value])
    }

    /// Appends all fields of another list.
    public mutating func append(contentsOf other: HTTP2Fields) {
        storage.append(contentsOf: other.storage)
        count += other.count
    }

    /// Removes every field and keeps the allocation.
    public mutating func removeAll() {
        storage.removeAll(keepingCapacity: true)
        count = 0
    }

    /// The field that begins at `cursor`, which is moved past it; nil at the end of `storage`.
    @inlinable
    public func nextField(at cursor: inout Int) -> Field? {
        nextField(at: &cursor, before: storage.count)
    }

    /// As `nextField(at:)`, ending at `end`: for one block inside a larger list.
    @inlinable
    public func nextField(at cursor: inout Int, before end: Int) -> Field? {
        guard cursor + 7 <= end else { return nil }
        let nameBytes = Int(storage[cursor]) | Int(storage[cursor + 1]) << 8
        let valueBytes =
            Int(storage[cursor + 2]) | Int(storage[cursor + 3]) << 8
            | Int(storage[cursor + 4]) << 16 | Int(storage[cursor + 5]) << 24
        let nameStart = cursor + 7
        let valueStart = nameStart + nameBytes
        let isSensitive = storage[cursor + 6] != 0
        cursor = valueStart + valueBytes
        return Field(
            name: nameStart..<valueStart, value: valueStart..<cursor, isSensitive: isSensitive)
    }

    /// True when the bytes of `range` are exactly those of `text`.
    @inlinable
    public func bytes(in range: Range<Int>, equal text: String) -> Bool {
        range.count == text.utf8.count && bytes(in: range, begin: text)
    }

    /// True when the bytes of `range` begin with those of `text`.
    @inlinable
    public func bytes(in range: Range<Int>, begin text: String) -> Bool {
        guard range.count >= text.utf8.count else { return false }
        var index = range.lowerBound
        for byte in text.utf8 {
            if storage[index] != byte { return false }
            index += 1
        }
        return true
    }

    /// The bytes of `range` as text; broken UTF-8 becomes U+FFFD.
    public func text(in range: Range<Int>) -> String {
        String(decoding: storage[range], as: UTF8.self)
    }

    private mutating func appendPrefix(name: Int, value: Int, _ isSensitive: Bool) {
        precondition(name <= Self.maxNameBytes, "a header name has at most 65,535 bytes")
        precondition(value <= Int(UInt32.max), "a header value has at most 4 GiB")
        storage.append(UInt8(truncatingIfNeeded: name))
        storage.append(UInt8(truncatingIfNeeded: name >> 8))
        for shift in [0, 8, 16, 24] { storage.append(UInt8(truncatingIfNeeded: value >> shift)) }
        storage.append(isSensitive ? 1 : 0)
        count += 1
    }
}
