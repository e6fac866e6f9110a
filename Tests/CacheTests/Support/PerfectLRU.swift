/// A cache that keeps the keys that were asked for last.
struct PerfectLRU {
    private let entries: Int
    private var lastUses: [Int: Int] = [:]
    private var uses: [Int] = []
    private var oldest = 0

    init(entries: Int) { self.entries = entries }

    /// Percent of the requests that hit.
    mutating func hitRatio(_ requests: [Int]) -> Double {
        var hits = 0
        for request in requests where isHit(request) { hits += 1 }
        return 100 * Double(hits) / Double(requests.count)
    }

    private mutating func isHit(_ key: Int) -> Bool {
        let isHit = lastUses.updateValue(uses.count, forKey: key) != nil
        uses.append(key)
        while lastUses.count > entries {
            if lastUses[uses[oldest]] == oldest { lastUses[uses[oldest]] = nil }
            oldest += 1
        }
        return isHit
    }
}
