/// A protobuf message written field by field (protobuf.dev/programming-guides/encoding), behind the
/// five spare bytes that a call wants.
struct WireMessage {
    private(set) var framed = [UInt8](repeating: 0, count: 5)

    /// A varint field of 0 or more.
    mutating func add(_ field: Int, _ number: Int) {
        varint(field << 3)
        varint(number)
    }

    /// A field of bytes, a string or a message.
    mutating func add(_ field: Int, _ bytes: [UInt8]) {
        varint(field << 3 | 2)
        varint(bytes.count)
        framed += bytes
    }

    private mutating func varint(_ number: Int) {
        var rest = UInt(number)
        while rest > 0x7f {
            framed.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        framed.append(UInt8(rest))
    }

    /// The first field with the number that is bytes; nil when there is none or the message cannot
    /// be read.
    static func bytes(_ wanted: Int, in message: [UInt8]) -> [UInt8]? {
        var rest = message[...]
        while let tag = varint(&rest) {
            switch tag & 7 {
            case 0: _ = varint(&rest)
            case 2:
                guard let count = varint(&rest), count <= rest.count else { return nil }
                if tag >> 3 == wanted { return Array(rest.prefix(count)) }
                rest = rest.dropFirst(count)
            default: return nil
            }
        }
        return nil
    }

    private static func varint(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        var number: UInt = 0
        for shift in stride(from: 0, to: 63, by: 7) {
            guard let byte = bytes.popFirst() else { return nil }
            number |= UInt(byte & 0x7f) << UInt(shift)
            if byte < 0x80 { return Int(number) }
        }
        return nil
    }
}
