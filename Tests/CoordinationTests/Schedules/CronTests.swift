import Coordination
import Testing

@Suite struct CronTests {
    /// A cron expression made at random: its text, and the numbers of each field.
    struct RandomCron {
        var text = ""
        var numbers: [Set<Int>] = []
        var stars: [Bool] = []

        private static let ranges = [0...59, 0...23, 1...31, 1...12, 0...7]
        private static let names = [
            [], [], [], ["", "jan", "Feb", "MAR", "apr", "may"], ["SUN", "mon", "Tue", "wed"],
        ]

        init(_ random: inout RandomCondition) {
            var fields: [String] = []
            for (index, range) in Self.ranges.enumerated() {
                var parts: [String] = []
                var all: Set<Int> = []
                for _ in 0...(random.below(4) == 0 ? 1 : 0) {
                    let (part, numbers) = Self.part(range, Self.names[index], &random)
                    parts.append(part)
                    all.formUnion(numbers)
                }
                if index == 4, all.contains(7) { all.insert(0) }
                numbers.append(all)
                stars.append(parts[0].hasPrefix("*"))
                fields.append(parts.joined(separator: ","))
            }
            text = fields.joined(separator: " ")
        }

        private static func part(
            _ range: ClosedRange<Int>, _ names: [String], _ random: inout RandomCondition
        ) -> (String, [Int]) {
            let low = range.lowerBound + random.below(range.count)
            let high = low + random.below(range.upperBound - low + 1)
            let step = 1 + random.below(6)
            switch random.below(6) {
            case 0, 1: return ("*", Array(range))
            case 2:
                let hasName = low < names.count && !names[low].isEmpty && random.below(2) == 0
                return (hasName ? names[low] : "\(low)", [low])
            case 3: return ("\(low)-\(high)", Array(low...high))
            case 4:
                return (
                    "*/\(step)",
                    Array(stride(from: range.lowerBound, through: range.upperBound, by: step))
                )
            default:
                if random.below(2) == 0 {
                    return (
                        "\(low)/\(step)",
                        Array(stride(from: low, through: range.upperBound, by: step))
                    )
                }
                return ("\(low)-\(high)/\(step)", Array(stride(from: low, through: high, by: step)))
            }
        }

        /// Whether a local minute fits, by a calendar that counts day by day.
        func fits(_ local: Int, _ calendar: DayCounter) -> Bool {
            let (year, month, day) = calendar.date(local / 1_440)
            _ = year
            let weekday = (local / 1_440 + 4) % 7
            let (fitsDay, fitsWeekday) = (numbers[2].contains(day), numbers[4].contains(weekday))
            let fitsDays = stars[2] || stars[4] ? fitsDay && fitsWeekday : fitsDay || fitsWeekday
            return numbers[0].contains(local % 60) && numbers[1].contains(local / 60 % 24)
                && numbers[3].contains(month) && fitsDays
        }
    }

    /// The calendar from 1970 on, counted day by day.
    struct DayCounter {
        private var days: [(Int, Int, Int)] = []

        init(years: Int) {
            for year in 1970..<1970 + years {
                let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
                let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
                for (month, length) in lengths.enumerated() {
                    for day in 1...length { days.append((year, month + 1, day)) }
                }
            }
        }

        func date(_ day: Int) -> (Int, Int, Int) { days[day] }
    }

    /// Every fitting instant of a span, minute by minute, as the documentation says.
    private func bruteForce(
        _ cron: RandomCron, _ zone: TimeZoneTable, _ span: Range<Int>, _ calendar: DayCounter
    ) -> [Int64] {
        let goesByHours = cron.numbers[1].count == 24
        var found: [Int64] = []
        func local(_ minute: Int) -> Int { minute + Int(zone.offset(at: Int64(minute) * 60)) / 60 }
        // A day before the span, so that repetitions at its beginning are known.
        var latest = Int.min
        for minute in span.lowerBound - 1_440..<span.upperBound {
            let (before, now) = (local(minute - 1), local(minute))
            defer { latest = max(latest, now) }
            guard span.contains(minute) else { continue }
            var fits = cron.fits(now, calendar) && (goesByHours || now > latest)
            if !goesByHours, now > before + 1 {
                fits = fits || (before + 1..<now).contains { cron.fits($0, calendar) }
            }
            if fits { found.append(Int64(minute) * 60) }
        }
        return found
    }

    @Test(arguments: UInt64(1)...6)
    func `random expressions in random zones come when brute force says`(seed: UInt64) throws {
        var random = RandomCondition(seed: seed)
        let calendar = DayCounter(years: 135)
        let zones = SampledZone.tables
        try #require(zones.count == 13)
        var slots = 0
        for _ in 0..<25 {
            let cron = RandomCron(&random)
            let zone = zones[random.below(zones.count)]
            guard let expression = try? CronExpression(parsing: cron.text) else {
                #expect(isImpossible(cron), "seed \(seed): \(cron.text)")
                continue
            }
            // Half of the spans lie around a change of the clock.
            var begin = 4_200_000 + random.below(55_000_000)
            let changes = zone.transitions.filter { $0.at > 252_000_000 && $0.at < 4_000_000_000 }
            if random.below(2) == 0, !changes.isEmpty {
                begin = Int(changes[random.below(changes.count)].at) / 60 - random.below(4_000)
            }
            let span = begin..<begin + 4_000 + random.below(6_000)
            let expected = bruteForce(cron, zone, span, calendar)
            let times = ScheduleTimes(crons: [expression], zone: zone)
            var got: [Int64] = []
            var after = Int64(span.lowerBound) * 60 - 1
            while let next = expression.next(after: after, in: zone), next < span.upperBound * 60 {
                got.append(next)
                after = next
            }
            #expect(got == expected, "seed \(seed): \(cron.text) in \(zone.name) from \(begin)")
            slots += got.count
            checkPrevious(times, expected, span)
        }
        #expect(slots > 50, "seed \(seed): \(slots) slots")
    }

    private func checkPrevious(_ times: ScheduleTimes, _ slots: [Int64], _ span: Range<Int>) {
        let begin = Int64(span.lowerBound) * 60_000
        var last: Int64?
        for slot in slots.prefix(50) {
            #expect(times.previous(beforeMillis: slot * 1_000, notBefore: begin) == last)
            last = slot * 1_000
            #expect(times.previous(beforeMillis: slot * 1_000 + 1, notBefore: begin) == last)
        }
    }

    private func isImpossible(_ cron: RandomCron) -> Bool {
        let longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return !cron.numbers[3].contains { month in
            cron.numbers[2].contains { $0 <= longest[month - 1] }
        }
    }

    @Test(arguments: [
        ("* * * *", "has 4 fields; write five: minute hour day-of-month month day-of-week"),
        ("60 * * * *", "minute \"60\" needs numbers from 0 to 59"),
        ("+1 * * * *", "minute \"+1\" needs numbers from 0 to 59"),
        ("*/+5 * * * *", "minute \"*/+5\" needs a step from 1 to 59"),
        ("* 5-3 * * *", "hour \"5-3\" goes backwards; write it as two ranges"),
        ("*/0 * * * *", "minute \"*/0\" needs a step from 1 to 59"),
        ("* * 1/2/3 * *", "day of month \"1/2/3\" has two steps"),
        ("* * * jam *", "month \"jam\" needs numbers from 1 to 12, or JAN to DEC"),
        ("* * * * 8", "day of week \"8\" needs numbers from 0 to 7, or SUN to SAT"),
        ("1,,2 * * * *", "minute \"\" needs numbers from 0 to 59"),
        ("-1 * * * *", "minute \"-1\" needs numbers from 0 to 59"),
        ("0 0 30 2 *", "\"0 0 30 2 *\" never happens: no such month has such a day"),
        (
            "@reboot",
            """
            @reboot is unknown; write @yearly, @monthly, @weekly, @daily or @hourly, or five fields
            """
        ),
    ])
    func `bad expressions are refused with the field`(text: String, message: String) {
        let failure = #expect(throws: CronExpression.ParseFailure.self) {
            try CronExpression(parsing: text)
        }
        #expect(failure?.message == message)
    }

    @Test(arguments: [
        ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"),
        ("@Weekly", "0 0 * * SUN"), ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 jan *"),
        ("@annually", "0 0 1 1 *"), ("0 12 * * 7", "0 12 * * 0"),
    ])
    func `names stand for what they say`(name: String, fields: String) throws {
        let (left, right) = (try CronExpression(parsing: name), try CronExpression(parsing: fields))
        var instant: Int64 = 1_700_000_000
        for _ in 0..<20 {
            let next = try #require(left.next(after: instant, in: .utc))
            #expect(right.next(after: instant, in: .utc) == next)
            instant = next
        }
    }

    /// Berlin: at 01:00Z on 2026-03-29 clocks go from 02:00 to 03:00, at 01:00Z on 2026-10-25 from
    /// 03:00 to 02:00.
    @Test(
        arguments: [
            (
                "30 2 * * *", "2026-03-28T12:00:00Z",
                ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
            ),
            (
                "30 2 * * *", "2026-10-24T12:00:00Z",
                ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
            ),
            (
                "30 * * * *", "2026-03-29T00:00:00Z",
                ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"]
            ),
            (
                "30 * * * *", "2026-10-25T00:00:00Z",
                ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]
            ),
            ("0 3 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z"]),
            (
                "0 0 29 2 *", "2026-01-01T00:00:00Z",
                ["2028-02-28T23:00:00Z", "2032-02-28T23:00:00Z"]
            ),
        ] as [(String, String, [String])])
    func `changes of the clock are served as documented`(
        text: String, after: String, slots: [String]
    ) throws {
        let zone = try #require(SampledZone.tables.first { $0.name == "Europe/Berlin" })
        let cron = try CronExpression(parsing: text)
        var instant = try #require(Timestamp(rfc3339: after)).seconds
        for slot in slots {
            let next = try #require(cron.next(after: instant, in: zone))
            #expect(Timestamp(millis: next * 1_000).description == slot)
            instant = next
        }
    }

    @Test func `intervals count from the epoch, and bounds hold`() {
        let times = ScheduleTimes(
            intervals: [
                ScheduleTimes.Interval(everySeconds: 3_600, offsetSeconds: 60),
                ScheduleTimes.Interval(everySeconds: 7_200),
            ], startMillis: 3_660_000, endMillis: 14_460_000)
        var slots: [Int64] = []
        var after: Int64 = 0
        while let slot = times.next(afterMillis: after) {
            slots.append(slot / 1_000)
            after = slot
        }
        #expect(slots == [3_660, 7_200, 7_260, 10_860, 14_400])
        #expect(times.previous(beforeMillis: 7_200_000, notBefore: 0) == 3_660_000)
        #expect(times.previous(beforeMillis: 3_660_000, notBefore: 0) == nil)
        #expect(ScheduleTimes().next(afterMillis: 0) == nil)
        for extreme in [Int64.min, .max] { _ = times.next(afterMillis: extreme) }
    }

    @Test func `jitter is the same for a slot each time and stays before the next slot`() {
        let times = ScheduleTimes(intervals: [ScheduleTimes.Interval(everySeconds: 10)])
        var delays: Set<Int64> = []
        for slot in stride(from: Int64(0), to: 1_000_000, by: 10_000) {
            let delay = times.delay(ofSlot: slot, jitterMillis: 60_000, of: "s")
            #expect(delay == times.delay(ofSlot: slot, jitterMillis: 60_000, of: "s"))
            #expect((0..<10_000).contains(delay))
            delays.insert(delay)
        }
        #expect(delays.count > 90)
        #expect(times.delay(ofSlot: 0, jitterMillis: 0, of: "s") == 0)
    }
}
