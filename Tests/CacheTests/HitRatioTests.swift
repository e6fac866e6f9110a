import Cache
import Testing

/// How much of recorded and made-up traces the cache answers. One configuration for all.
@Suite struct HitRatioTests {
    @Test(
        .enabled(if: RecordedTrace.arePresent, "needs the recorded traces"),
        arguments: [
            (RecordedTrace.gli, 500, 33.5), (.gli, 1_000, 50), (.loop, 256, 21), (.loop, 512, 50),
            (.multi2, 500, 48), (.multi2, 1_000, 55.5), (.multi2, 2_000, 67.5),
        ])
    func `recorded traces are answered as often as their goals say`(
        _ trace: RecordedTrace, _ entries: Int, goal: Double
    ) async throws {
        let requests = try await trace.requests()
        try #require(requests.count > 6_000)
        let ratio = CountedCache(entries: entries).hitRatio(requests)
        print("cache: \(trace) at \(entries): \(ratio) %")
        #expect(ratio >= goal)
    }

    @Test(arguments: [500, 1_000, 2_000, 5_000])
    func `Zipf's law is answered within two points of perfect LFU`(entries: Int) {
        let requests = Workloads.zipf(300_000, keys: 100_000, seed: 42)
        let perfect = PerfectLFU(entries: entries).hitRatio(requests)
        let ratio = CountedCache(entries: entries).hitRatio(requests)
        print("cache: Zipf at \(entries): \(ratio) %, perfect LFU \(perfect) %")
        #expect(ratio >= perfect - 2)
    }

    @Test func `a window that grows serves what only recency tells`() {
        // LRU hits half of these; frequency, which sees each key twice, hardly any.
        let ratio = CountedCache(entries: 512).hitRatio(
            Workloads.twice(100_000, distance: 300, from: 0))
        print("cache: each key twice: \(ratio) %")
        #expect(ratio >= 42)
    }

    @Test func `the window follows when the load changes`() {
        var requests = Workloads.twice(100_000, distance: 300, from: 1_000_000)
        requests += Workloads.loop(100_000, keys: 1_011)
        requests += Workloads.twice(100_000, distance: 300, from: 2_000_000)
        let ratio = CountedCache(entries: 512).hitRatio(requests)
        print("cache: twice, loop, twice: \(ratio) %")
        // Half of each part could be hit; LRU hits none of the middle one.
        #expect(ratio >= 44)
    }

    @Test func `a scan does not flush what is read often`() {
        let wanted = Array(0..<400)
        let counted = CountedCache(entries: 500)
        for _ in 0..<20 { _ = counted.hitRatio(wanted) }
        _ = counted.hitRatio(Array(10_000..<30_000))
        #expect(counted.hitRatio(wanted) >= 95)
    }
}
