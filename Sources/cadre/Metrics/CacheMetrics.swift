import Cache
import Telemetry

/// The series of the shared cache, read at each scrape.
enum CacheMetrics {
    /// Registers them.
    static func register(_ cache: SharedCache, in registry: MetricsRegistry) {
        registry.collectedCounter(
            name: "cadre_cache_requests",
            help: "Lookups by the tier that answered (none: no tier) and what was found.",
            labels: ["tier", "result"]
        ) { requests(cache.statistics) }
        registry.collectedCounter(
            name: "cadre_cache_removals",
            help:
                "Entries that went, or were not taken in, for lack of room, and those that ended.",
            labels: ["tier", "cause"]
        ) { removals(cache.statistics) }
        registry.collectedCounter(
            name: "cadre_cache_sets", help: "Values set.", labels: ["tier"]
        ) { perTier(cache.statistics) { Double($0.sets) } }
        registry.collectedGauge(
            name: "cadre_cache_entries", help: "Entries held.", labels: ["tier"]
        ) { perTier(cache.statistics) { Double($0.entries) } }
        registry.collectedGauge(
            name: "cadre_cache_size", help: "What the entries take.", unit: .bytes,
            labels: ["tier"]
        ) { perTier(cache.statistics) { Double($0.weight) } }
        registry.collectedGauge(
            name: "cadre_cache_capacity", help: "What the entries may take.", unit: .bytes,
            labels: ["tier"]
        ) { perTier(cache.statistics) { Double($0.capacity) } }
        registry.collectedGauge(
            name: "cadre_cache_window_share",
            help: "The share of the capacity for what came lately, 0 to 1.", labels: ["tier"]
        ) { perTier(cache.statistics) { $0.windowRatio } }
        registerFlights(cache, in: registry)
    }

    private static func registerFlights(_ cache: SharedCache, in registry: MetricsRegistry) {
        registry.collectedCounter(
            name: "cadre_cache_fills",
            help:
                "Fill leases granted (early: before the value's time), lookups that waited for one "
                + "or were served by one, leases abandoned, writes lost with their lease.",
            labels: ["event"]
        ) { fills(cache.statistics) }
        registry.collectedGauge(
            name: "cadre_cache_open_fills", help: "Fill leases that are out."
        ) { Double(cache.statistics.fillsOpen) }
        registry.collectedCounter(
            name: "cadre_cache_promotions", help: "Keys that moved to the shared tier."
        ) { [CollectedSample(value: Double(cache.statistics.promotions))] }
        registry.collectedCounter(
            name: "cadre_cache_invalidated_entries", help: "Entries dropped by an invalidation."
        ) { [CollectedSample(value: Double(cache.statistics.invalidated))] }
        registry.collectedGauge(
            name: "cadre_cache_watchers", help: "Streams that follow invalidations."
        ) { Double(cache.watcherCount) }
    }

    private static func requests(_ statistics: CacheStatistics) -> [CollectedSample] {
        tiers(statistics).flatMap { name, tier in
            [
                CollectedSample(
                    labels: [name, "hit"], value: Double(tier.hits - tier.freshNegativeHits)),
                CollectedSample(labels: [name, "stale"], value: Double(tier.staleHits)),
                CollectedSample(
                    labels: [name, "negative"], value: Double(tier.freshNegativeHits)),
            ]
        } + [CollectedSample(labels: ["none", "miss"], value: Double(statistics.misses))]
    }

    private static func removals(_ statistics: CacheStatistics) -> [CollectedSample] {
        tiers(statistics).flatMap { name, tier in
            [
                CollectedSample(labels: [name, "evicted"], value: Double(tier.evictions)),
                CollectedSample(labels: [name, "rejected"], value: Double(tier.rejections)),
                CollectedSample(labels: [name, "expired"], value: Double(tier.expirations)),
            ]
        }
    }

    private static func fills(_ statistics: CacheStatistics) -> [CollectedSample] {
        [
            ("granted", statistics.fillsGranted), ("early", statistics.fillsEarly),
            ("waited", statistics.fillWaits), ("served", statistics.fillsShared),
            ("abandoned", statistics.fillsAbandoned), ("lost", statistics.fillsLost),
        ].map { CollectedSample(labels: [$0], value: Double($1)) }
    }

    private static func perTier(
        _ statistics: CacheStatistics, _ value: (CacheTierStatistics) -> Double
    ) -> [CollectedSample] {
        tiers(statistics).map { CollectedSample(labels: [$0], value: value($1)) }
    }

    private static func tiers(
        _ statistics: CacheStatistics
    ) -> [(String, CacheTierStatistics)] {
        [("agent", statistics.agent), ("shared", statistics.shared)]
    }
}
