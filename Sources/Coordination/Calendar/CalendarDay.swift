/// A day of the Gregorian calendar, carried on backwards before its introduction.
struct CalendarDay: Sendable, Hashable {
    let year: Int
    /// 1 to 12.
    let month: Int
    /// 1 to the length of the month.
    let day: Int

    /// Combines the parts; the caller vouches for the day.
    init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day that many days after 1970-01-01.
    ///
    /// Works in years that begin in March, so that the leap day is a year's last one, inside
    /// eras of 400 years (146,097 days), which all look alike.
    init(daysSinceEpoch days: Int) {
        let shifted = days + CalendarDay.daysBeforeEpoch
        let era = floorDiv(shifted, 146_097)
        let inEra = shifted - era * 146_097
        let yearOfEra = (inEra - inEra / 1_460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * inYear + 2) / 153
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        day = inYear - (153 * marchMonth + 2) / 5 + 1
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01.
    var daysSinceEpoch: Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = floorDiv(marchYear, 400)
        let yearOfEra = marchYear - era * 400
        let inYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let inEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + inYear
        return era * 146_097 + inEra - CalendarDay.daysBeforeEpoch
    }

    /// 0 for Sunday to 6 for Saturday.
    var weekday: Int { floorMod(daysSinceEpoch + 4, 7) }

    /// From 0000-03-01 to 1970-01-01.
    private static let daysBeforeEpoch = 719_468

    /// How many days the month of that year has.
    static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: isLeap(year) ? 29 : 28
        default: 31
        }
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }
}

/// The quotient rounded down, for a positive divisor.
func floorDiv<Number: FixedWidthInteger>(_ value: Number, _ divisor: Number) -> Number {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}

/// What is left by ``floorDiv(_:_:)``, 0 to the divisor.
func floorMod<Number: FixedWidthInteger>(_ value: Number, _ divisor: Number) -> Number {
    let rest = value % divisor
    return rest < 0 ? rest + divisor : rest
}
