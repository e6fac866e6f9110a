/// A point in time as the exchange counts it: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Written and read as ISO 8601 in UTC. Any thread; a plain value.
public struct UTCInstant: Sendable, Hashable, Comparable {
    /// Milliseconds since the epoch; negative before 1970.
    public let millis: Int64

    /// Wraps milliseconds since the epoch, cut to the years 0 to 9999: numbers of this kind come
    /// from outside, and inside this range no arithmetic on them overflows.
    public init(millis: Int64) {
        self.millis = min(max(millis, UTCInstant.earliestMillis), UTCInstant.latestMillis)
    }

    /// An instant that an exchange of coins can mean, in the years 2015 to 2099; `nil` for every other
    /// number: seconds or microseconds instead of milliseconds, or 0 for "not known".
    init?(exchangeMillis millis: Int64) {
        guard (1_420_070_400_000..<4_102_444_800_000).contains(millis) else { return nil }
        self.init(millis: millis)
    }

    private static let earliestMillis: Int64 = -62_167_219_200_000
    private static let latestMillis: Int64 = 253_402_300_799_999

    /// Reads `YYYY-MM-DDThh:mm[:ss[.fraction]]` followed by `Z` or an offset such as `+02:00`.
    /// `nil` for anything else, also for days that no calendar has, and for offsets that lead out of
    /// the years 0 to 9999: what is written in UTC can be read back.
    public init?(iso8601 text: String) {
        var reader = ISO8601Reader(text)
        guard let millis = reader.millis(),
            (UTCInstant.earliestMillis...UTCInstant.latestMillis).contains(millis)
        else { return nil }
        self.millis = millis
    }

    public static func < (a: UTCInstant, b: UTCInstant) -> Bool { a.millis < b.millis }

    /// The instant `hours` later, rounded to the millisecond. At most a million hours.
    public func adding(hours: Double) -> UTCInstant {
        let bounded = min(max(hours, -1_000_000), 1_000_000)
        return UTCInstant(
            millis: millis + Int64((bounded * Double(UTCInstant.millisPerHour)).rounded()))
    }

    /// Hours from `other` to this instant; negative when `other` is later.
    public func hours(since other: UTCInstant) -> Double {
        Double(millis - other.millis) / Double(UTCInstant.millisPerHour)
    }

    /// 0 to 23, UTC.
    var hourOfDay: Int {
        Int(floorMod(millis, UTCInstant.millisPerDay) / UTCInstant.millisPerHour)
    }

    /// Whether the day is a Saturday or Sunday in UTC.
    var isWeekend: Bool {
        // Day 0, 1970-01-01, was a Thursday; Saturday and Sunday are 2 and 3 days later.
        let weekday = floorMod(floorDiv(millis, UTCInstant.millisPerDay), 7)
        return weekday == 2 || weekday == 3
    }

    static let millisPerHour: Int64 = 3_600_000
    static let millisPerDay: Int64 = 86_400_000
}

extension UTCInstant: CustomStringConvertible {
    /// ISO 8601 in UTC, such as `2025-06-29T15:00:00Z`; milliseconds only when there are some.
    public var description: String {
        let inDay = floorMod(millis, UTCInstant.millisPerDay)
        let date = CivilDate(daysSinceEpoch: floorDiv(millis, UTCInstant.millisPerDay))
        let time = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1_000 % 60]
        let fraction = inDay % 1_000
        return
            "\(padded(date.year, 4))-\(padded(Int64(date.month), 2))-\(padded(Int64(date.day), 2))T"
            + time.map { padded($0, 2) }.joined(separator: ":")
            + (fraction == 0 ? "" : ".\(padded(fraction, 3))") + "Z"
    }
}

extension UTCInstant: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let instant = UTCInstant(iso8601: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "'\(text)' is not an instant; write 2025-06-29T15:00:00Z")
        }
        self = instant
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A day of the proleptic Gregorian calendar.
///
/// The conversions are Howard Hinnant's `days_from_civil` and `civil_from_days`
/// (howardhinnant.github.io/date_algorithms.html): years begin in March, so that the leap day is
/// the last of its year, in eras of 400 years.
struct CivilDate: Hashable {
    var year: Int64
    /// 1 to 12.
    var month: Int
    /// 1 to 31.
    var day: Int

    init(daysSinceEpoch: Int64) {
        let shifted = daysSinceEpoch + 719_468
        let era = floorDiv(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * marchMonth + 2) / 5 + 1)
        month = Int(marchMonth < 10 ? marchMonth + 3 : marchMonth - 9)
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// `nil` when the calendar has no such day.
    init?(year: Int64, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
        guard (1...12).contains(month), (1...31).contains(day),
            CivilDate(daysSinceEpoch: daysSinceEpoch) == self
        else { return nil }
    }

    var daysSinceEpoch: Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = floorDiv(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let marchMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * marchMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}

/// Reads the parts of an ISO 8601 instant off the front of a text.
private struct ISO8601Reader {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = ArraySlice(text.utf8) }

    mutating func millis() -> Int64? {
        guard let year = digits(4), skip("-"), let month = digits(2), skip("-"),
            let day = digits(2), skip("T") || skip("t"), let hour = digits(2), skip(":"),
            let minute = digits(2), hour < 24, minute < 60,
            let date = CivilDate(year: year, month: Int(month), day: Int(day)),
            let secondMillis = secondMillis(), let offset = offsetMillis(), rest.isEmpty
        else { return nil }
        let time = (hour * 60 + minute) * 60_000 + secondMillis
        return date.daysSinceEpoch * UTCInstant.millisPerDay + time - offset
    }

    private mutating func secondMillis() -> Int64? {
        guard skip(":") else { return 0 }
        guard let second = digits(2), second < 60 else { return nil }
        guard skip(".") else { return second * 1_000 }
        let fraction = rest.prefix { (0x30...0x39).contains($0) }
        guard !fraction.isEmpty else { return nil }
        rest = rest.dropFirst(fraction.count)
        let three = (Array(fraction.prefix(3)) + [0x30, 0x30]).prefix(3)
        return three.reduce(second) { $0 * 10 + Int64($1 - 0x30) }
    }

    private mutating func offsetMillis() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64 = skip("+") ? 1 : skip("-") ? -1 : 0
        guard sign != 0, let hour = digits(2), skip(":"), let minute = digits(2), hour < 24,
            minute < 60
        else { return nil }
        return sign * (hour * 60 + minute) * 60_000
    }

    private mutating func digits(_ count: Int) -> Int64? {
        let taken = rest.prefix(count)
        guard taken.count == count, taken.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        rest = rest.dropFirst(count)
        return taken.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    private mutating func skip(_ character: Character) -> Bool {
        guard rest.first == character.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }
}

private func floorDiv(_ a: Int64, _ b: Int64) -> Int64 { (a - floorMod(a, b)) / b }

private func floorMod(_ a: Int64, _ b: Int64) -> Int64 { ((a % b) + b) % b }

private func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
}
