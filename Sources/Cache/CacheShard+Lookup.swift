/// Looking up, promotion, and who is to fill.
extension CacheShard {
    /// The value of a key in the shared tier, counted as a hit; `nil`: see `lookup`.
    ///
    /// - Parameter forAll: it is one of ``NearCopies/hitsPerTouch`` hits, and is put in order for all.
    @inline(__always)
    mutating func sharedItem(_ key: CacheKey, forAll: Bool, now: Int64) -> CacheItem? {
        guard let place = first(key), place.tier == .shared,
            let item = shared.entries[place.slot].item, item.expiresAt > now
        else { return nil }
        if forAll {
            shared.touch(place.slot, key.hash, forAll: NearCopies.hitsPerTouch)
        } else {
            shared.touch(place.slot, key.hash)
        }
        count(item, .shared, item.staleAt <= now)
        return item
    }

    /// Looks a key up for a reader: in its own tier, then in the shared one.
    mutating func lookup(
        _ key: CacheKey, _ reader: CacheReader?, _ terms: FillTerms?, now: Int64
    ) -> CacheLookup {
        if let reader { return lookup(key, by: reader, terms, now: now) }
        guard let place = first(key), place.tier == .shared, let item = shared[place.slot] else {
            shared.miss(key.hash)
            return miss(key, terms, now: now)
        }
        guard item.expiresAt > now else {
            expire(place)
            shared.miss(key.hash)
            return miss(key, terms, now: now)
        }
        shared.touch(place.slot, key.hash)
        return hit(item, .shared, terms, now: now)
    }

    private mutating func lookup(
        _ key: CacheKey, by reader: CacheReader, _ terms: FillTerms?, now: Int64
    ) -> CacheLookup {
        var own: EntryPlace?
        var newest: CacheItem?
        for place in places(key) {
            guard let item = item(place) else { continue }
            guard item.expiresAt > now else {
                expire(place)
                continue
            }
            if place.tier == .shared {
                shared.touch(place.slot, key.hash)
                return hit(item, .shared, terms, now: now)
            }
            if item.owner == reader { own = place }
            if item.version > newest?.version ?? 0 { newest = item }
        }
        let known = readers.note(key.hash, by: reader, now: now)
        if known >= rules.promotionReaders, let newest {
            return promote(newest, terms, now: now)
        }
        guard let own, let item = item(own) else {
            agent.miss(key.hash(of: reader))
            shared.miss(key.hash)
            return miss(key, terms, now: now)
        }
        agent.touch(own.slot, key.hash(of: reader))
        return hit(item, .agent, terms, now: now)
    }

    /// Moves a key to the shared tier, with the time it has left. While that has no room for it, its
    /// agents keep it, and each read tries again.
    private mutating func promote(
        _ item: CacheItem, _ terms: FillTerms?, now: Int64
    ) -> CacheLookup {
        let old = places(item.key)
        let moved = item.owned(by: nil)
        shared.miss(item.key.hash)
        guard moved.weight <= shared.queues.capacity, insert(moved) else {
            for place in old where self.item(place) === item {
                agent.touch(place.slot, item.identity)
            }
            return hit(item, .agent, terms, now: now)
        }
        for place in old { remove(place) }
        counts.promotions += 1
        guard case .hit(var hit) = hit(moved, .shared, terms, now: now) else { return .miss(nil) }
        hit.isPromoted = true
        return .hit(hit)
    }

    // MARK: Answers

    private mutating func hit(
        _ item: CacheItem, _ tier: CacheTier, _ terms: FillTerms?, now: Int64
    ) -> CacheLookup {
        let isStale = item.staleAt <= now
        count(item, tier, isStale)
        var hit = CacheHit(item: item, tier: tier, isStale: isStale)
        if let terms { hit.lease = refreshLease(item, isStale, terms, now: now) }
        return .hit(hit)
    }

    @inline(__always)
    private mutating func count(_ item: CacheItem, _ tier: CacheTier, _ isStale: Bool) {
        if tier == .agent {
            agent.counts.count(isStale: isStale, isNegative: item.isNegative)
        } else {
            shared.counts.count(isStale: isStale, isNegative: item.isNegative)
        }
    }

    /// A lease for who reads what is stale, and now and then for who reads what soon will be: the
    /// sooner, and the longer a fill takes, the likelier (XFetch: Vattani, Chierichetti, Lowenstein).
    private mutating func refreshLease(
        _ item: CacheItem, _ isStale: Bool, _ terms: FillTerms, now: Int64
    ) -> FillLease? {
        if !isStale {
            if item.fillNanos == 0 || rules.earlyRefresh <= 0 { return nil }
            let ahead = Double(item.fillNanos) * rules.earlyRefresh * lots.exponential()
            if Double(item.staleAt - now) > ahead { return nil }
        }
        if fills.open(item.key, now: now) != nil { return nil }
        guard var lease = grant(item.key, terms, now: now) else { return nil }
        lease.isEarly = !isStale
        if !isStale { counts.fillsEarly += 1 }
        return lease
    }

    private mutating func miss(_ key: CacheKey, _ terms: FillTerms?, now: Int64) -> CacheLookup {
        counts.misses += 1
        guard let terms else { return .miss(nil) }
        if let fill = fills.open(key, now: now) { return .filling(until: fill.expiresAt) }
        return .miss(grant(key, terms, now: now))
    }

    private mutating func grant(
        _ key: CacheKey, _ terms: FillTerms, now: Int64
    ) -> FillLease? {
        guard let lease = fills.grant(key, terms, token: nextVersion(), now: now) else {
            return nil
        }
        counts.fillsGranted += 1
        return lease
    }

    mutating func expire(_ place: EntryPlace) {
        remove(place)
        if place.tier == .agent {
            agent.counts.expirations += 1
        } else {
            shared.counts.expirations += 1
        }
    }

    // MARK: Waiting

    /// Looks again, and waits when somebody else is to fill the key; `nil`: it waits.
    mutating func wait(_ key: CacheKey, _ waiter: CacheWaiter, now: Int64) -> CacheLookup? {
        let found = lookup(key, waiter.reader, waiter.terms, now: now)
        guard case .filling = found else { return found }
        fills.wait(key, waiter)
        counts.fillWaits += 1
        return nil
    }

    /// Ends a wait without a value, which was counted as a miss when it began: with the lease when that
    /// has run out. `nil`: the waiter was told already, or is being told.
    mutating func stopWaiting(
        _ key: CacheKey, _ waiter: CacheWaiter, now: Int64
    ) -> CacheLookup? {
        guard fills.leave(key, waiter) else { return nil }
        if let fill = fills.open(key, now: now) { return .filling(until: fill.expiresAt) }
        return .miss(grant(key, waiter.terms, now: now))
    }

    /// Passes the lease of a key on when it has run out.
    mutating func nudge(_ key: CacheKey, now: Int64) -> WaiterNotice? {
        guard let fill = fills.held(key), fill.expiresAt <= now else { return nil }
        return passOn(key, now: now)
    }

    /// Takes the lease of a key from whoever has it and gives it to the first who waits.
    mutating func passOn(_ key: CacheKey, now: Int64) -> WaiterNotice? {
        guard fills.held(key) != nil else { return nil }
        counts.fillsAbandoned += 1
        guard let notice = fills.passOn(key, token: nextVersion(), now: now) else { return nil }
        counts.fillsGranted += 1
        return notice
    }
}
