import Store
import Telemetry

/// The series of the disk that the store is on.
enum DiskMetrics {
    /// Registers what is read at each scrape; nothing for a store that is on no disk.
    static func register(_ store: any Store, in registry: MetricsRegistry) {
        if store.facts.freeBytes == nil { return }
        registry.collectedGauge(
            name: "cadre_store_disk_free",
            help: "Free on the disk of the data directory, for this user; new work is refused "
                + "below 64 MiB.", unit: .bytes
        ) { Double(store.facts.freeBytes ?? 0) }
    }
}
