import Testing

@testable import Store

@Suite struct RequestRetentionTests {
    @Test(arguments: [
        (Int64(0), Int64(0)), (3_599_999, 0), (3_600_000, 1), (-1, -1), (-3_600_000, -1),
        (-3_600_001, -2),
    ])
    func `a moment belongs to the hour it lies in`(_ millis: Int64, _ hour: Int64) {
        #expect(RequestRetention.hour(ofMillis: millis) == hour)
    }

    @Test func `the oldest hour follows the newest moment and never goes back`() {
        var retention = RequestRetention(hours: 24)
        #expect(retention.remembers(createdMillis: .min / 2))
        let moves = [30 * 3_600_000, 30 * 3_600_000 + 1, 5].map {
            retention.timePassed(toMillis: $0)
        }
        #expect(moves == [true, false, false])
        #expect(retention.oldestHour == 6)
        #expect(retention.remembers(createdMillis: 6 * 3_600_000))
        #expect(!retention.remembers(createdMillis: 6 * 3_600_000 - 1))
    }
}
