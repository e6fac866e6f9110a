import Coordination

/// One agent instance as the engine sees it; gauges of this moment.
public struct AgentSummary: Sendable, Hashable {
    public var registration: AgentRegistration
    public var state: AgentState
    /// Assignments it holds now.
    public var inFlight: Int
    /// Assignments it ended well since it joined.
    public var completed: Int64
    /// Assignments it ended with a failure since it joined.
    public var failed: Int64
    /// Time spent working since it joined, summed over its slots.
    public var busyNanos: Int64
    /// Where it stands with the failure isolator.
    public var isolation: Isolation

    /// Combines the parts.
    public init(
        registration: AgentRegistration, state: AgentState, inFlight: Int, completed: Int64,
        failed: Int64, busyNanos: Int64, isolation: Isolation = Isolation()
    ) {
        self.registration = registration
        self.state = state
        self.inFlight = inFlight
        self.completed = completed
        self.failed = failed
        self.busyNanos = busyNanos
        self.isolation = isolation
    }
}

/// Whether an instance can take more.
public enum AgentState: UInt8, Sendable, Hashable {
    case idle, busy
    /// Every slot is taken: further work for it waits.
    case full
}

/// The engine's own gauges of this moment.
public struct EngineSnapshot: Sendable, Hashable {
    public var openRuns = 0
    public var definitions = 0
    public var agents = 0
    /// Plain invokes without an answer yet.
    public var openInvokes = 0
    /// Work that waits for a free slot.
    public var waitingWork = 0
    /// Durable commands that wait for room in a batch.
    public var backlog = 0
    /// Commands in the filling batch.
    public var batchCommands = 0
    /// Number of the newest batch known to be on disk.
    public var committedBatch: UInt64 = 0
    public var isBatchInFlight = false
    /// Whether the store is out of space and new durable work is refused.
    public var isDiskFull = false
    /// Whether new work is refused because the server is about to stop.
    public var isDraining = false
    /// Commands that wait in the mailbox; filled in by the shell.
    public var mailboxLength = 0
    /// Request ids remembered.
    public var requestIDs = 0
    /// Request ids forgotten before their time since the start, because a namespace had too many.
    public var requestIDsForgottenEarly: UInt64 = 0

    /// All gauges at zero.
    public init() {}
}
