/// Somebody who waits for a fill of somebody else.
public final class CacheWaiter: Sendable {
    let terms: FillTerms
    let reader: CacheReader?
    let deliver: @Sendable (CacheLookup) -> Void

    /// Waits under `terms`, should the lease come to it. `deliver` is called once, on any thread,
    /// under no lock.
    public init(
        _ terms: FillTerms, as reader: CacheReader? = nil,
        deliver: @escaping @Sendable (CacheLookup) -> Void
    ) {
        self.terms = terms
        self.reader = reader
        self.deliver = deliver
    }
}

/// A word to somebody who waits, to be said when no lock is held.
struct WaiterNotice: Sendable {
    let waiter: CacheWaiter
    let lookup: CacheLookup

    func deliver() { waiter.deliver(lookup) }
}

/// The fill leases that are out in one shard, and who waits for them. A value; not safe to share.
struct FillTable {
    struct Fill {
        var token: UInt64
        var grantedAt: Int64
        var expiresAt: Int64
        var waiters: [CacheWaiter] = []
    }

    private var fills: [CacheKey: Fill] = [:]
    private let maxFills: Int
    private var purgeAt = 64

    init(maxFills: Int) { self.maxFills = maxFills }

    var count: Int { fills.count }

    /// The lease that is out for a key and holds.
    func open(_ key: CacheKey, now: Int64) -> Fill? {
        guard !fills.isEmpty, let fill = fills[key], fill.expiresAt > now else { return nil }
        return fill
    }

    /// Gives a lease, in place of one that ran out, whose waiters stay. `nil`: too many are out.
    mutating func grant(
        _ key: CacheKey, _ terms: FillTerms, token: UInt64, now: Int64
    ) -> FillLease? {
        if fills.count >= min(purgeAt, maxFills) { purge(now) }
        let waiters = fills[key]?.waiters
        if waiters == nil, fills.count >= maxFills { return nil }
        let end = now + terms.leaseNanos
        fills[key] = Fill(
            token: token, grantedAt: now, expiresAt: end, waiters: waiters ?? [])
        return FillLease(token: token, expiresAt: end)
    }

    /// Adds somebody who waits for the lease that is out.
    mutating func wait(_ key: CacheKey, _ waiter: CacheWaiter) {
        fills[key]?.waiters.append(waiter)
    }

    /// Removes somebody who waits; `false`: it was served already.
    mutating func leave(_ key: CacheKey, _ waiter: CacheWaiter) -> Bool {
        guard let index = fills[key]?.waiters.firstIndex(where: { $0 === waiter }) else {
            return false
        }
        fills[key]?.waiters.remove(at: index)
        return true
    }

    /// Ends the lease of a key, whoever has it; the waiters are the caller's to serve.
    mutating func end(_ key: CacheKey) -> [CacheWaiter] {
        if fills.isEmpty { return [] }
        return fills.removeValue(forKey: key)?.waiters ?? []
    }

    /// Takes the lease of a key away and gives a new one to the first who waits; without waiters the
    /// key is free.
    mutating func passOn(_ key: CacheKey, token: UInt64, now: Int64) -> WaiterNotice? {
        guard let first = fills[key]?.waiters.first else {
            fills[key] = nil
            return nil
        }
        fills[key]?.waiters.removeFirst()
        guard let lease = grant(key, first.terms, token: token, now: now) else { return nil }
        return WaiterNotice(waiter: first, lookup: .miss(lease))
    }

    /// The lease of a key, whether it still holds or not.
    func held(_ key: CacheKey) -> Fill? { fills[key] }

    /// Keys with a lease for which `matches` holds.
    func keys(where matches: (CacheKey) -> Bool) -> [CacheKey] { fills.keys.filter(matches) }

    /// Drops leases that ran out and for which nobody waits.
    private mutating func purge(_ now: Int64) {
        fills = fills.filter { $0.value.expiresAt > now || !$0.value.waiters.isEmpty }
        purgeAt = max(64, fills.count * 2)
    }
}
