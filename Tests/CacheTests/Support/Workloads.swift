import Cache

@testable import struct Cache.Lots

/// Requests made up from a seed.
enum Workloads {
    /// Zipf's law with exponent 1 over `keys` keys.
    static func zipf(_ count: Int, keys: Int, seed: UInt64) -> [Int] {
        var lots = Lots(seed: seed)
        var sums: [Double] = []
        var sum = 0.0
        for rank in 1...keys {
            sum += 1 / Double(rank)
            sums.append(sum)
        }
        return (0..<count).map { _ in
            let aim = lots.uniform() * sum
            var (low, high) = (0, keys - 1)
            while low < high {
                let middle = (low + high) / 2
                if sums[middle] < aim { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    /// Keys that are new, and asked for once more after `distance` others: recency is all.
    static func twice(_ count: Int, distance: Int, from first: Int) -> [Int] {
        (0..<count).map { index in
            let round = index / 2
            return index % 2 == 0 ? first + round : first + max(round - distance / 2, 0)
        }
    }

    /// Each second key is new; a request is for one that was new exponentially long ago, `reach` keys in
    /// the mean.
    static func recent(_ count: Int, reach: Double, seed: UInt64) -> [Int] {
        var lots = Lots(seed: seed)
        return (0..<count).map { max($0 / 2 - Int(lots.exponential() * reach), 0) }
    }

    /// The same keys, one after the other, again and again.
    static func loop(_ count: Int, keys: Int) -> [Int] { (0..<count).map { $0 % keys } }
}

/// A cache whose entries all weigh the same.
struct CountedCache {
    let cache: SharedCache
    let namespace: CacheNamespace
    private let weight: Int

    /// One of `entries` entries, in one shard.
    init(entries: Int) {
        var configuration = CacheConfiguration()
        configuration.sharedCapacity = entries
        configuration.agentCapacity = 1
        configuration.shards = 1
        self.init(SharedCache(configuration), weight: 1)
    }

    init(_ cache: SharedCache, weight: Int) {
        self.cache = cache
        self.weight = weight
        namespace = cache.namespace("default")
    }

    /// Percent of the requests that hit; what misses is set at once.
    func hitRatio(_ requests: [Int]) -> Double {
        var write = CacheWrite(nil, ttlNanos: 1 << 60)
        write.weight = weight
        var hits = 0
        for request in requests {
            let key = namespace.key("\(request)")
            if cache.item(key, now: 0) != nil {
                hits += 1
            } else {
                _ = cache.set(key, write, in: namespace, now: 0)
            }
        }
        return 100 * Double(hits) / Double(requests.count)
    }
}
