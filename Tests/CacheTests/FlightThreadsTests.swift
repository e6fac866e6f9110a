import Testing
import Threads

@testable import Cache

/// Fills and followers on several threads at once.
@Suite struct FlightThreadsTests {
    @Test(arguments: [21, 22] as [UInt64])
    func `who waits is told once or can leave, and the log has no gap`(seed: UInt64) async {
        let cache = SharedCache()
        let space = cache.namespace("default")
        let keys = (0..<6).map { space.key("key-\($0)") }
        let waiting = Locked<[Waiting]>([])
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    var lots = Lots(seed: seed &* 100 &+ UInt64(worker))
                    let follower = Follower(space, of: cache)
                    for round in 0..<4_000 {
                        let key = keys[Int(lots.next() % 6)]
                        if let place = Self.fly(cache, space, key, &lots, now: Int64(round)) {
                            waiting.withLock { $0.append(place) }
                        }
                        if round % 16 == 0 { follower.read() }
                    }
                    follower.leave()
                }
            }
        }
        let places = waiting.snapshot
        #expect(places.count > 100, "seed \(seed)")
        for place in places {
            let left = cache.leave(place.key, place.waiter)
            #expect(place.told.snapshot == (left ? 0 : 1), "seed \(seed)")
        }
    }

    private struct Waiting {
        let key: CacheKey
        let waiter: CacheWaiter
        let told: Locked<Int>
    }

    /// Looks a key up, fills it when it is given the lease, waits when somebody else was.
    private static func fly(
        _ cache: SharedCache, _ space: CacheNamespace, _ key: CacheKey, _ lots: inout Lots,
        now: Int64
    ) -> Waiting? {
        let told = Locked(0)
        let waiter = CacheWaiter(FillTerms(leaseNanos: 200)) { _ in told.withLock { $0 += 1 } }
        guard let found = cache.get(key, waiting: waiter, now: now) else {
            return Waiting(key: key, waiter: waiter, told: told)
        }
        let choice = lots.next() % 10
        if let lease = found.lease, choice < 6 {
            var write = CacheWrite(CachedPayload(bytes: [1]), ttlNanos: 40)
            write.lease = lease.token
            _ = cache.set(key, write, in: space, now: now)
        } else if let lease = found.lease, choice < 8 {
            _ = cache.abandon(key, lease: lease.token, now: now)
        } else if choice == 8 {
            _ = cache.invalidate(.prefix("key-"), in: space, now: now)
        }
        cache.nudge(key, now: now)
        return nil
    }

    /// Reads the log and holds that each sequence follows the one before.
    private final class Follower {
        private let cache: SharedCache
        private let space: CacheNamespace
        private let watcher: InvalidationWatcher
        private let wakes = Locked(0)
        private var position: UInt64

        private var log: InvalidationLog { space.log }

        init(_ space: CacheNamespace, of cache: SharedCache) {
            self.cache = cache
            self.space = space
            watcher = InvalidationWatcher { [wakes] in wakes.withLock { $0 += 1 } }
            _ = cache.watch(space.name, by: watcher)
            position = space.log.sequence
        }

        func read() {
            while let page = log.read(after: position, limit: 100, for: watcher), !page.isEmpty {
                #expect(page.map(\.sequence) == Array(position + 1...position + UInt64(page.count)))
                position += UInt64(page.count)
            }
            if log.read(after: position, limit: 1, for: watcher) == nil { position = log.sequence }
        }

        func leave() { cache.unwatch(space, by: watcher, now: 0) }
    }
}
