import Coordination
import Threads

/// Collects what agents finish and hands it to the engine in batches; remembers the tasks that
/// still run, so that they can be cancelled.
final class ResultOutbox: AgentSignals {
    private struct State {
        var results: [AssignmentResult] = []
        /// Tasks that suspended: they go on after their start returned.
        var running: [AssignmentToken: Task<Void, Never>] = [:]
        /// Finished before their start returned: the usual case for inline agents.
        var early: [AssignmentToken] = []
    }

    private let state = Locked(State())
    /// The modes that are not the normal one.
    private let modes = Locked<[Namespace: OperatingMode]>([:])
    private let sink: any AssignmentSink

    let breakers: BreakerShelf

    /// Results go to `sink`.
    init(sink: any AssignmentSink, breakers: BreakerShelf) {
        self.sink = sink
        self.breakers = breakers
    }

    /// An operation ended; called by its task.
    func finished(_ result: AssignmentResult) {
        state.withLock { state in
            state.results.append(result)
            if state.running.removeValue(forKey: result.token) == nil {
                state.early.append(result.token)
            }
        }
    }

    /// The start of a task returned. Keeps the task unless it is already at its end.
    func started(_ token: AssignmentToken, _ task: Task<Void, Never>) {
        state.withLock { state in
            if let index = state.early.lastIndex(of: token) {
                state.early.remove(at: index)
            } else {
                state.running[token] = task
            }
        }
    }

    func heartbeat(_ heartbeat: AssignmentHeartbeat) { sink.heartbeat([heartbeat]) }

    func mode(of namespace: Namespace) -> OperatingMode {
        modes.withLock { $0[namespace] ?? .normal }
    }

    /// A namespace works in another mode.
    func modeChanged(_ change: ModeChange) {
        modes.withLock { $0[change.namespace] = change.mode == .normal ? nil : change.mode }
    }

    /// Cancels the tasks of these assignments. They end by themselves and report.
    func cancel(_ tokens: [AssignmentToken]) {
        let tasks = state.withLock { state in tokens.compactMap { state.running[$0] } }
        for task in tasks { task.cancel() }
    }

    /// Cancels everything; for the end of the host.
    func cancelAll() {
        let tasks = state.withLock { state in Array(state.running.values) }
        for task in tasks { task.cancel() }
    }

    /// Hands over what has ended. Call once per tick.
    func flush() {
        let batch = state.withLock { state in
            let batch = state.results
            state.results.removeAll(keepingCapacity: true)
            return batch
        }
        if !batch.isEmpty { sink.finished(batch) }
    }
}
