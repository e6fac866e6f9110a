/// The protos this server was built from.
public enum EmbeddedDescriptors {
    /// All served protos, for reflection. Built at first use, in about a millisecond.
    public static let index = decode(embeddedDescriptorSet)

    /// An index of a descriptor set written by `proto/generate.sh`.
    public static func decode(_ base64: StaticString) -> DescriptorIndex {
        do {
            return try DescriptorIndex(fileDescriptorSet: bytes(base64))
        } catch {
            preconditionFailure("the generated descriptor set is broken: \(error.message)")
        }
    }

    /// Standard base64 (RFC 4648 section 4), of which a generator writes only the good kind.
    private static func bytes(_ base64: StaticString) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(base64.utf8CodeUnitCount / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        for character in base64.description.utf8 {
            guard let value = sextet(character) else { continue }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                output.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return output
    }

    /// The six bits of a character; nil for padding.
    private static func sextet(_ character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
