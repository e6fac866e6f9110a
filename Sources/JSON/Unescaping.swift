/// The characters of a string's content with its escapes resolved.
///
/// - Parameter content: the bytes between the quotes of a string that the scanner has accepted.
func unescapedString(_ content: ArraySlice<UInt8>) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(content.count)
    var rest = content[...]
    while let byte = rest.popFirst() {
        guard byte == UInt8(ascii: "\\"), let mark = rest.popFirst() else {
            bytes.append(byte)
            continue
        }
        switch mark {
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "u"): bytes.append(contentsOf: UTF8.encode(takeScalar(&rest)) ?? .init())
        default: bytes.append(mark)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// Reads the hexadecimal digits after `\u`, and the second half of a surrogate pair.
private func takeScalar(_ rest: inout ArraySlice<UInt8>) -> UnicodeScalar {
    let unit = takeUnit(&rest)
    // The scanner has accepted surrogates in pairs only, so six bytes follow the first half.
    guard unit & 0xFC00 == 0xD800 else { return UnicodeScalar(unit) ?? "\u{FFFD}" }
    rest = rest.dropFirst(2)
    let low = takeUnit(&rest)
    return UnicodeScalar(0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF) ?? "\u{FFFD}"
}

private func takeUnit(_ rest: inout ArraySlice<UInt8>) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
        unit = unit << 4 | UInt32(rest.popFirst().flatMap(hexDigit) ?? 0)
    }
    return unit
}
