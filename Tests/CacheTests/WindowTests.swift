import Cache
import Testing

/// That the window is found soon, however few entries fit.
@Suite struct WindowTests {
    private static let weight = 40 << 10
    /// So many fit into each of 64 shards.
    private static let entries = 64 * (3 << 20 / weight)

    @Test(arguments: [0, 50_000])
    func `heavy values have their window after a few capacities' worth of requests`(
        lightEntries: Int
    ) {
        let cache = SharedCache()
        let light = CountedCache(cache, weight: 4 << 10)
        _ = light.hitRatio((0..<lightEntries).map { -1 - $0 })
        let counted = CountedCache(cache, weight: Self.weight)
        let requests = Workloads.recent(
            15 * Self.entries, reach: 0.4 * Double(Self.entries), seed: 5)
        var perfect = PerfectLRU(entries: Self.entries)
        let (early, late) = (
            requests.prefix(12 * Self.entries), requests.dropFirst(12 * Self.entries)
        )
        _ = counted.hitRatio(Array(early))
        _ = perfect.hitRatio(Array(early))
        let (ratio, best) = (counted.hitRatio(Array(late)), perfect.hitRatio(Array(late)))
        let window = cache.statistics.shared.windowRatio
        print("cache: heavy after \(lightEntries): \(ratio) %, LRU \(best) %, window \(window)")
        #expect(ratio >= 0.7 * best)
        #expect(window > 0.05)
    }
}
