import Engine
import Telemetry

/// The series of publications and of those they are for.
struct EventMetrics: Sendable {
    let published: Counter
    private let changes: MetricFamily<Counter>

    init(_ registry: MetricsRegistry) {
        published =
            registry.counter(
                name: "cadre_event_published", help: "Publications that are on disk."
            ).with()
        changes = registry.counter(
            name: "cadre_event_subscriber_changes",
            help: "Acknowledgements, dead letters and gaps of subscriptions.", labels: ["change"])
    }

    /// Counts what the engine tells.
    func noted(_ notice: EventNotice) {
        switch notice {
        case .acknowledged: changes.with("acknowledged").add()
        case .deadLettered: changes.with("dead_lettered").add()
        case .gap: changes.with("gap").add()
        }
    }
}
