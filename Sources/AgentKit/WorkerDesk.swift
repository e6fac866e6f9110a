import Coordination
import Messages
import Threads

/// Where a remote worker's stream and its agents meet: the agents' sink on one side, the stream's
/// reader and writer on the other, one ledger between them.
final class WorkerDesk: AssignmentSink, WorkerProgress {
    private struct State {
        var ledger: WorkerLedger
        var lastHeardNanos: Int64 = 0
        var isAliveDue = false
        var wasWelcomed = false
        var isLeaving = false
        var hasLeft = false
        var drainBeganNanos: Int64?
        /// Weak, since the host holds the desk as its sink.
        weak var host: AgentHost?
        /// The id under which the host knows the agent.
        var seat = AgentID("")
        var wake: AsyncStream<Void>.Continuation?
    }

    private let state: Locked<State>

    init(_ ledger: WorkerLedger) {
        state = Locked(State(ledger: ledger))
    }

    /// Work goes to this host.
    func serve(with host: AgentHost, as seat: AgentID) {
        state.withLock { state in
            state.host = host
            state.seat = seat
        }
    }

    var agentID: String { state.withLock { $0.ledger.agentID } }
    var isWelcome: Bool { state.withLock { $0.ledger.isWelcome } }
    var isDraining: Bool { state.withLock { $0.ledger.isDraining } }
    var hasLeft: Bool { state.withLock { $0.hasLeft } }
    var isDrained: Bool {
        state.withLock { $0.hasLeft || $0.ledger.isDraining && $0.ledger.isIdle }
    }
    var lastHeardNanos: Int64 { state.withLock { $0.lastHeardNanos } }
    var leaseNanos: Int64 { state.withLock { $0.ledger.leaseMillis * 1_000_000 } }

    // MARK: The stream

    func hello(_ agent: WorkerAgent) -> ConnectRequest {
        state.withLock { $0.ledger.hello(agent) }
    }

    /// Whether a stream was welcomed since the last look.
    func takeWelcomed() -> Bool {
        state.withLock { state in
            defer { state.wasWelcomed = false }
            return state.wasWelcomed
        }
    }

    func received(_ response: ConnectResponse) {
        let now = SystemClock.monotonicNanos()
        let (received, host) = state.withLock { state in
            state.lastHeardNanos = now
            if response.welcome != nil { state.wasWelcomed = true }
            var received = state.ledger.received(response, nowNanos: now, progress: self)
            received.assignments = received.assignments.map { $0.given(to: state.seat) }
            return (received, state.host)
        }
        if received.isDrainRequested { drain() }
        if !received.modes.isEmpty { host?.notify(received.modes.map(SessionNotice.modeChanged)) }
        if !received.assignments.isEmpty { host?.dispatch(received.assignments) }
        if !received.cancelled.isEmpty { host?.cancel(received.cancelled) }
        wake()
    }

    /// Rings whenever there may be something to send; for one stream's writer.
    func wakes() -> AsyncStream<Void> {
        let (stream, wake) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.wake = wake }
        wake.yield()
        return stream
    }

    func streamEnded() {
        state.withLock { state in
            state.wake?.finish()
            state.wake = nil
        }
    }

    func takeMessage() -> ConnectRequest? {
        state.withLock { state in
            guard var message = state.ledger.takeMessage(isAliveDue: state.isAliveDue) else {
                return nil
            }
            state.isAliveDue = false
            if state.isLeaving {
                message.leave = Leave(reason: "drained")
                state.isLeaving = false
                state.hasLeft = true
            }
            return message
        }
    }

    private func wake() { state.withLock { $0.wake }?.yield() }

    func signOfLife() {
        state.withLock { $0.isAliveDue = true }
        wake()
    }

    // MARK: Draining

    func drain() {
        state.withLock { state in
            if state.drainBeganNanos == nil { state.drainBeganNanos = SystemClock.monotonicNanos() }
            state.ledger.drain()
        }
        wake()
    }

    /// Whether all is done that a draining worker waits for, or its time is over.
    func drainEnds(within limit: Duration) -> Bool {
        state.withLock { state in
            guard let began = state.drainBeganNanos, state.ledger.isWelcome else { return false }
            let passed = SystemClock.monotonicNanos() - began
            return state.ledger.isIdle || passed > limit.wholeMillis * 1_000_000
        }
    }

    func leave() {
        state.withLock { state in
            if !state.hasLeft { state.isLeaving = true }
            state.isAliveDue = true
        }
        wake()
    }

    // MARK: The agents

    func agentsJoined(_ agents: [AgentRegistration], port: any AssignmentPort) {}

    func agentsLeft(_ agents: [AgentID]) {}

    func finished(_ results: [AssignmentResult]) {
        state.withLock { $0.ledger.finished(results) }
        wake()
    }

    func heartbeat(_ heartbeats: [AssignmentHeartbeat]) {
        state.withLock { state in for one in heartbeats { state.ledger.heartbeat(one) } }
        wake()
    }

    func progress(_ token: AssignmentToken, _ chunk: Coordination.Payload) {
        state.withLock { $0.ledger.progress(token, chunk) }
        wake()
    }
}
