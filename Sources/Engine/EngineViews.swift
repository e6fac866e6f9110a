import Coordination

/// One agent instance as the engine sees it; gauges of this moment.
public struct AgentSummary: Sendable, Hashable {
    /// What it said when it joined, and whether it can take more.
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
    /// Why it gets no new work for now; empty: it does.
    public var holds: AgentHold
    /// Remote instances only.
    public var session: SessionView?

    /// Combines the parts.
    public init(
        registration: AgentRegistration, state: AgentState, inFlight: Int, completed: Int64,
        failed: Int64, busyNanos: Int64, isolation: Isolation = Isolation(),
        holds: AgentHold = [], session: SessionView? = nil
    ) {
        self.registration = registration
        self.state = state
        self.inFlight = inFlight
        self.completed = completed
        self.failed = failed
        self.busyNanos = busyNanos
        self.isolation = isolation
        self.holds = holds
        self.session = session
    }
}

/// One change of the pool.
public struct AgentChange: Sendable, Hashable {
    /// What changed. Indirect: a summary is large.
    public indirect enum Kind: Sendable, Hashable {
        /// Everything, at the start of a watch.
        case snapshot([AgentSummary])
        case changed(AgentSummary)
        case removed(AgentID, type: String)
    }

    /// Grows by one with each change of the pool in this process.
    public var sequence: Int64
    public var kind: Kind

    /// Combines the parts.
    public init(sequence: Int64, _ kind: Kind) {
        self.sequence = sequence
        self.kind = kind
    }
}

/// A remote instance's session as people look at it.
public struct SessionView: Sendable, Hashable {
    /// Whether its stream is there; without one its lease runs out.
    public var isConnected: Bool
    /// Assignments it would take at once more.
    public var credits: Int
    public var leaseMillis: Int
    /// Until its lease ends, unless something is heard.
    public var leaseLeftMillis: Int64

    /// Combines the parts.
    public init(isConnected: Bool, credits: Int, leaseMillis: Int, leaseLeftMillis: Int64) {
        self.isConnected = isConnected
        self.credits = credits
        self.leaseMillis = leaseMillis
        self.leaseLeftMillis = leaseLeftMillis
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
    /// What there is: runs that have not ended, current definitions, and instances that joined.
    public var openRuns = 0
    public var definitions = 0
    public var agents = 0
    /// Remote instances among them.
    public var sessions = 0
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
    /// Steps of workflows that instances of this process work on; counted while it drains.
    public var localSteps = 0
    /// Commands that wait in the mailbox; filled in by the shell.
    public var mailboxLength = 0
    /// Request ids remembered.
    public var requestIDs = 0
    /// Request ids forgotten before their time since the start, because a namespace had too many.
    public var requestIDsForgottenEarly: UInt64 = 0

    /// All gauges at zero.
    public init() {}
}
