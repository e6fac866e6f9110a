extension JSONView {
    /// A number as it is written, such as `1.50` or `12e3`.
    public var numberText: String? { kind == .number ? rawText : nil }

    /// The number as an integer, if it is one exactly, in whatever notation (`12`, `12.0`,
    /// `1.2e1`), and fits.
    public var int64: Int64? {
        guard kind == .number, let exact = exactInteger(rawBytes) else { return nil }
        if !exact.isNegative { return Int64(exactly: exact.magnitude) }
        return exact.magnitude <= Int64.min.magnitude
            ? Int64(truncatingIfNeeded: 0 &- exact.magnitude) : nil
    }

    /// The number as an unsigned integer, if it is one exactly, in whatever notation, and fits.
    public var uint64: UInt64? {
        guard kind == .number, let exact = exactInteger(rawBytes) else { return nil }
        return exact.isNegative && exact.magnitude != 0 ? nil : exact.magnitude
    }

    /// The nearest double; `nil` if this is no number or beyond the range of finite doubles.
    public var double: Double? {
        guard kind == .number, let value = Double(rawText), value.isFinite else { return nil }
        return value
    }
}

/// The integer a valid JSON number stands for; `nil` when it has a fractional part or its
/// magnitude does not fit 64 bits. Computed on the digits: a double would lose some above 2^53.
func exactInteger(_ text: ArraySlice<UInt8>) -> (isNegative: Bool, magnitude: UInt64)? {
    var magnitude: UInt64 = 0
    var isNegative = false
    for byte in text {
        switch byte {
        case UInt8(ascii: "-"): isNegative = true
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            guard let grown = magnitude.appending(digit: byte - UInt8(ascii: "0")) else {
                return DecimalText(text).exactInteger
            }
            magnitude = grown
        default: return DecimalText(text).exactInteger
        }
    }
    return (isNegative, magnitude)
}

/// Whether a valid JSON number has no fractional part, however large it is; copies nothing.
func hasNoFraction(_ text: ArraySlice<UInt8>) -> Bool {
    var digits = 0
    var integerDigits: Int?
    var lastNonzero: Int?
    var rest = text
    while let byte = rest.popFirst(), byte | 0x20 != UInt8(ascii: "e") {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            if byte != UInt8(ascii: "0") { lastNonzero = digits }
            digits += 1
        case UInt8(ascii: "."): integerDigits = digits
        default: break
        }
    }
    guard let lastNonzero else { return true }
    return (integerDigits ?? digits) - 1 - lastNonzero + exponent(rest) >= 0
}

/// The number after an exponent mark, 0 where there is none.
private func exponent(_ text: ArraySlice<UInt8>) -> Int {
    let digits = text.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
    let magnitude = digits.reduce(0) { exponent, byte in
        min(exponent * 10 + Int(byte - UInt8(ascii: "0")), DecimalText.maxExponent)
    }
    return text.first == UInt8(ascii: "-") ? -magnitude : magnitude
}

/// A number taken apart: 0.d1d2d3... times ten to the power `pointPlace`, without leading or
/// trailing zeros; zero has no digits.
struct DecimalText {
    private(set) var isNegative = false
    private(set) var digits: [UInt8] = []
    private(set) var pointPlace = 0

    /// Takes a number apart that follows the grammar of JSON or of `Double.description`.
    init(_ text: some Sequence<UInt8>) {
        var part = Part.integer
        var exponent = 0
        var exponentIsNegative = false
        for byte in text {
            switch (byte, part) {
            case (UInt8(ascii: "-"), .exponent): exponentIsNegative = true
            case (UInt8(ascii: "-"), _): isNegative = true
            case (UInt8(ascii: "."), _): part = .fraction
            case (UInt8(ascii: "e"), _), (UInt8(ascii: "E"), _): part = .exponent
            case (UInt8(ascii: "0")...UInt8(ascii: "9"), .exponent):
                exponent = min(exponent * 10 + Int(byte - UInt8(ascii: "0")), Self.maxExponent)
            case (UInt8(ascii: "0")...UInt8(ascii: "9"), _):
                append(digit: byte - UInt8(ascii: "0"), inFraction: part == .fraction)
            default: break
            }
        }
        pointPlace += exponentIsNegative ? -exponent : exponent
        while digits.last == 0 { digits.removeLast() }
    }

    private enum Part { case integer, fraction, exponent }

    /// Beyond any double or text we accept; the bound keeps sums from overflowing.
    fileprivate static let maxExponent = 1 << 40

    private mutating func append(digit: UInt8, inFraction: Bool) {
        if digits.isEmpty && digit == 0 {
            if inFraction { pointPlace -= 1 }
            return
        }
        digits.append(digit)
        if !inFraction { pointPlace += 1 }
    }

    var exactInteger: (isNegative: Bool, magnitude: UInt64)? {
        if digits.isEmpty { return (isNegative, 0) }
        // 2^64 has 20 digits.
        guard pointPlace >= digits.count, pointPlace <= 20 else { return nil }
        var magnitude: UInt64 = 0
        for place in 0..<pointPlace {
            let digit = place < digits.count ? digits[place] : 0
            guard let grown = magnitude.appending(digit: digit) else { return nil }
            magnitude = grown
        }
        return (isNegative, magnitude)
    }
}

extension UInt64 {
    /// The number with one more decimal digit at its end, or `nil` on overflow.
    fileprivate func appending(digit: UInt8) -> UInt64? {
        let (shifted, overflowed) = multipliedReportingOverflow(by: 10)
        let (sum, carried) = shifted.addingReportingOverflow(UInt64(digit))
        return overflowed || carried ? nil : sum
    }
}
