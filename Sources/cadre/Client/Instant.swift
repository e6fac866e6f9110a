import MexcPack

/// Instants as people read them, UTC.
enum Instant {
    /// RFC 3339 to the millisecond.
    static func text(_ millis: Int64) -> String {
        UTCInstant(millis: millis).description
    }

    /// The time of day to the millisecond, for lines that follow each other closely.
    static func timeOfDay(_ millis: Int64) -> String {
        let inDay = ((millis % 86_400_000) + 86_400_000) % 86_400_000
        let parts = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1_000 % 60]
        let time = parts.map { padded($0, to: 2) }.joined(separator: ":")
        return time + "." + padded(inDay % 1_000, to: 3)
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
