import Threads

/// The cache of all agents: an agent's own tier and the shared one, bounded by weight, for any
/// thread.
///
/// Keys are spread over shards with a lock each; what concerns one key is one shard's, so a write or
/// an invalidation reaches every tier at once. Times come in as `now`, monotonic nanoseconds, which
/// must not go back by more than the callers' clocks differ. Nothing is called back under a lock.
public final class SharedCache: Sendable {
    private let shards: LockStripes<CacheShard>
    let near: NearTier
    /// That of callers who name none. It is never forgotten, so that it is found without a lock.
    private let defaultNamespace: CacheNamespace
    private let namespaces: Locked<NamespaceTable>
    private let agentWindow = Locked(WindowChooser())
    private let sharedWindow = Locked(WindowChooser())
    private let shardShift: UInt64
    /// How many distinct agents must read a key to move it to the shared tier.
    public let promotionReaders: Int

    /// An empty cache.
    public init(_ configuration: CacheConfiguration = CacheConfiguration()) {
        let count = configuration.shardCount
        near = NearTier(configuration)
        shards = LockStripes(count: count) { [stamps = near.stamps] number in
            CacheShard(configuration, number: number, stamps: stamps)
        }
        shardShift = UInt64(64 - count.trailingZeroBitCount)
        defaultNamespace = CacheNamespace(name: "default", number: 0, epoch: configuration.epoch)
        namespaces = Locked(
            NamespaceTable(
                epoch: configuration.epoch, maxNamespaces: configuration.maxNamespaces - 1))
        promotionReaders = min(
            max(configuration.promotionReaders, 2), ReaderSketch.maxReaders)
    }

    /// The namespace of this name, made when it is new.
    public func namespace(_ name: String) -> CacheNamespace {
        if name == defaultNamespace.name { return defaultNamespace }
        return namespaces.withLock { $0.find(name) }
    }

    /// Begins to wake a watcher of what is set and invalidated in the namespace of this name, which is
    /// kept until the last of its watchers leaves.
    public func watch(_ name: String, by watcher: InvalidationWatcher) -> CacheWatchOutcome {
        if name != defaultNamespace.name {
            return namespaces.withLock { $0.watch(name, by: watcher) }
        }
        return defaultNamespace.log.add(watcher)
            ? .watches(defaultNamespace) : .tooManyWatchers(defaultNamespace.log.watcherCount)
    }

    /// Wakes a watcher no longer.
    public func unwatch(
        _ namespace: CacheNamespace, by watcher: InvalidationWatcher, now: Int64
    ) {
        if namespace === defaultNamespace {
            _ = namespace.log.remove(watcher, now: now)
        } else {
            namespaces.withLock { $0.unwatch(namespace, by: watcher, now: now) }
        }
    }

    @inline(__always)
    private func withShard<Result>(
        of key: CacheKey, _ body: (inout sending CacheShard) -> sending Result
    ) -> sending Result {
        // A shift by all 64 bits gives 0, the only shard.
        shards.withLock(at: Int(truncatingIfNeeded: key.hash >> shardShift), body)
    }

    // MARK: Looking up

    /// The value of a key in the shared tier, fresh or stale: the short way for who needs no lease.
    /// `nil`: there is no such entry. Its `payload` is `nil` when it is known that there is no value.
    ///
    /// What is asked for often while nearly all lookups hit comes from a copy near the core
    /// (``NearCopies``), so that threads on several cores do not wait for each other.
    public func item(_ key: CacheKey, now: Int64) -> CacheItem? {
        let stamp = near.stamps.stamp(of: key.hash)
        switch near.find(key, stamp: stamp, now: now) {
        case .copy(let item): return item
        case .far: return farItem(key, now: now)
        case .farForAll: return farItem(key, forAll: true, now: now)
        case .farToKeep:
            let item = farItem(key, now: now)
            if let item { near.keep(item, stamp: stamp) }
            return item
        }
    }

    /// The value of a key in the shared tier, by its shard.
    private func farItem(_ key: CacheKey, forAll: Bool = false, now: Int64) -> CacheItem? {
        withShard(of: key) { shard in
            guard let item = shard.sharedItem(key, forAll: forAll, now: now) else {
                let found = shard.lookup(key, nil, nil, now: now)
                // Who hits nothing at all needs another window most.
                if shard.hasReport { report(&shard) }
                guard case .hit(let hit) = found else { return nil }
                return hit.item
            }
            if shard.hasReport { report(&shard) }
            return item
        }
    }

    /// Looks a key up.
    ///
    /// - Parameters:
    ///   - reader: the agent that reads; `nil`: the shared tier only, and the read is not counted.
    ///   - terms: asks for a lease when the key must be filled.
    public func get(
        _ key: CacheKey, as reader: CacheReader? = nil, fill terms: FillTerms? = nil, now: Int64
    ) -> CacheLookup {
        if reader == nil, terms == nil {
            // Without a lease to give it is `item`.
            guard let item = item(key, now: now) else { return .miss(nil) }
            return .hit(CacheHit(item: item, tier: .shared, isStale: item.staleAt <= now))
        }
        return withShard(of: key) { shard in
            defer { if shard.hasReport { report(&shard) } }
            return shard.lookup(key, reader, terms, now: now)
        }
    }

    /// Looks a key up, and waits when somebody else is to fill it.
    ///
    /// - Returns: what was found; `nil`: the waiter waits, and is told once, unless it leaves.
    ///   Whoever waits calls `nudge` when the lease ends, and so does who is told a lease after a wait,
    ///   for those that still wait, when that one ends.
    public func get(_ key: CacheKey, waiting waiter: CacheWaiter, now: Int64) -> CacheLookup? {
        withShard(of: key) { $0.wait(key, waiter, now: now) }
    }

    /// Waits no longer. `false`: the waiter was told already, or is being told.
    @discardableResult
    public func leave(_ key: CacheKey, _ waiter: CacheWaiter) -> Bool {
        withShard(of: key) { $0.fills.leave(key, waiter) }
    }

    /// Waits no longer for a value, and gives what there is instead: who is to fill the key, or the lease
    /// when that has run out. Counts as no lookup: the wait began with one. `nil`: the waiter was told
    /// already, or is being told.
    public func stopWaiting(
        _ key: CacheKey, _ waiter: CacheWaiter, now: Int64
    ) -> CacheLookup? {
        withShard(of: key) { $0.stopWaiting(key, waiter, now: now) }
    }

    /// When the lease of a key has run out, gives it to the first who waits.
    ///
    /// - Returns: when the lease that is out now ends; `nil`: there is none.
    @discardableResult
    public func nudge(_ key: CacheKey, now: Int64) -> Int64? {
        let (notice, end) = withShard(of: key) { shard in
            (shard.nudge(key, now: now), shard.fills.held(key)?.expiresAt)
        }
        notice?.deliver()
        return end
    }

    // MARK: Writing

    /// Sets a value in the place of what was there in any tier.
    public func set(
        _ key: CacheKey, _ write: CacheWrite, by reader: CacheReader? = nil,
        in namespace: CacheNamespace, now: Int64
    ) -> CacheSetOutcome {
        let (outcome, notices) = withShard(of: key) {
            $0.set(key, write, by: reader, now: now)
        }
        if outcome != .leaseLost { namespace.log.append(.key(key.text), isWrite: true, now: now) }
        for notice in notices { notice.deliver() }
        return outcome
    }

    /// Gives a lease back without a value. `false`: it was lost.
    public func abandon(_ key: CacheKey, lease token: UInt64, now: Int64) -> Bool {
        let (isReleased, notice) = withShard(of: key) { shard -> (Bool, WaiterNotice?) in
            guard shard.fills.open(key, now: now)?.token == token else { return (false, nil) }
            return (true, shard.passOn(key, now: now))
        }
        notice?.deliver()
        return isReleased
    }

    /// Drops what matches, in every tier, and voids the leases that are out for it.
    ///
    /// What is set meanwhile may stay: it is newer. A prefix and the whole namespace are looked for
    /// among all entries, shard by shard.
    ///
    /// - Returns: how many entries were dropped, and the invalidation's sequence.
    public func invalidate(
        _ target: CacheTarget, in namespace: CacheNamespace, now: Int64
    ) -> (dropped: Int, sequence: UInt64) {
        var dropped = 0
        var notices: [WaiterNotice] = []
        if case .key(let text) = target {
            let key = namespace.key(text)
            let result = withShard(of: key) { $0.invalidate(key, now: now) }
            dropped = result.dropped
            notices = result.notice.map { [$0] } ?? []
        } else {
            for index in 0..<shards.count {
                let result = shards.withLock(at: index) {
                    $0.invalidate(target, in: namespace.number, now: now)
                }
                dropped += result.dropped
                notices += result.notices
            }
        }
        let sequence = namespace.log.append(target, isWrite: false, now: now)
        for notice in notices { notice.deliver() }
        return (dropped, sequence)
    }

    // MARK: Counting

    /// What it holds and has done, of all namespaces.
    public var statistics: CacheStatistics {
        var result = CacheStatistics()
        for index in 0..<shards.count {
            result.add(shards.withLock(at: index) { $0.statistics })
        }
        result.shared.add(near.counts)
        return result
    }

    /// Streams that watch invalidations.
    public var watcherCount: Int {
        defaultNamespace.log.watcherCount + namespaces.withLock { $0.watcherCount }
    }

    /// What the ghosts of a shard did counts for all shards.
    private func report(_ shard: inout CacheShard) {
        let count = shards.count
        if shard.agent.hasReport {
            agentWindow.withLock { shard.agent.report(to: &$0, shards: count) }
        }
        if shard.shared.hasReport {
            sharedWindow.withLock { shard.shared.report(to: &$0, shards: count) }
        }
    }
}
