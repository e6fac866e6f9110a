/// The shortest text that reads back as the same number, in the notation ECMAScript uses for
/// numbers and RFC 8785 section 3.2.2.3 prescribes; `nil` for infinities and NaN.
///
/// `description` finds the shortest digits; only their layout differs there.
func shortestText<Number: BinaryFloatingPoint & CustomStringConvertible>(
    _ value: Number
) -> String? {
    guard value.isFinite else { return nil }
    if value == 0 { return "0" }
    let text = value.description
    // Without an exponent the two notations differ in a trailing ".0" only.
    if !text.utf8.contains(UInt8(ascii: "e")) {
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
    let decimal = DecimalText(text.utf8)
    let digits = decimal.digits.map { $0 + UInt8(ascii: "0") }
    return (decimal.isNegative ? "-" : "") + layOut(digits[...], pointPlace: decimal.pointPlace)
}

/// ECMA-262, Number::toString: plain up to 21 digits before and 6 zeros after the point.
private func layOut(_ digits: ArraySlice<UInt8>, pointPlace: Int) -> String {
    let text = String(decoding: digits, as: UTF8.self)
    switch pointPlace {
    case digits.count...21:  // At most 17 digits are needed.
        return text + String(repeating: "0", count: pointPlace - digits.count)
    case 1...21:
        return text.prefix(pointPlace) + "." + text.dropFirst(pointPlace)
    case -5...0:
        return "0." + String(repeating: "0", count: -pointPlace) + text
    default:
        let exponent = pointPlace - 1
        let fraction = digits.count > 1 ? "." + text.dropFirst() : ""
        return "\(text.prefix(1))\(fraction)e\(exponent < 0 ? "-" : "+")\(exponent.magnitude)"
    }
}
