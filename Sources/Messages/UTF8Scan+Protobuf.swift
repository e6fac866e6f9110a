/// Finds what may not be in a proto3 string: bytes that are not UTF-8 (RFC 3629), and NUL.
enum UTF8Scan {
    /// The first fault, and where; nil for a good string.
    static func fault(
        in bytes: UnsafeRawBufferPointer, _ range: Range<Int>
    ) -> (WireError.Reason, Int)? {
        var at = range.lowerBound
        while at < range.upperBound {
            if range.upperBound - at >= 8, unsafe isPlain(bytes, at) {
                at += 8
                continue
            }
            let lead = unsafe bytes[at]
            if lead &- 1 < 0x7F {
                at += 1
                continue
            }
            if lead == 0 { return (.nulInString, at) }
            guard let length = unsafe sequenceLength(lead, bytes, at, range.upperBound) else {
                return (.invalidUTF8, at)
            }
            at += length
        }
        return nil
    }

    /// Whether the next eight bytes are ASCII without NUL, tested as one word.
    private static func isPlain(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Bool {
        let word = unsafe bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)
        // The second term has its top bits set where a byte was zero, once none is above 0x7F.
        return (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 == 0
    }

    /// Length of the sequence at `at`; nil if it is not one of RFC 3629 section 4.
    private static func sequenceLength(
        _ lead: UInt8, _ bytes: UnsafeRawBufferPointer, _ at: Int, _ end: Int
    ) -> Int? {
        guard lead >= 0x80 else { return 1 }
        guard let (length, second) = shape(lead), end - at >= length else { return nil }
        guard unsafe second.contains(bytes[at + 1]) else { return nil }
        for index in (at + 2)..<(at + max(length, 2)) where unsafe bytes[index] & 0xC0 != 0x80 {
            return nil
        }
        return length
    }

    /// Length and allowed second bytes, which rule out overlong forms, surrogates, and what is
    /// above U+10FFFF.
    private static func shape(_ lead: UInt8) -> (length: Int, second: ClosedRange<UInt8>)? {
        switch lead {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xE1...0xEF: (3, 0x80...0xBF)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: nil
        }
    }
}
