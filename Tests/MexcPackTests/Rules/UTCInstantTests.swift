import Testing

@testable import MexcPack

struct UTCInstantTests {
    @Test(
        arguments: [
            ("2025-06-29T15:00:00Z", Int64(1_751_209_200_000)), ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T23:59:59.5Z", 1_709_251_199_500),
            ("2025-06-29T17:00:00+02:00", 1_751_209_200_000),
            ("2025-06-29T15:00Z", 1_751_209_200_000), ("1969-12-31T23:59:59.999Z", -1),
        ] as [(String, Int64)])
    func `an instant is read from ISO 8601`(text: String, millis: Int64) {
        #expect(UTCInstant(iso8601: text)?.millis == millis)
    }

    @Test(arguments: [
        "", "2025-06-29", "2025-06-29T15:00:00", "2025-02-29T00:00:00Z", "2025-13-01T00:00:00Z",
        "2025-06-29T24:00:00Z", "2025-06-29T15:60:00Z", "2025-06-29T15:00:00Zx",
        "2025-06-29T15:00:00+2:00", "now", "2025-06-29T15:00:00.Z", "2100-02-29T00:00:00Z",
        "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
    ])
    func `what is no instant is refused`(text: String) {
        #expect(UTCInstant(iso8601: text) == nil)
    }

    @Test func `writing and reading give the same instant over four centuries`() {
        // Every 40,009,999,937 ms, so that all parts of date and time change.
        for step in Int64(-160)..<320 {
            let instant = UTCInstant(millis: step * 40_009_999_937)
            #expect(UTCInstant(iso8601: instant.description) == instant)
        }
    }

    @Test func `numbers from outside cannot leave the years 0 to 9999`() {
        #expect(UTCInstant(millis: .max).description == "9999-12-31T23:59:59.999Z")
        #expect(UTCInstant(millis: .min).description == "0000-01-01T00:00:00Z")
        #expect(UTCInstant(millis: .max).adding(hours: .infinity) == UTCInstant(millis: .max))
    }

    @Test func `weekends and hours are those of UTC`() {
        #expect(at("2025-06-28T00:00:00Z").isWeekend)
        #expect(at("2025-06-29T23:59:59Z").isWeekend)
        #expect(!at("2025-06-30T00:00:00Z").isWeekend)
        #expect(!at("2025-06-27T23:59:59Z").isWeekend)
        #expect(at("1969-12-31T22:30:00Z").hourOfDay == 22)
    }
}
