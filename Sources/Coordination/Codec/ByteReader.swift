/// Reads what ``ByteWriter`` wrote. Every read checks bounds: stored bytes may be damaged.
public struct ByteReader: Sendable {
    private let bytes: [UInt8]
    private var position = 0

    /// Reads from the first byte.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// How many bytes are left.
    public var remaining: Int { bytes.count - position }

    /// One byte.
    public mutating func byte() throws(CodecError) -> UInt8 {
        guard position < bytes.count else { throw CodecError("ends too early", at: position) }
        defer { position += 1 }
        return bytes[position]
    }

    /// What ``ByteWriter/unsigned(_:)`` wrote: 1 to 10 bytes.
    public mutating func unsigned() throws(CodecError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || (shift == 63 && next <= 1) else {
                throw CodecError("an integer is too long", at: position)
            }
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
            shift += 7
        }
    }

    /// What ``ByteWriter/signed(_:)`` wrote: 1 to 10 bytes.
    public mutating func signed() throws(CodecError) -> Int64 {
        let raw = try unsigned()
        return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
    }

    /// A number of things that follow, each at least one byte long.
    public mutating func count() throws(CodecError) -> Int {
        let value = try unsigned()
        guard value <= UInt64(remaining) else {
            throw CodecError("a length goes past the end", at: position)
        }
        return Int(value)
    }

    /// A small number that counts nothing in the bytes.
    public mutating func int() throws(CodecError) -> Int {
        let value = try unsigned()
        guard let small = Int(exactly: value) else {
            throw CodecError("an integer is too large", at: position)
        }
        return small
    }

    /// One byte; anything but 0 is true.
    public mutating func bool() throws(CodecError) -> Bool { try byte() != 0 }

    /// UTF-8 behind its length. What is no UTF-8 becomes U+FFFD.
    public mutating func string() throws(CodecError) -> String {
        let length = try count()
        defer { position += length }
        return String(decoding: bytes[position..<position + length], as: UTF8.self)
    }

    /// Bytes behind their number, as a part of what is read: nothing is copied.
    public mutating func slice() throws(CodecError) -> ArraySlice<UInt8> {
        let length = try count()
        defer { position += length }
        return bytes[position..<position + length]
    }

    /// Bytes behind their number.
    public mutating func counted() throws(CodecError) -> [UInt8] { Array(try slice()) }

    /// IEEE 754 bits, little-endian.
    public mutating func double() throws(CodecError) -> Double {
        var bits: UInt64 = 0
        for index in 0..<8 { bits |= UInt64(try byte()) << UInt64(index * 8) }
        return Double(bitPattern: bits)
    }

    /// A presence byte, then the value if there is one.
    public mutating func optional<Value>(
        _ read: (inout ByteReader) throws(CodecError) -> Value
    ) throws(CodecError) -> Value? {
        try bool() ? try read(&self) : nil
    }

    /// The number of elements, then each.
    public mutating func array<Element>(
        _ read: (inout ByteReader) throws(CodecError) -> Element
    ) throws(CodecError) -> [Element] {
        let length = try count()
        var elements: [Element] = []
        elements.reserveCapacity(length)
        for _ in 0..<length { elements.append(try read(&self)) }
        return elements
    }

    /// Reads the format version that every stored blob begins with.
    public mutating func version(newest: UInt8) throws(CodecError) -> UInt8 {
        let version = try byte()
        guard version >= 1, version <= newest else {
            throw CodecError("format version \(version), this build reads 1...\(newest)", at: 0)
        }
        return version
    }
}

/// Stored bytes that cannot be read: damaged, or written by a newer build.
public struct CodecError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong with them.
    public let problem: String
    /// Byte offset in the blob.
    public let offset: Int

    /// Names a problem.
    public init(_ problem: String, at offset: Int) {
        self.problem = problem
        self.offset = offset
    }

    public var description: String { "stored blob unreadable at byte \(offset): \(problem)" }
}
