import Coordination
import Engine
import Telemetry

/// All series of the engine: what it tells goes to those of its subject.
final class EngineMetrics: EngineObserver {
    private let runs: RunMetrics
    private let commits: CommitMetrics
    private let events: EventMetrics
    private let guards: GuardMetrics
    private let pools: PoolMetrics
    private let ballots: BallotMetrics
    private let batches: BatchMetrics
    private let sharing: SharingMetrics
    private let emergencies: EmergencyRunner?

    /// - Parameter emergencies: carries out what an emergency asks of agents.
    init(_ registry: MetricsRegistry, emergencies: EmergencyRunner? = nil) {
        runs = RunMetrics(registry)
        commits = CommitMetrics(registry)
        events = EventMetrics(registry)
        guards = GuardMetrics(registry)
        pools = PoolMetrics(registry)
        ballots = BallotMetrics(registry)
        batches = BatchMetrics(registry)
        sharing = SharingMetrics(registry)
        self.emergencies = emergencies
    }

    func workflowStarted(definition: String) { runs.started(definition) }

    func workflowRecovered(definition: String) { runs.recovered(definition) }

    func workflowClosed(definition: String, status: RunStatus, seconds: Double) {
        runs.closed(definition, status, seconds: seconds)
    }

    func openRuns(_ count: Int) { runs.open.set(count) }

    func triggerSkipped(definition: String, reason: String) {
        runs.skipped.with(definition, reason).add()
    }

    func agentBusy(type: String, seconds: Double) { runs.busy.with(type).add(seconds) }

    func batchCommitted(commands: Int, rows: Int, seconds: Double) {
        commits.committed(commands: commands, rows: rows, seconds: seconds)
    }

    func rejected(reason: String) { commits.rejected.with(reason).add() }

    func staleResult() { commits.stale.add() }

    func published(count: Int) { events.published.add(UInt64(count)) }

    func noted(_ notice: EventNotice) { events.noted(notice) }

    func noted(_ notice: PoolNotice) { pools.noted(notice) }

    func noted(_ notice: BallotNotice) { ballots.noted(notice) }

    func noted(_ notice: ItemNotice) { batches.noted(notice) }

    func noted(_ notice: MemoryNotice) { sharing.noted(notice) }

    func noted(_ notice: LockNotice) { sharing.noted(notice) }

    func noted(_ notice: GuardNotice) {
        if case .order(let namespace, let order, let call) = notice {
            emergencies?.carryOut(namespace, order, call)
        }
        guards.noted(notice)
    }
}
