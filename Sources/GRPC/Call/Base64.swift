/// Base64 with the standard alphabet (RFC 4648 section 4), as `-bin` metadata uses it.
///
/// Encodes without padding; decodes padded and unpadded. Nothing in here can trap on any input.
enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// For each byte its 6 bits, 0xFF for bytes outside the alphabet.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in alphabet.enumerated() { table[Int(byte)] = UInt8(value) }
        return table
    }()

    /// The unpadded encoding of `bytes`.
    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count * 4 + 2) / 3)
        var bits: UInt32 = 0
        var bitCount = 0
        for byte in bytes {
            bits = (bits << 8 | UInt32(byte)) & 0xFFFF
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                out.append(alphabet[Int(bits >> UInt32(bitCount) & 0x3F)])
            }
        }
        if bitCount > 0 { out.append(alphabet[Int(bits << UInt32(6 - bitCount) & 0x3F)]) }
        return out
    }

    /// The bytes that `text` stands for, or nil when it is not base64.
    ///
    /// Padding may be absent, but what is there must be right. Bits left over that make no byte are
    /// not looked at (RFC 4648 section 3.5 leaves it to the decoder); a lone digit, which has six, is
    /// wrong.
    static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var digits = text
        let padding = digits.suffix(2).reversed().prefix { $0 == UInt8(ascii: "=") }.count
        if padding > 0 && digits.count % 4 != 0 { return nil }
        digits = digits.dropLast(padding)
        guard digits.count % 4 != 1 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(digits.count * 3 / 4)
        var bits: UInt32 = 0
        var bitCount = 0
        for digit in digits {
            let value = values[Int(digit)]
            guard value != 0xFF else { return nil }
            bits = (bits << 6 | UInt32(value)) & 0xFFFF
            bitCount += 6
            guard bitCount >= 8 else { continue }
            bitCount -= 8
            out.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
        }
        return out
    }
}
