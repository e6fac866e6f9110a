import Coordination
import Engine
import Telemetry

/// The series of workflows, agents and batches.
final class EngineMetrics: EngineObserver {
    private let started: MetricFamily<Counter>
    private let closed: MetricFamily<Counter>
    private let duration: MetricFamily<Histogram>
    private let active: MetricFamily<Gauge>
    private let open: Gauge
    private let busy: MetricFamily<DoubleCounter>
    private let commands: Histogram
    private let rows: Histogram
    private let commit: Histogram
    private let rejected: MetricFamily<Counter>
    private let stale: Counter
    private let skipped: MetricFamily<Counter>
    private let published: Counter
    private let events: MetricFamily<Counter>
    private let guards: GuardMetrics
    private let pools: PoolMetrics
    private let ballots: BallotMetrics
    private let batches: BatchMetrics
    private let sharing: SharingMetrics
    private let emergencies: EmergencyRunner?

    /// - Parameter emergencies: carries out what an emergency asks of agents.
    init(_ registry: MetricsRegistry, emergencies: EmergencyRunner? = nil) {
        guards = GuardMetrics(registry)
        pools = PoolMetrics(registry)
        ballots = BallotMetrics(registry)
        batches = BatchMetrics(registry)
        sharing = SharingMetrics(registry)
        self.emergencies = emergencies
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
        busy = registry.doubleCounter(
            name: "cadre_agent_busy", help: "Time agents worked, by type.", unit: .seconds,
            labels: ["agent_type"])
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
        commit =
            registry.histogram(
                name: "cadre_store_commit_duration",
                help: "From handing a batch to the store to its being on disk.", unit: .seconds
            ).with()
        rejected = registry.counter(
            name: "cadre_engine_rejected", help: "Commands refused, by reason.",
            labels: ["reason"])
        skipped = Self.skipped(registry)
        published =
            registry.counter(
                name: "cadre_event_published", help: "Publications that are on disk."
            ).with()
        events = registry.counter(
            name: "cadre_event_subscriber_changes",
            help: "Acknowledgements, dead letters and gaps of subscriptions.", labels: ["change"])
        stale =
            registry.counter(
                name: "cadre_engine_stale_results",
                help: "Results of agents that came too late or twice."
            ).with()
    }

    private static func skipped(_ registry: MetricsRegistry) -> MetricFamily<Counter> {
        registry.counter(
            name: "cadre_workflow_triggers_skipped",
            help:
                "Runs that an event should have started and did not: nested too deep, or too many "
                + "open runs.", labels: ["workflow", "reason"])
    }

    func workflowStarted(definition: String) {
        started.with(definition).add()
        active.with(definition).add()
    }

    func workflowRecovered(definition: String) { active.with(definition).add() }

    func workflowClosed(definition: String, status: RunStatus, seconds: Double) {
        closed.with(definition, status.label).add()
        active.with(definition).subtract()
        duration.with(definition).observe(seconds)
    }

    func openRuns(_ count: Int) { open.set(count) }

    func agentBusy(type: String, seconds: Double) { busy.with(type).add(seconds) }

    func batchCommitted(commands: Int, rows: Int, seconds: Double) {
        self.commands.observe(Double(commands))
        self.rows.observe(Double(rows))
        commit.observe(seconds)
    }

    func rejected(reason: String) { rejected.with(reason).add() }

    func staleResult() { stale.add() }

    func published(count: Int) { published.add(UInt64(count)) }

    func noted(_ notice: EventNotice) {
        switch notice {
        case .acknowledged: events.with("acknowledged").add()
        case .deadLettered: events.with("dead_lettered").add()
        case .gap: events.with("gap").add()
        }
    }

    func noted(_ notice: PoolNotice) { pools.noted(notice) }

    func noted(_ notice: BallotNotice) { ballots.noted(notice) }

    func noted(_ notice: ItemNotice) { batches.noted(notice) }

    func noted(_ notice: MemoryNotice) { sharing.noted(notice) }

    func noted(_ notice: LockNotice) { sharing.noted(notice) }

    func triggerSkipped(definition: String, reason: String) {
        skipped.with(definition, reason).add()
    }

    func noted(_ notice: GuardNotice) {
        if case .order(let namespace, let order, let call) = notice {
            emergencies?.carryOut(namespace, order, call)
        }
        guards.noted(notice)
    }
}

extension RunStatus {
    /// The status as a label.
    fileprivate var label: String {
        switch self {
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .timedOut: "timed_out"
        case .terminated: "terminated"
        case .paused: "paused"
        case .compensating: "compensating"
        case .queued: "queued"
        case .continuedAsNew: "continued_as_new"
        }
    }
}
