/// The rule of a zone for all years to come, as POSIX writes it in `TZ`: `CET-1CEST,M3.5.0,M10.5.0/3`.
struct PosixZoneRule: Sendable, Hashable {
    /// Seconds ahead of UTC in standard time.
    let standard: Int32
    /// Summer time, if the zone has one.
    let summer: Summer?

    struct Summer: Sendable, Hashable {
        var offset: Int32
        var begin: Change
        var end: Change
    }

    /// A day of each year, and the local time on it in seconds (may be negative or past the day).
    struct Change: Sendable, Hashable {
        enum Day: Sendable, Hashable {
            /// 1 to 365; February 29 is never counted.
            case julian(Int)
            /// 0 to 365, February 29 counted.
            case zeroBased(Int)
            /// The `week`-th (5: the last) of a weekday (0: Sunday) in a month.
            case weekday(month: Int, week: Int, weekday: Int)
        }

        var day: Day
        var seconds: Int

        /// Days since 1970-01-01 of the change in a year.
        func daysSinceEpoch(in year: Int) -> Int {
            let newYear = CalendarDay(year: year, month: 1, day: 1).daysSinceEpoch
            switch day {
            case .zeroBased(let day): return newYear + day
            case .julian(let day):
                let isLeap = CalendarDay.length(ofMonth: 2, year: year) == 29
                return newYear + day - 1 + (isLeap && day >= 60 ? 1 : 0)
            case .weekday(let month, let week, let weekday):
                let first = CalendarDay(year: year, month: month, day: 1)
                var day = 1 + floorMod(weekday - first.weekday, 7) + (week - 1) * 7
                if day > CalendarDay.length(ofMonth: month, year: year) { day -= 7 }
                return first.daysSinceEpoch + day - 1
            }
        }
    }

    /// Reads a rule; `nil` for anything else.
    init?(_ text: String) {
        var reader = PosixZoneReader(text)
        guard let rule = reader.read() else { return nil }
        self = rule
    }

    init(standard: Int32, summer: Summer?) {
        self.standard = standard
        self.summer = summer
    }

    /// The changes of one year, not in order.
    func transitions(in year: Int) -> [TimeZoneTable.Transition] {
        guard let summer else {
            let newYear = CalendarDay(year: year, month: 1, day: 1).daysSinceEpoch
            return [TimeZoneTable.Transition(at: Int64(newYear) * 86_400, offset: standard)]
        }
        func instant(_ change: Change, before offset: Int32) -> Int64 {
            Int64(change.daysSinceEpoch(in: year) * 86_400 + change.seconds) - Int64(offset)
        }
        return [
            TimeZoneTable.Transition(
                at: instant(summer.begin, before: standard), offset: summer.offset),
            TimeZoneTable.Transition(
                at: instant(summer.end, before: summer.offset), offset: standard),
        ]
    }
}

/// Reads a POSIX `TZ` text from left to right.
private struct PosixZoneReader {
    private var rest: Substring.UTF8View

    init(_ text: String) { rest = text[...].utf8 }

    mutating func read() -> PosixZoneRule? {
        guard name(), let west = time() else { return nil }
        let standard = Int32(-west)
        if rest.isEmpty { return PosixZoneRule(standard: standard, summer: nil) }
        guard name() else { return nil }
        var offset = standard + 3_600
        if rest.first != UInt8(ascii: ",") {
            guard let west = time() else { return nil }
            offset = Int32(-west)
        }
        guard let begin = change(), let end = change(), rest.isEmpty else { return nil }
        return PosixZoneRule(
            standard: standard,
            summer: PosixZoneRule.Summer(offset: offset, begin: begin, end: end))
    }

    /// Letters, or anything in `<>`.
    private mutating func name() -> Bool {
        if accept("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[rest.index(after: end)...]
            return true
        }
        let letters = rest.prefix { UnicodeScalar($0).properties.isAlphabetic }
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    /// `[+-]h[h[h]][:mm[:ss]]` in seconds.
    private mutating func time() -> Int? {
        let isNegative = accept("-")
        if !isNegative { _ = accept("+") }
        guard let hours = number(), hours <= 167 else { return nil }
        var seconds = hours * 3_600
        for unit in [60, 1] where accept(":") {
            guard let part = number(), part < 60 else { return nil }
            seconds += part * unit
        }
        return isNegative ? -seconds : seconds
    }

    private mutating func change() -> PosixZoneRule.Change? {
        guard accept(","), let day = day() else { return nil }
        if !accept("/") { return PosixZoneRule.Change(day: day, seconds: 7_200) }
        return time().map { PosixZoneRule.Change(day: day, seconds: $0) }
    }

    private mutating func day() -> PosixZoneRule.Change.Day? {
        if accept("M") {
            guard let month = number(), accept("."), let week = number(), accept("."),
                let weekday = number(), (1...12).contains(month), (1...5).contains(week),
                weekday <= 6
            else { return nil }
            return .weekday(month: month, week: week, weekday: weekday)
        }
        if accept("J") {
            return number().flatMap { (1...365).contains($0) ? .julian($0) : nil }
        }
        return number().flatMap { $0 <= 365 ? .zeroBased($0) : nil }
    }

    private mutating func number() -> Int? {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard !digits.isEmpty, digits.count <= 4 else { return nil }
        rest = rest.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
    }

    private mutating func accept(_ character: UnicodeScalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }
}
