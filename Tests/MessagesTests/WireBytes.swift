import InteropMessages
import Messages

typealias Every = CadreTestingV1

/// Bytes put together by hand, the way no writer would.
enum WireBytes {
    static func varint(_ value: UInt64) -> [UInt8] {
        var rest = value
        var output: [UInt8] = []
        while rest >= 0x80 {
            output.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return output + [UInt8(rest)]
    }

    static func tag(_ number: UInt64, _ wireType: UInt64) -> [UInt8] {
        varint(number << 3 | wireType)
    }

    static func delimited(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        tag(number, 2) + varint(UInt64(bytes.count)) + bytes
    }

    /// A `Node` with this many levels of nodes inside, built from the innermost out.
    static func nested(_ depth: Int, field: UInt64 = 2) -> [UInt8] {
        var sizes: [Int] = [0]
        for _ in 0..<depth {
            let inner = sizes[sizes.count - 1]
            sizes.append(tag(field, 2).count + varint(UInt64(inner)).count + inner)
        }
        var output: [UInt8] = []
        for size in sizes.dropLast().reversed() {
            output += tag(field, 2) + varint(UInt64(size))
        }
        return output
    }

    static func hex(_ text: String) -> [UInt8] {
        let digits = text.utf8.map { UInt8($0 < 0x3A ? $0 - 0x30 : $0 - 0x57) }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }

    /// A vector of Python protobuf by name.
    static func vector(_ name: String) throws -> [UInt8] {
        guard let text = PythonVectors.bytes[name] else { throw MissingVector(name: name) }
        return hex(text)
    }
}

struct MissingVector: Error {
    let name: String
}

/// The reason a message is refused; nil when it is not.
func refusal<Message: WireMessage>(
    _ type: Message.Type, _ bytes: [UInt8], limits: DecodeLimits = .defaults
) -> WireError? {
    do {
        _ = try Message.decoded(from: bytes, limits: limits)
        return nil
    } catch {
        return error
    }
}
