import HTTP2

/// The value of `grpc-timeout`: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").
enum GRPCTimeout {
    /// The longest timeout told apart from none at all: 36 years. Cut there, sums with the clock
    /// cannot overflow.
    static let longestNanoseconds: Int64 = 1 << 60

    /// Nanoseconds, or nil when the value is malformed; at most `longestNanoseconds`.
    static func nanoseconds(_ text: ArraySlice<UInt8>) -> Int64? {
        guard let unit = text.last, (2...9).contains(text.count) else { return nil }
        var number: Int64 = 0
        for digit in text.dropLast() {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        let scale: Int64
        switch unit {
        case UInt8(ascii: "H"): scale = 3_600_000_000_000
        case UInt8(ascii: "M"): scale = 60_000_000_000
        case UInt8(ascii: "S"): scale = 1_000_000_000
        case UInt8(ascii: "m"): scale = 1_000_000
        case UInt8(ascii: "u"): scale = 1_000
        case UInt8(ascii: "n"): scale = 1
        default: return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: scale)
        return overflow ? longestNanoseconds : min(product, longestNanoseconds)
    }

    /// The same with three significant digits, rounded up, so at most a hundredth longer.
    ///
    /// Calls with the same timeout then have the same header, which HPACK sends as one byte; the exact
    /// time that is left would be a new entry of its table for each call, on both sides, and push
    /// the others out.
    static func roundedUp(_ nanoseconds: Int64) -> Int64 {
        var step: Int64 = 1
        while nanoseconds / step >= 1_000 { step *= 10 }
        return (nanoseconds + step - 1) / step * step
    }

    /// At most eight digits and a unit, of as few bytes as it takes, rounded up.
    static func text(nanoseconds: Int64) -> String {
        let rounded = roundedUp(max(0, nanoseconds))
        let units: [(String, Int64)] = [
            ("S", 1_000_000_000), ("m", 1_000_000), ("u", 1_000), ("n", 1),
        ]
        for (unit, scale) in units where rounded % scale == 0 && rounded / scale <= 99_999_999 {
            return "\(rounded / scale)\(unit)"
        }
        return "\(min(99_999_999, rounded / 3_600_000_000_000 + 1))H"
    }
}

extension Duration {
    /// The duration in nanoseconds, cut to what an Int64 holds.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds > 0 ? .max : .min }
        let (sum, overflows) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflows ? (seconds > 0 ? .max : .min) : sum
    }
}
