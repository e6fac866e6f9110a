import Engine
import Telemetry

/// The series of pools whose instances the server makes.
final class PoolMetrics: Sendable {
    private let instances: MetricFamily<Gauge>
    private let changes: MetricFamily<Counter>

    init(_ registry: MetricsRegistry) {
        instances = registry.gauge(
            name: "cadre_agent_pool_instances", help: "Instances of a pool, by type.",
            labels: ["agent_type"])
        changes = registry.counter(
            name: "cadre_agent_pool_changes",
            help:
                "Instances of a pool that were created, retired for being idle, or failed to be made.",
            labels: ["agent_type", "kind"])
    }

    /// Counts what the engine tells.
    func noted(_ notice: PoolNotice) {
        switch notice {
        case .instances(let type, let count): instances.with(type).set(count)
        case .created(let type): changes.with(type, "created").add()
        case .retired(let type): changes.with(type, "retired").add()
        case .failed(let type): changes.with(type, "failed").add()
        }
    }
}
