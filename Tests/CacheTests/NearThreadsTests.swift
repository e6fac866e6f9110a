import Testing
import Threads

@testable import Cache

/// Copies near the cores while several threads write: nobody is given what was written over.
@Suite struct NearThreadsTests {
    @Test(arguments: [31, 32] as [UInt64])
    func `a lookup after a write finds that write or a later one`(seed: UInt64) throws {
        let load = NearLoad()
        try load.onThreads { worker in
            var lots = Lots(seed: seed &* 100 &+ UInt64(worker))
            for _ in 0..<40_000 {
                let index = Int(lots.next() % 8)
                if lots.next() % 64 == 0 { load.write(index) } else { load.read(index) }
            }
        }
        #expect(load.failures.snapshot.isEmpty, "seed \(seed): \(load.failures.snapshot.prefix(5))")
        #expect(load.cache.near.counts.hits > 10_000, "seed \(seed)")
        #expect(load.cache.statistics.shared.hits == load.hits.snapshot, "seed \(seed)")
    }

    @Test(arguments: [33, 34] as [UInt64])
    func `a lookup after an invalidation finds nothing older`(seed: UInt64) throws {
        let load = NearLoad()
        try load.onThreads { worker in
            var lots = Lots(seed: seed &* 100 &+ UInt64(worker))
            for _ in 0..<40_000 {
                let index = Int(lots.next() % 8)
                if lots.next() % 4_096 == 0 {
                    load.invalidate(index)
                    load.read(index)
                    load.write(index)
                } else {
                    load.read(index)
                }
            }
        }
        #expect(load.failures.snapshot.isEmpty, "seed \(seed): \(load.failures.snapshot.prefix(5))")
        #expect(load.cache.near.counts.hits > 10_000, "seed \(seed)")
        #expect(load.cache.statistics.shared.hits == load.hits.snapshot, "seed \(seed)")
    }
}

/// Eight keys in one shard that four threads read and write, each with the least version that may
/// still be found.
private final class NearLoad: Sendable {
    let cache: SharedCache
    let failures = Locked<[String]>([])
    let hits = Locked(0)
    private let space: CacheNamespace
    private let keys: [CacheKey]
    private let least: [Locked<UInt64>]

    init() {
        var configuration = CacheConfiguration()
        configuration.shards = 1
        cache = SharedCache(configuration)
        space = cache.namespace("default")
        keys = (0..<8).map { [space] in space.key("key-\($0)") }
        least = keys.map { _ in Locked(0) }
        for index in 0..<8 { write(index) }
    }

    func onThreads(_ body: @escaping @Sendable (Int) -> Void) throws {
        let threads = try (0..<4).map { worker in
            try NamedThread.start(name: "near-\(worker)") { body(worker) }
        }
        for thread in threads { thread.join() }
    }

    func write(_ index: Int) {
        let write = CacheWrite(CachedPayload(bytes: [UInt8(index)]), ttlNanos: 1 << 40)
        guard
            case .stored(_, let version) = cache.set(keys[index], write, in: space, now: 1)
        else { return fail("\(index): not stored") }
        least[index].withLock { $0 = max($0, version) }
    }

    /// Nothing of the versions that were known before may be found after.
    func invalidate(_ index: Int) {
        let before = least[index].snapshot
        _ = cache.invalidate(.key(keys[index].text), in: space, now: 1)
        least[index].withLock { $0 = max($0, before + 1) }
    }

    func read(_ index: Int) {
        let before = least[index].snapshot
        guard let item = cache.item(keys[index], now: 1) else { return }
        hits.withLock { $0 += 1 }
        if item.version < before { fail("\(index): \(item.version) < \(before)") }
        if item.payload?.bytes != [UInt8(index)] { fail("\(index): another key's value") }
    }

    private func fail(_ what: String) { failures.withLock { $0.append(what) } }
}
