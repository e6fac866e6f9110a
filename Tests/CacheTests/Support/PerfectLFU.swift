/// A cache that counts every request for ever and keeps the keys that were counted most.
struct PerfectLFU {
    private let entries: Int
    private var counts: [Int: Int] = [:]
    /// Cached keys by their counts.
    private var cached: [Int: Set<Int>] = [:]
    private var size = 0
    private var least = 1

    init(entries: Int) { self.entries = entries }

    /// Percent of the requests that hit.
    func hitRatio(_ requests: [Int]) -> Double {
        var cache = self
        let hits = requests.count { cache.request($0) }
        return 100 * Double(hits) / Double(requests.count)
    }

    private mutating func request(_ key: Int) -> Bool {
        let count = counts[key, default: 0]
        counts[key] = count + 1
        let isHit = remove(key, count)
        if isHit || size < entries {
            insert(key, count + 1)
        } else if count + 1 > least, let victim = cached[least]?.first {
            _ = remove(victim, least)
            insert(key, count + 1)
        }
        return isHit
    }

    private mutating func insert(_ key: Int, _ count: Int) {
        cached[count, default: []].insert(key)
        size += 1
        if size == 1 || count < least { least = count }
        while cached[least]?.isEmpty ?? true { least += 1 }
    }

    private mutating func remove(_ key: Int, _ count: Int) -> Bool {
        guard cached[count]?.remove(key) != nil else { return false }
        size -= 1
        return true
    }
}
