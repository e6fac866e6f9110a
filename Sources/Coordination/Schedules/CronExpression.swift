/// Points in local time by cron: `minute hour day-of-month month day-of-week`.
///
/// Each field is `*`, a number, a range `1-5`, a step `*/15`, `9-17/2` or `5/20` (from 5 on), or a
/// list of these with commas. Months and weekdays may be named by their first three letters, in
/// any case; Sunday is 0 and 7. `@yearly` (`@annually`), `@monthly`, `@weekly`, `@daily`
/// (`@midnight`) and `@hourly` stand for what they say.
///
/// **Days.** When both day fields are restricted, a day that fits either is taken, as cron always
/// did; a field that begins with `*` is not restricted, so `*/2` there means both must fit.
///
/// **When clocks change.** An expression whose hours are all allowed goes by the hours that really
/// pass: what the gap leaves out is left out, and a repeated hour is served twice. With certain
/// hours only, each local time is meant once a day: one that falls into the gap comes when the gap
/// ends, and one that happens twice counts the first time.
public struct CronExpression: Sendable, Hashable, CustomStringConvertible {
    /// The text as given.
    public let description: String

    let minutes: UInt64
    let hours: UInt64
    let days: UInt64
    let months: UInt64
    let weekdays: UInt64
    /// Whether a day must fit both day fields, since one of them begins with `*`.
    let needsBothDays: Bool

    /// Why a text is no cron expression.
    public struct ParseFailure: Error, Sendable, Hashable {
        /// What is wrong and what would be right.
        public let message: String
    }

    /// Reads an expression of at most 256 bytes.
    ///
    /// - Throws: ``ParseFailure`` that names the field; also for days that no year has.
    public init(parsing text: String) throws(ParseFailure) {
        guard text.utf8.count <= 256 else {
            throw ParseFailure(message: "is longer than 256 bytes")
        }
        let fields = try Self.fields(text)
        description = text
        minutes = try CronField.minute.parse(fields[0])
        hours = try CronField.hour.parse(fields[1])
        days = try CronField.day.parse(fields[2])
        months = try CronField.month.parse(fields[3])
        let week = try CronField.weekday.parse(fields[4])
        // Both 0 and 7 are Sunday.
        weekdays = (week | week >> 7) & 0x7F
        needsBothDays = fields[2].hasPrefix("*") || fields[4].hasPrefix("*")
        if nextMinute(from: 0) == nil {
            throw ParseFailure(message: "\"\(text)\" never happens: no such month has such a day")
        }
    }

    private static func fields(_ text: String) throws(ParseFailure) -> [Substring] {
        let fields = text.split { $0 == " " || $0 == "\t" }
        if fields.count == 5 { return fields }
        guard fields.count == 1, fields[0].hasPrefix("@") else {
            throw ParseFailure(
                message: "has \(fields.count) fields; write five: minute hour day-of-month month "
                    + "day-of-week")
        }
        let meaning: Substring
        switch fields[0].lowercased() {
        case "@yearly", "@annually": meaning = "0 0 1 1 *"
        case "@monthly": meaning = "0 0 1 * *"
        case "@weekly": meaning = "0 0 * * 0"
        case "@daily", "@midnight": meaning = "0 0 * * *"
        case "@hourly": meaning = "0 * * * *"
        default:
            throw ParseFailure(
                message: "\(fields[0]) is unknown; write @yearly, @monthly, @weekly, @daily or "
                    + "@hourly, or five fields")
        }
        return meaning.split(separator: " ")
    }

    /// Whether it goes by the hours that pass, not by the local time.
    var allowsEveryHour: Bool { hours == 0xFF_FFFF }

    // MARK: Local time

    /// The first fitting minute at or after one; both count local minutes since 1970-01-01T00:00.
    /// `nil` when a hundred years hold none.
    func nextMinute(from minute: Int) -> Int? {
        let start = floorDiv(minute, 1_440)
        var day = CalendarDay(daysSinceEpoch: start)
        if fits(day), let inDay = nextMinuteOfDay(from: floorMod(minute, 1_440)) {
            return start * 1_440 + inDay
        }
        guard let first = nextMinuteOfDay(from: 0) else { return nil }
        let lastYear = day.year + 100
        while let next = nextDay(after: day, upTo: lastYear) {
            if fits(next) { return next.daysSinceEpoch * 1_440 + first }
            day = next
        }
        return nil
    }

    private func nextMinuteOfDay(from minute: Int) -> Int? {
        let hour = minute / 60
        if hours.contains(hour), let inHour = minutes.first(from: minute % 60) {
            return hour * 60 + inHour
        }
        guard let next = hours.first(from: hour + 1), let inHour = minutes.first(from: 0) else {
            return nil
        }
        return next * 60 + inHour
    }

    private func fits(_ day: CalendarDay) -> Bool {
        guard months.contains(day.month) else { return false }
        let (fitsDay, fitsWeekday) = (days.contains(day.day), weekdays.contains(day.weekday))
        return needsBothDays ? fitsDay && fitsWeekday : fitsDay || fitsWeekday
    }

    /// The next day in a month that fits.
    private func nextDay(after day: CalendarDay, upTo lastYear: Int) -> CalendarDay? {
        if months.contains(day.month),
            day.day < CalendarDay.length(ofMonth: day.month, year: day.year)
        {
            return CalendarDay(year: day.year, month: day.month, day: day.day + 1)
        }
        if let month = months.first(from: day.month + 1), month <= 12 {
            return CalendarDay(year: day.year, month: month, day: 1)
        }
        guard day.year < lastYear, let month = months.first(from: 1) else { return nil }
        return CalendarDay(year: day.year + 1, month: month, day: 1)
    }
}

extension UInt64 {
    func contains(_ bit: Int) -> Bool { self & (1 << UInt64(bit)) != 0 }

    /// The lowest set bit at or above a place.
    func first(from bit: Int) -> Int? {
        guard bit < 64 else { return nil }
        let rest = self & (.max << UInt64(bit))
        return rest == 0 ? nil : rest.trailingZeroBitCount
    }
}
