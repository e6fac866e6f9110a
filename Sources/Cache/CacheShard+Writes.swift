/// Setting and invalidating.
extension CacheShard {
    /// Sets a value over what was there in any tier, and says who waited for it.
    mutating func set(
        _ key: CacheKey, _ write: CacheWrite, by reader: CacheReader?, now: Int64
    ) -> (outcome: CacheSetOutcome, notices: [WaiterNotice]) {
        var fillNanos: Int64 = 0
        if write.lease != 0 {
            guard let grantedAt = grantedAt(key, write, now: now) else {
                counts.fillsLost += 1
                return (.leaseLost, passOn(key, from: write.lease, now: now))
            }
            fillNanos = max(now - grantedAt, 1)
        }
        let waiters = fills.end(key)
        let tier = tier(for: key, write, reader, now: now)
        let new = item(
            key, write, owner: tier == .agent ? reader : nil, fillNanos: fillNanos, now: now)
        let (item, isKept) = keep(new, write, by: reader)
        sweep(now)
        let notices = waiters.map { waiter in
            WaiterNotice(waiter: waiter, lookup: .hit(CacheHit(item: item, tier: item.tier)))
        }
        counts.fillsShared += notices.count
        return (
            isKept
                ? .stored(item.tier, version: item.version) : .notAdmitted(version: item.version),
            notices
        )
    }

    /// A lease under which nothing may be set any more, for it ran out or a tag was invalidated, is
    /// lost for good: who waits does not wait for its end.
    private mutating func passOn(
        _ key: CacheKey, from token: UInt64, now: Int64
    ) -> [WaiterNotice] {
        guard fills.held(key)?.token == token else { return [] }
        return passOn(key, now: now).map { [$0] } ?? []
    }

    /// When the lease of this write was given; `nil`: it is lost.
    private mutating func grantedAt(_ key: CacheKey, _ write: CacheWrite, now: Int64) -> Int64? {
        guard let fill = fills.open(key, now: now), fill.token == write.lease,
            !tags.wasInvalidated(write.tags, in: key.space, since: fill.grantedAt)
        else { return nil }
        return fill.grantedAt
    }

    /// Where a value belongs: what many read is everybody's.
    private mutating func tier(
        for key: CacheKey, _ write: CacheWrite, _ reader: CacheReader?, now: Int64
    ) -> CacheTier {
        guard reader != nil else { return .shared }
        if let tier = write.tier { return tier }
        if first(key)?.tier == .shared { return .shared }
        return readers.count(key.hash, now: now) >= rules.promotionReaders ? .shared : .agent
    }

    private mutating func item(
        _ key: CacheKey, _ write: CacheWrite, owner: CacheReader?, fillNanos: Int64, now: Int64
    ) -> CacheItem {
        let kept = write.jitter > 0 ? 1 - min(write.jitter, 1) * lots.uniform() : 1
        let expiresAt = now + max(Int64(Double(write.ttlNanos) * kept), 1)
        let staleAt = write.softNanos.map { now + Int64(Double($0) * kept) } ?? expiresAt
        return CacheItem(
            key, owner: owner, payload: write.payload, staleAt: min(staleAt, expiresAt),
            expiresAt: expiresAt, version: nextVersion(), fillNanos: fillNanos, tags: write.tags,
            weight: write.weight)
    }

    /// Puts a value where it belongs. Unless the writer says where, the shared tier takes what is too
    /// heavy for an agent's, and the agent keeps what the shared one has no room for.
    private mutating func keep(
        _ new: CacheItem, _ write: CacheWrite, by reader: CacheReader?
    ) -> (item: CacheItem, isKept: Bool) {
        let isFill = write.lease != 0
        guard let reader, write.tier == nil else { return (new, put(new, isFill: isFill)) }
        let fitsAgent = new.weight <= agent.queues.capacity
        let item = new.tier == .agent && !fitsAgent ? new.owned(by: nil) : new
        if put(item, isFill: isFill) { return (item, true) }
        guard item.tier == .shared, fitsAgent else { return (item, false) }
        // One write is counted once, in the tier that has the last word on it.
        shared.counts.sets -= 1
        shared.counts.rejections -= 1
        let own = item.owned(by: reader)
        return (own, put(own, isFill: isFill))
    }

    /// A fill brings what others may have brought before, so their entries stay; a write changes the
    /// value for all.
    private mutating func put(_ item: CacheItem, isFill: Bool) -> Bool {
        let tier = item.tier
        var own: EntryPlace?
        for place in places(item.key) {
            let old = self.item(place)
            if old?.owner == item.owner {
                own = place
            } else if tier == .shared || place.tier == .shared || !isFill {
                remove(place)
            }
        }
        if tier == .agent { agent.counts.sets += 1 } else { shared.counts.sets += 1 }
        let capacity = tier == .agent ? agent.queues.capacity : shared.queues.capacity
        guard item.weight <= capacity else {
            if let own { remove(own) }
            reject(tier)
            return false
        }
        let isKept = own.map { replace($0, by: item) } ?? insert(item)
        if !isKept { reject(tier) }
        return isKept
    }

    private mutating func reject(_ tier: CacheTier) {
        if tier == .agent { agent.counts.rejections += 1 } else { shared.counts.rejections += 1 }
    }

    /// Removes a few whose time has ended, so that they do not lie about until there is no room.
    private mutating func sweep(_ now: Int64) {
        for slot in agent.swept(now: now) { expire(EntryPlace(.agent, slot)) }
        for slot in shared.swept(now: now) { expire(EntryPlace(.shared, slot)) }
    }

    // MARK: Invalidating

    /// Drops what matches and voids the leases that are out for it. Values that are under way for a
    /// voided lease will be dropped: they may be older than the invalidation.
    mutating func invalidate(
        _ target: CacheTarget, in space: UInt32, now: Int64
    ) -> (dropped: Int, notices: [WaiterNotice]) {
        let dropped = places(target, in: space)
        for place in dropped { remove(place) }
        counts.invalidated += dropped.count
        if case .tag(let text) = target {
            tags.noteInvalidation(of: CacheTag(space: space, text: text), now: now)
        }
        let keys = fills.keys { $0.space == space && target.covers($0.text) }
        return (dropped.count, keys.compactMap { passOn($0, now: now) })
    }

    /// Drops one key.
    mutating func invalidate(
        _ key: CacheKey, now: Int64
    ) -> (dropped: Int, notice: WaiterNotice?) {
        let dropped = places(key)
        for place in dropped { remove(place) }
        counts.invalidated += dropped.count
        return (dropped.count, passOn(key, now: now))
    }

    private mutating func places(_ target: CacheTarget, in space: UInt32) -> [EntryPlace] {
        if case .tag(let text) = target {
            return Array(tags.places(of: CacheTag(space: space, text: text)))
        }
        return [(CacheTier.agent, agent.entries), (.shared, shared.entries)].flatMap { tier, all in
            all.indices.compactMap { slot in
                guard let key = all[slot].item?.key, key.space == space,
                    target.covers(key.text)
                else { return nil }
                return EntryPlace(tier, slot)
            }
        }
    }
}

/// What an invalidation is about.
public enum CacheTarget: Sendable, Equatable {
    /// One key.
    case key(String)
    /// Every key that begins with this.
    case prefix(String)
    /// Every entry with this tag.
    case tag(String)
    /// The whole namespace.
    case everything

    /// Whether a key is meant by its name alone.
    func covers(_ key: String) -> Bool {
        switch self {
        case .key(let name): key.utf8.elementsEqual(name.utf8)
        case .prefix(let prefix): key.utf8.starts(with: prefix.utf8)
        case .tag: false
        case .everything: true
        }
    }
}
