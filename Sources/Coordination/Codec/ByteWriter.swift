/// Appends values in the compact form that the store keeps: variable-length integers (LEB128) and
/// length-prefixed bytes. What it writes, ``ByteReader`` reads.
public struct ByteWriter: Sendable {
    /// What was written so far.
    public private(set) var bytes: [UInt8] = []

    /// An empty writer with room for `capacity` bytes.
    public init(capacity: Int = 256) { bytes.reserveCapacity(capacity) }

    /// One byte.
    public mutating func byte(_ value: UInt8) { bytes.append(value) }

    /// 1 to 10 bytes, seven bits each, lowest first.
    public mutating func unsigned(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Zigzag form: small magnitudes of either sign stay short.
    public mutating func signed(_ value: Int64) {
        unsigned(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// A number of things; must not be negative.
    public mutating func count(_ value: Int) { unsigned(UInt64(value)) }

    /// One byte, 1 or 0.
    public mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// UTF-8 with its length before it.
    public mutating func string(_ value: String) {
        let utf8 = value.utf8
        count(utf8.count)
        bytes.append(contentsOf: utf8)
    }

    /// Bytes with their number before them.
    public mutating func counted(_ value: [UInt8]) {
        count(value.count)
        bytes.append(contentsOf: value)
    }

    /// IEEE 754 bits, little-endian.
    public mutating func double(_ value: Double) {
        var bits = value.bitPattern
        for _ in 0..<8 {
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
        }
    }

    /// A presence byte, then the value if there is one.
    public mutating func optional<Value>(
        _ value: Value?, _ write: (inout ByteWriter, Value) -> Void
    ) {
        bool(value != nil)
        if let value { write(&self, value) }
    }

    /// The number of elements, then each.
    public mutating func array<Element>(
        _ elements: [Element], _ write: (inout ByteWriter, Element) -> Void
    ) {
        count(elements.count)
        for element in elements { write(&self, element) }
    }
}
