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

    /// The finest unit that holds `nanoseconds` in eight digits, rounded up.
    static func text(nanoseconds: Int64) -> String {
        let units: [(String, Int64)] = [
            ("n", 1), ("u", 1_000), ("m", 1_000_000), ("S", 1_000_000_000),
            ("M", 60_000_000_000),
        ]
        for (unit, scale) in units {
            let count = (max(0, nanoseconds) - 1) / scale + 1
            if count <= 99_999_999 { return "\(max(0, nanoseconds) == 0 ? 0 : count)\(unit)" }
        }
        return "\(min(99_999_999, nanoseconds / 3_600_000_000_000 + 1))H"
    }
}

extension Duration {
    /// The duration in nanoseconds, cut to what an Int64 holds.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return seconds > 0 ? .max : .min }
        let (sum, overflows) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflows ? .max : sum
    }
}
