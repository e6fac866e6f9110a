import JSON
import Messages

/// What the `cache` verbs print.
extension Invalidation {
    /// What it is about: `key k`, `prefix p`, `tag t` or `everything`.
    var targetText: String {
        switch target {
        case .key(let key): "key \(key)"
        case .prefix(let prefix): "prefix \(prefix)"
        case .tag(let tag): "tag \(tag)"
        case .everything, nil: "everything"
        }
    }
}

extension CacheServiceGetStatsResponse {
    /// The numbers as a table and two lines.
    var text: String {
        var table = TextTable(
            "TIER", "ENTRIES", "BYTES", "CAPACITY", "HITS", "STALE", "SETS", "EVICTED", "EXPIRED",
            "WINDOW")
        for (name, tier) in tiers {
            table.add(
                name, "\(tier.entries)", "\(tier.weightBytes)", "\(tier.capacityBytes)",
                "\(tier.hits)", "\(tier.staleHits)", "\(tier.sets)", "\(tier.evictions)",
                "\(tier.expirations)", "\((tier.windowRatio * 1_000).rounded() / 10) %")
        }
        let fills = fills ?? CacheFillStats()
        let lines = [
            "misses \(misses), promotions \(promotions) (at \(promotionReaders) readers), "
                + "invalidated \(invalidatedEntries), watchers \(watchers)",
            "fills: granted \(fills.granted), early \(fills.early), open \(fills.open), "
                + "waits \(fills.waits), shared \(fills.shared), abandoned \(fills.abandoned), "
                + "lost \(fills.lost)",
        ]
        return ([table.text] + lines).joined(separator: "\n")
    }

    fileprivate var tiers: [(String, CacheTierStats)] {
        [("agent", agent ?? CacheTierStats()), ("shared", shared ?? CacheTierStats())]
    }
}

extension JSONWriter {
    /// The members of a lookup, into an object that is open.
    mutating func members(of lookup: CacheLookup, key name: String) {
        member("key", name)
        member("result", lookup.result.word)
        member("tier", lookup.tier.word)
        if let value = lookup.value {
            key("value")
            payload(value)
        }
        member("fresh_for_millis", lookup.freshForMillis)
        member("expires_in_millis", lookup.expiresInMillis)
        member("version", lookup.version)
    }

    /// The members of the cache's numbers, into an object that is open.
    mutating func members(of stats: CacheServiceGetStatsResponse) {
        for (name, tier) in stats.tiers {
            key(name)
            cacheTier(tier)
        }
        member("misses", stats.misses)
        member("promotions", stats.promotions)
        member("invalidated_entries", stats.invalidatedEntries)
        member("watchers", stats.watchers)
        key("fills")
        cacheFills(stats.fills ?? CacheFillStats())
    }

    private mutating func cacheTier(_ tier: CacheTierStats) {
        beginObject()
        member("entries", tier.entries)
        member("weight_bytes", tier.weightBytes)
        member("capacity_bytes", tier.capacityBytes)
        member("hits", tier.hits)
        member("stale_hits", tier.staleHits)
        member("negative_hits", tier.negativeHits)
        member("sets", tier.sets)
        member("evictions", tier.evictions)
        member("rejections", tier.rejections)
        member("expirations", tier.expirations)
        key("window_ratio")
        double(tier.windowRatio)
        endObject()
    }

    private mutating func cacheFills(_ fills: CacheFillStats) {
        beginObject()
        member("granted", fills.granted)
        member("early", fills.early)
        member("waits", fills.waits)
        member("shared", fills.shared)
        member("abandoned", fills.abandoned)
        member("lost", fills.lost)
        member("open", fills.open)
        endObject()
    }
}
