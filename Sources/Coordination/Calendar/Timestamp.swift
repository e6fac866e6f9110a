/// A point in time to the nanosecond, years 0 to 9999, read and written as RFC 3339.
public struct Timestamp: Sendable, Hashable, Comparable {
    /// Whole seconds since 1970-01-01T00:00:00Z, negative before.
    public let seconds: Int64
    /// 0 to 999,999,999, always counted forward from ``seconds``.
    public let nanos: Int32

    /// The first and the last whole second that RFC 3339 can write.
    private static let bounds: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    private init(seconds: Int64, nanos: Int32) {
        self.seconds = seconds
        self.nanos = nanos
    }

    /// From milliseconds since 1970-01-01T00:00:00Z, cut to the years 0 to 9999.
    public init(millis: Int64) {
        let whole = floorDiv(millis, 1_000)
        seconds = min(max(whole, Timestamp.bounds.lowerBound), Timestamp.bounds.upperBound)
        nanos = seconds == whole ? Int32(floorMod(millis, 1_000)) * 1_000_000 : 0
    }

    /// Reads `YYYY-MM-DDThh:mm:ss[.fraction](Z|+hh:mm|-hh:mm)`; a blank or `_` may stand for the
    /// `T`, letters may be small. Digits past the nanosecond are dropped; a leap second is the
    /// second after it. `nil` for anything else and for days that no calendar has.
    public init?(rfc3339 text: some StringProtocol) {
        var reader = TimestampReader(Array(text.utf8.prefix(64)))
        guard let (seconds, nanos) = reader.read(), Timestamp.bounds.contains(seconds) else {
            return nil
        }
        self.init(seconds: seconds, nanos: nanos)
    }

    /// The earlier one comes first.
    public static func < (a: Timestamp, b: Timestamp) -> Bool {
        (a.seconds, a.nanos) < (b.seconds, b.nanos)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded down.
    public var millis: Int64 { seconds * 1_000 + Int64(nanos / 1_000_000) }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with as many digits of the second as needed: `2025-06-29T15:00:00.25Z`.
    public var description: String {
        let day = CalendarDay(daysSinceEpoch: Int(floorDiv(seconds, 86_400)))
        let inDay = Int(floorMod(seconds, 86_400))
        var text = padded(day.year, 4) + "-" + padded(day.month, 2) + "-" + padded(day.day, 2)
        text += "T" + padded(inDay / 3_600, 2) + ":" + padded(inDay / 60 % 60, 2)
        text += ":" + padded(inDay % 60, 2)
        if nanos != 0 {
            var fraction = padded(Int(nanos), 9)
            while fraction.utf8.last == UInt8(ascii: "0") { fraction.removeLast() }
            text += "." + fraction
        }
        return text + "Z"
    }
}

private func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
}

/// Reads an RFC 3339 text from left to right.
private struct TimestampReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func read() -> (seconds: Int64, nanos: Int32)? {
        guard let day = readDay(), accept("T", "t", " ", "_"), let time = readTime(),
            let nanos = readFraction(), let offset = readOffset(), position == bytes.count
        else { return nil }
        return (Int64(day * 86_400 + time - offset), nanos)
    }

    private mutating func readDay() -> Int? {
        guard let year = number(4), accept("-"), let month = number(2), accept("-"),
            let day = number(2), (1...12).contains(month), day >= 1,
            day <= CalendarDay.length(ofMonth: month, year: year)
        else { return nil }
        return CalendarDay(year: year, month: month, day: day).daysSinceEpoch
    }

    private mutating func readTime() -> Int? {
        guard let hour = number(2), accept(":"), let minute = number(2), accept(":"),
            let second = number(2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3_600 + minute * 60 + second
    }

    private mutating func readFraction() -> Int32? {
        guard accept(".") else { return 0 }
        var nanos: Int32 = 0
        var digits = 0
        while let digit = digit() {
            if digits < 9 { nanos = nanos * 10 + Int32(digit) }
            digits += 1
        }
        for _ in min(digits, 9)..<9 { nanos *= 10 }
        return digits > 0 ? nanos : nil
    }

    private mutating func readOffset() -> Int? {
        if accept("Z", "z") { return 0 }
        let isWest = accept("-")
        guard isWest || accept("+"), let hours = number(2), accept(":"), let minutes = number(2),
            hours < 24, minutes < 60
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (isWest ? -1 : 1)
    }

    private mutating func accept(_ choices: UnicodeScalar...) -> Bool {
        guard position < bytes.count, choices.contains(UnicodeScalar(bytes[position])) else {
            return false
        }
        position += 1
        return true
    }

    private mutating func digit() -> Int? {
        guard position < bytes.count,
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position])
        else { return nil }
        defer { position += 1 }
        return Int(bytes[position] - UInt8(ascii: "0"))
    }

    private mutating func number(_ width: Int) -> Int? {
        var value = 0
        for _ in 0..<width {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }
}
