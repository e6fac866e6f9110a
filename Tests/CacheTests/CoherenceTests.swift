import Testing
import Threads

@testable import Cache

/// Whatever happens in whatever order: nobody is given a value that was written over or
/// invalidated.
@Suite struct CoherenceTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `random calls never bring an old value`(seed: UInt64) {
        var lots = Lots(seed: seed)
        let test = CacheUnderTest {
            // Little room, so that much is evicted.
            $0.sharedCapacity = 5_000
            $0.agentCapacity = 2_500
            $0.shards = 2
            $0.seed = seed
        }
        // The truth that the cache shows a part of; fills read it, writes change it.
        var truth: [String: Int] = [:]
        var leases: [(key: String, agent: String?, token: UInt64, value: Int)] = []
        var hits = 0
        for round in 0..<10_000 {
            let key = "k\(min(lots.next() % 60, lots.next() % 60))"
            let agent = [nil, "a", "b", "c", "d"][Int(lots.next() % 5)]
            switch lots.next() % 20 {
            case 0..<12:
                let lookup = test.get(key, as: agent, lease: lots.next() % 2 == 0 ? 500 : nil)
                if let text = lookup.text {
                    hits += 1
                    #expect(text == "\(truth[key] ?? 0)", "seed \(seed) round \(round) \(key)")
                }
                if let lease = lookup.lease {
                    leases.append((key, agent, lease.token, truth[key] ?? 0))
                }
            case 12..<16:
                guard let index = leases.indices.randomElement(using: &lots) else { continue }
                let fill = leases.remove(at: index)
                test.set(fill.key, "\(fill.value)", by: fill.agent, ttl: 3_000) {
                    $0.lease = fill.token
                    $0.tags = ["t\(fill.key.last!)"]
                    $0.softNanos = 2_000_000_000
                }
            case 16:
                truth[key] = round
                test.set(key, "\(round)", by: agent, ttl: 3_000) { $0.tags = ["t\(key.last!)"] }
            case 17:
                truth[key] = round
                _ = test.invalidate(.key(key))
            case 18 where lots.next() % 10 == 0:
                for (name, _) in truth where name.hasSuffix("3") { truth[name] = round }
                for index in 0..<60 where "\(index)".hasSuffix("3") { truth["k\(index)"] = round }
                _ = test.invalidate(lots.next() % 2 == 0 ? .tag("t3") : .prefix("k"))
            default: test.now += Int64(lots.next() % 30)
            }
        }
        #expect(hits > 200, "seed \(seed)")
        let statistics = test.cache.statistics
        #expect(statistics.agent.evictions > 0 && statistics.shared.evictions > 0)
        #expect(statistics.promotions > 0 && statistics.fillsLost > 0)
        _ = test.invalidate(.everything)
        #expect(test.cache.statistics.agent.weight == 0)
        #expect(test.cache.statistics.shared.weight == 0)
    }

    @Test(arguments: [11, 12] as [UInt64])
    func `threads see each key's versions grow`(seed: UInt64) async {
        var configuration = CacheConfiguration()
        configuration.sharedCapacity = 200_000
        configuration.agentCapacity = 100_000
        configuration.shards = 4
        let cache = SharedCache(configuration)
        let space = cache.namespace("default")
        let keys = (0..<40).map { space.key("key-\($0)") }
        /// The version that a finished write gave each key.
        let written = keys.map { _ in Locked<UInt64>(0) }
        let failures = Locked<[String]>([])
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var lots = Lots(seed: seed &* 100 &+ UInt64(worker))
                    let reader = CacheReader("agent-\(worker)")
                    for round in 0..<10_000 {
                        let index = Int(lots.next() % 40)
                        let now = Int64(round)
                        switch lots.next() % 16 {
                        case 0:
                            let write = CacheWrite(
                                CachedPayload(bytes: [UInt8(worker)]), ttlNanos: 1 << 40)
                            let outcome = cache.set(
                                keys[index], write, by: lots.next() % 2 == 0 ? reader : nil,
                                in: space, now: now)
                            if case .stored(_, let version) = outcome {
                                written[index].withLock { $0 = max($0, version) }
                            }
                        case 1: _ = cache.invalidate(.key(keys[index].text), in: space, now: now)
                        case 2 where round % 64 == 0:
                            _ = cache.invalidate(.prefix("key-1"), in: space, now: now)
                        default:
                            let before = written[index].snapshot
                            let found = cache.get(keys[index], as: reader, now: now)
                            if let item = found.hit?.item, item.version < before {
                                failures.withLock {
                                    $0.append("\(keys[index].text): \(item.version) < \(before)")
                                }
                            }
                        }
                    }
                }
            }
        }
        #expect(failures.snapshot.isEmpty, "seed \(seed): \(failures.snapshot.prefix(5))")
        let statistics = cache.statistics
        #expect(statistics.agent.weight <= 100_000 && statistics.shared.weight <= 200_000)
    }
}
