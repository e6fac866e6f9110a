import Cache
import Messages

extension Messages.CacheLookup {
    /// What a lookup found, with times as of `now`.
    init(_ lookup: Cache.CacheLookup, now: Int64) {
        self.init()
        switch lookup {
        case .hit(let hit): take(hit, now)
        case .miss(let lease):
            result = .miss
            self.lease = lease.map { Messages.FillLease($0, now: now) }
        case .filling(let until):
            result = .filling
            retryAfterMillis = millis(until - now)
        }
    }

    private mutating func take(_ hit: CacheHit, _ now: Int64) {
        let item = hit.item
        tier = Messages.CacheTier(hit.tier)
        promoted = hit.isPromoted
        version = item.version
        freshForMillis = millis(item.staleAt - now)
        expiresInMillis = millis(item.expiresAt - now)
        lease = hit.lease.map { Messages.FillLease($0, now: now) }
        guard let payload = item.payload else {
            result = .negative
            return
        }
        result = hit.isStale ? .stale : .hit
        value = Payload(data: payload.bytes, contentType: payload.contentType)
    }
}

extension Messages.FillLease {
    init(_ lease: Cache.FillLease, now: Int64) {
        self.init(
            token: lease.token, expiresInMillis: millis(lease.expiresAt - now),
            early: lease.isEarly)
    }
}

extension Messages.CacheTier {
    init(_ tier: Cache.CacheTier) {
        switch tier {
        case .agent: self = .agent
        case .shared: self = .shared
        }
    }
}

extension SetResult {
    init(_ outcome: CacheSetOutcome) {
        self.init()
        switch outcome {
        case .stored(let tier, let version):
            self.outcome = .stored
            self.tier = Messages.CacheTier(tier)
            self.version = version
        case .notAdmitted(let version):
            self.outcome = .notAdmitted
            self.version = version
        case .leaseLost: self.outcome = .leaseLost
        }
    }
}

extension CachePosition {
    /// Where a namespace's invalidations are now.
    init(_ log: InvalidationLog) { self.init(epoch: log.epoch, sequence: log.sequence) }
}

extension CacheServiceGetStatsResponse {
    init(_ statistics: CacheStatistics) {
        self.init()
        agent = CacheTierStats(statistics.agent)
        shared = CacheTierStats(statistics.shared)
        fills = CacheFillStats(
            granted: Int64(statistics.fillsGranted), early: Int64(statistics.fillsEarly),
            waits: Int64(statistics.fillWaits), shared: Int64(statistics.fillsShared),
            abandoned: Int64(statistics.fillsAbandoned), lost: Int64(statistics.fillsLost),
            open: Int64(statistics.fillsOpen))
        misses = Int64(statistics.misses)
        promotions = Int64(statistics.promotions)
        invalidatedEntries = Int64(statistics.invalidated)
    }
}

extension CacheTierStats {
    fileprivate init(_ tier: CacheTierStatistics) {
        self.init(
            entries: Int64(tier.entries), weightBytes: Int64(tier.weight),
            capacityBytes: Int64(tier.capacity), hits: Int64(tier.hits + tier.staleHits),
            staleHits: Int64(tier.staleHits), negativeHits: Int64(tier.negativeHits),
            sets: Int64(tier.sets), evictions: Int64(tier.evictions),
            rejections: Int64(tier.rejections), expirations: Int64(tier.expirations),
            windowRatio: tier.windowRatio)
    }
}

/// Whole milliseconds, rounded up, so that a caller who waits that long finds it done; not below 0.
private func millis(_ nanos: Int64) -> Int64 {
    nanos <= 0 ? 0 : (nanos - 1) / 1_000_000 + 1
}
