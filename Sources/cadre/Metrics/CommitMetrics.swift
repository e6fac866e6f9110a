import Telemetry

/// The series of the engine's batches, and of what never came into one.
struct CommitMetrics: Sendable {
    private let commands: Histogram
    private let rows: Histogram
    private let duration: Histogram
    let rejected: MetricFamily<Counter>
    let stale: Counter

    init(_ registry: MetricsRegistry) {
        commands =
            registry.histogram(
                name: "cadre_engine_batch_commands", help: "Commands in a committed batch.",
                buckets: .batchSizes
            ).with()
        rows =
            registry.histogram(
                name: "cadre_store_commit_rows", help: "Rows written by a commit.",
                buckets: .batchSizes
            ).with()
        duration =
            registry.histogram(
                name: "cadre_store_commit_duration",
                help: "From handing a batch to the store to its being on disk.", unit: .seconds
            ).with()
        rejected = registry.counter(
            name: "cadre_engine_rejected", help: "Commands refused, by reason.",
            labels: ["reason"])
        stale =
            registry.counter(
                name: "cadre_engine_stale_results",
                help: "Results of agents that came too late or twice."
            ).with()
    }

    /// A batch is on disk.
    func committed(commands count: Int, rows written: Int, seconds: Double) {
        commands.observe(Double(count))
        rows.observe(Double(written))
        duration.observe(seconds)
    }
}
