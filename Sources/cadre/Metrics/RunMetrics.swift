import Coordination
import Telemetry

/// The series of runs, and of the time agents work for them.
struct RunMetrics: Sendable {
    private let started: MetricFamily<Counter>
    private let closed: MetricFamily<Counter>
    private let duration: MetricFamily<Histogram>
    private let active: MetricFamily<Gauge>
    let open: Gauge
    let skipped: MetricFamily<Counter>
    let busy: MetricFamily<DoubleCounter>

    init(_ registry: MetricsRegistry) {
        started = registry.counter(
            name: "cadre_workflow_started", help: "Runs whose start is on disk.",
            labels: ["workflow"])
        closed = registry.counter(
            name: "cadre_workflow_closed", help: "Runs whose end is on disk, by status.",
            labels: ["workflow", "status"])
        duration = registry.histogram(
            name: "cadre_workflow_duration", help: "From a run's start to its end.",
            unit: .seconds, labels: ["workflow"], buckets: .runSeconds)
        active = registry.gauge(
            name: "cadre_workflow_active", help: "Runs that have not ended.",
            labels: ["workflow"])
        open =
            registry.gauge(
                name: "cadre_engine_open_runs", help: "Runs that the engine holds."
            ).with()
        skipped = registry.counter(
            name: "cadre_workflow_triggers_skipped",
            help:
                "Runs that an event should have started and did not: nested too deep, or too many "
                + "open runs.", labels: ["workflow", "reason"])
        busy = registry.doubleCounter(
            name: "cadre_agent_busy", help: "Time agents worked, by type.", unit: .seconds,
            labels: ["agent_type"])
    }

    /// A run's start is on disk.
    func started(_ workflow: String) {
        started.with(workflow).add()
        active.with(workflow).add()
    }

    /// A run that had begun before this process goes on.
    func recovered(_ workflow: String) { active.with(workflow).add() }

    /// A run's end is on disk.
    func closed(_ workflow: String, _ status: RunStatus, seconds: Double) {
        closed.with(workflow, status.word).add()
        active.with(workflow).subtract()
        duration.with(workflow).observe(seconds)
    }
}
