import Coordination
import Engine
import Telemetry

/// The series of batches and their items.
final class BatchMetrics: Sendable {
    private let batches: MetricFamily<Counter>
    private let sizes: MetricFamily<Histogram>
    private let items: MetricFamily<Counter>
    private let waits: MetricFamily<Histogram>

    init(_ registry: MetricsRegistry) {
        batches = registry.counter(
            name: "cadre_item_batches",
            help: "Batches that left, by what made them: items, bytes, delay, flush, retry.",
            labels: ["operation", "cause"])
        sizes = registry.histogram(
            name: "cadre_item_batch_size", help: "Items in a batch that left.",
            labels: ["operation"], buckets: .batchSizes)
        items = registry.counter(
            name: "cadre_items", help: "Items by outcome: success, failure, refused.",
            labels: ["operation", "outcome"])
        waits = registry.histogram(
            name: "cadre_item_wait", help: "From an item's arrival to its last departure.",
            unit: .seconds, labels: ["operation"])
    }

    /// Counts what the engine tells.
    func noted(_ notice: ItemNotice) {
        switch notice {
        case .left(let operation, let cause, let count):
            batches.with(operation, "\(cause)").add()
            sizes.with(operation).observe(Double(count))
        case .ended(let operation, let isSuccess, let seconds):
            items.with(operation, isSuccess ? "success" : "failure").add()
            waits.with(operation).observe(seconds)
        case .refused(let operation, let count):
            items.with(operation, "refused").add(UInt64(count))
        }
    }
}
