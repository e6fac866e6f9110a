import Coordination
import Synchronization
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
        /// Batches whose assignments are being begun.
        var dispatches = 0
        /// Cancelled during one of those, and not begun as far as is known.
        var cancelledEarly: Set<AssignmentToken> = []
    }

    private let state = Locked(State())
    /// Whether any token was cancelled early, so that a batch does not lock for each assignment.
    private let hasCancelledEarly = Atomic(false)
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
        let isCancelled = state.withLock { state in
            if let index = state.early.lastIndex(of: token) {
                state.early.remove(at: index)
                return false
            }
            state.running[token] = task
            return state.cancelledEarly.remove(token) != nil
        }
        if isCancelled { task.cancel() }
    }

    /// A batch of assignments is about to be begun: what is cancelled from now on may be among them.
    func dispatchBegan() { state.withLock { $0.dispatches += 1 } }

    /// Whether an assignment was cancelled before it was begun.
    func takeCancelled(_ token: AssignmentToken) -> Bool {
        guard hasCancelledEarly.load(ordering: .acquiring) else { return false }
        return state.withLock { $0.cancelledEarly.remove(token) != nil }
    }

    /// The batch is begun. Hands over what has ended.
    func dispatchEnded() {
        state.withLock { state in
            state.dispatches -= 1
            if state.dispatches > 0 || state.cancelledEarly.isEmpty { return }
            state.cancelledEarly = []
            hasCancelledEarly.store(false, ordering: .releasing)
        }
        flush()
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
        let tasks = state.withLock { state in
            let unknown = tokens.filter { state.running[$0] == nil }
            if state.dispatches > 0, !unknown.isEmpty {
                state.cancelledEarly.formUnion(unknown)
                hasCancelledEarly.store(true, ordering: .releasing)
            }
            return tokens.compactMap { state.running[$0] }
        }
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
