import Coordination

/// Where the engine's shell reports what is worth counting. `cadre` wires it to Telemetry.
///
/// Called under the engine's token, so it must be cheap and must not block or call the engine.
public protocol EngineObserver: Sendable {
    /// A run's start is on disk.
    func workflowStarted(definition: String)
    /// An open run of an earlier process was taken up at the start.
    func workflowRecovered(definition: String)
    /// A run's end is on disk.
    func workflowClosed(definition: String, status: RunStatus, seconds: Double)
    /// Runs that have not ended, after a drain that changed something.
    func openRuns(_ count: Int)
    /// Agents of a type worked for this long, summed since the last report.
    func agentBusy(type: String, seconds: Double)
    /// A batch is on disk.
    func batchCommitted(commands: Int, rows: Int, seconds: Double)
    /// A command was refused.
    func rejected(reason: String)
    /// A result came too late, or twice.
    func staleResult()
    /// An event did not start a run that it should have; see ``EngineNotice``.
    func triggerSkipped(definition: String, reason: String)
    /// Publications are on disk.
    func published(count: Int)
    /// Targets of subscriptions: something was done, given up, or missed.
    func noted(_ notice: EventNotice)
    /// Something about breakers, modes or isolations.
    func noted(_ notice: GuardNotice)
    /// Something about pools of in-process instances.
    func noted(_ notice: PoolNotice)
    /// Something about ballots.
    func noted(_ notice: BallotNotice)
    /// Something about batches of items.
    func noted(_ notice: ItemNotice)
    /// Something about shared memory.
    func noted(_ notice: MemoryNotice)
    /// Something about locks.
    func noted(_ notice: LockNotice)
}

/// Counts nothing.
public struct NoObserver: EngineObserver {
    /// Does nothing.
    public init() {}
    /// Does nothing.
    public func workflowStarted(definition: String) {}
    /// Does nothing.
    public func workflowRecovered(definition: String) {}
    /// Does nothing.
    public func workflowClosed(definition: String, status: RunStatus, seconds: Double) {}
    /// Does nothing.
    public func openRuns(_ count: Int) {}
    /// Does nothing.
    public func agentBusy(type: String, seconds: Double) {}
    /// Does nothing.
    public func batchCommitted(commands: Int, rows: Int, seconds: Double) {}
    /// Does nothing.
    public func rejected(reason: String) {}
    /// Does nothing.
    public func staleResult() {}
    /// Does nothing.
    public func triggerSkipped(definition: String, reason: String) {}
    /// Does nothing.
    public func published(count: Int) {}
    /// Does nothing.
    public func noted(_ notice: EventNotice) {}
}
