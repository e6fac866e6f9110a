import Testing

@testable import MexcPack

struct RequestPaceTests {
    @Test func `requests are spread evenly and an idle pace lets one go at once`() {
        var pace = RequestPace()
        #expect(pace.request(nowNanos: 0) == .send(atNanos: 0))
        #expect(pace.request(nowNanos: 1) == .send(atNanos: 100_000_000))
        #expect(pace.request(nowNanos: 2) == .send(atNanos: 200_000_000))
        #expect(pace.request(nowNanos: 900_000_000) == .send(atNanos: 900_000_000))
    }

    @Test func `a queue that is too long refuses and takes no turn`() {
        var pace = RequestPace()
        pace.maxWaitNanos = 150_000_000
        #expect(pace.request(nowNanos: 0) == .send(atNanos: 0))
        #expect(pace.request(nowNanos: 0) == .send(atNanos: 100_000_000))
        #expect(pace.request(nowNanos: 0) == .refuse(waitNanos: 200_000_000))
        #expect(pace.request(nowNanos: 60_000_000) == .send(atNanos: 200_000_000))
    }

    @Test func `a pause holds everything back until it ends`() {
        var pace = RequestPace()
        pace.pauseRequested(nowNanos: 0, pauseNanos: 10)
        pace.pauseRequested(nowNanos: 0, pauseNanos: 5)
        #expect(pace.request(nowNanos: 4) == .refuse(waitNanos: 6))
        #expect(pace.request(nowNanos: 10) == .send(atNanos: 10))
    }

    @Test func `the rate window counts by path and begins anew`() {
        var window = RateWindow(maxWeight: 11)
        #expect(window.take(10, "/a", nowMillis: 0) == nil)
        #expect(window.take(1, "/a", nowMillis: 9_000) == nil)
        #expect(window.take(1, "/a", nowMillis: 9_001) == 1)
        #expect(window.take(1, "/b", nowMillis: 9_001) == nil)
        #expect(window.take(11, "/a", nowMillis: 10_000) == nil)
        #expect(window.take(1, "/a", nowMillis: 10_000) == 10)
    }
}
