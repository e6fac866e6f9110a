import Cache
import Threads

/// A cache with a clock of its own, short to write with.
final class CacheUnderTest {
    let cache: SharedCache
    let space: CacheNamespace
    /// Monotonic milliseconds.
    var now: Int64 = 1_000

    init(_ change: (inout CacheConfiguration) -> Void = { _ in }) {
        var configuration = CacheConfiguration()
        configuration.sharedCapacity = 1 << 20
        configuration.agentCapacity = 1 << 20
        configuration.shards = 4
        change(&configuration)
        cache = SharedCache(configuration)
        space = cache.namespace("default")
    }

    var nanos: Int64 { now * 1_000_000 }

    func get(_ key: String, as agent: String? = nil, lease millis: Int64? = nil) -> CacheLookup {
        cache.get(
            space.key(key), as: agent.map { CacheReader($0) },
            fill: millis.map { FillTerms(leaseNanos: $0 * 1_000_000) }, now: nanos)
    }

    @discardableResult
    func set(
        _ key: String, _ text: String?, by agent: String? = nil, ttl millis: Int64 = 60_000,
        _ change: (inout CacheWrite) -> Void = { _ in }
    ) -> CacheSetOutcome {
        var write = CacheWrite(
            text.map { CachedPayload(bytes: Array($0.utf8)) }, ttlNanos: millis * 1_000_000)
        change(&write)
        return cache.set(
            space.key(key), write, by: agent.map { CacheReader($0) }, in: space, now: nanos)
    }

    /// Waits for a fill; what comes is noted.
    func wait(_ key: String, as agent: String? = nil, lease millis: Int64 = 1_000) -> Waiting {
        let waiting = Waiting()
        let waiter = CacheWaiter(
            FillTerms(leaseNanos: millis * 1_000_000), as: agent.map { CacheReader($0) }
        ) { [told = waiting.told] lookup in told.withLock { $0.append(lookup) } }
        waiting.waiter = waiter
        if let found = cache.get(space.key(key), waiting: waiter, now: nanos) {
            waiting.told.withLock { $0.append(found) }
        }
        return waiting
    }

    func watch(by watcher: InvalidationWatcher) {
        _ = cache.watch(space.name, by: watcher)
    }

    func invalidate(_ target: CacheTarget) -> Int {
        cache.invalidate(target, in: space, now: nanos).dropped
    }

    final class Waiting {
        let told = Locked<[CacheLookup]>([])
        var waiter: CacheWaiter?
        var last: CacheLookup? { told.snapshot.last }
    }
}

extension CacheWatchOutcome {
    /// The namespace that is watched; `nil`: none.
    var namespace: CacheNamespace? {
        guard case .watches(let namespace) = self else { return nil }
        return namespace
    }
}

extension CacheLookup {
    /// The value that was found, as text; `nil`: there was none, or it is known that there is none.
    var text: String? {
        guard case .hit(let hit) = self, let payload = hit.item.payload else { return nil }
        return String(decoding: payload.bytes, as: UTF8.self)
    }

    var tier: CacheTier? { hit?.tier }

    var hit: CacheHit? {
        guard case .hit(let hit) = self else { return nil }
        return hit
    }

    var lease: FillLease? {
        switch self {
        case .hit(let hit): hit.lease
        case .miss(let lease): lease
        case .filling: nil
        }
    }

    var isMiss: Bool {
        guard case .miss = self else { return false }
        return true
    }

    var isFilling: Bool {
        guard case .filling = self else { return false }
        return true
    }
}
