/// What the engine says to a remote instance beside its work, in the order in which it must arrive.
public enum SessionNotice: Sendable {
    /// The session stands: the first word on every connection.
    indirect case welcome(SessionWelcome)
    /// There is no session on this connection.
    indirect case refused(SessionRefusal)
    /// The result of this assignment counts and is kept: the worker may forget it.
    case accepted(AssignmentToken)
    /// Nobody waits for this assignment: it was given to another, stopped, or never was.
    case stale(AssignmentToken)
    /// The lease ended without a word; everything held was given to others.
    case expired
    /// The worker has resumed the session on another connection.
    case superseded
    /// Somebody watches the progress of this assignment, which the worker was sent on an earlier
    /// connection: for the connection itself, nothing to tell the worker.
    case watched(AssignmentToken, any ProgressPort, attempt: Int)
    /// Finish what is held, then leave.
    case drainRequested(reason: String)
    /// A namespace works in another mode.
    case modeChanged(ModeChange)
}

/// The operating mode that a namespace works in from now on.
public struct ModeChange: Sendable, Hashable {
    /// Whose mode it is.
    public var namespace: Namespace
    /// What it is now.
    public var mode: OperatingMode

    /// Combines the parts.
    public init(namespace: Namespace, mode: OperatingMode) {
        self.namespace = namespace
        self.mode = mode
    }
}

/// How a session begins or goes on.
public struct SessionWelcome: Sendable, Hashable {
    /// What the worker names to come back.
    public var session: SessionID
    /// The instance; a worker that gave no id learns it here.
    public var agent: AgentID
    /// How long the worker may be silent.
    public var leaseMillis: Int
    /// Whether this is the session that the worker named.
    public var isResumed: Bool
    /// The mode of every namespace that is not in the normal one.
    public var modes: [ModeChange]

    /// Combines the parts.
    public init(
        session: SessionID, agent: AgentID, leaseMillis: Int, isResumed: Bool,
        modes: [ModeChange] = []
    ) {
        self.modes = modes
        self.session = session
        self.agent = agent
        self.leaseMillis = leaseMillis
        self.isResumed = isResumed
    }
}

/// Why a connection gets no session.
public struct SessionRefusal: Sendable, Hashable {
    /// What a worker can tell apart.
    public enum Reason: Sendable, Hashable {
        /// The id belongs to a living instance.
        case idTaken
        /// The server goes down.
        case draining
        /// There are as many sessions as the server bears.
        case tooMany
        /// Its agent type would be one more than the server bears.
        case tooManyTypes
    }

    /// Which of them.
    public var reason: Reason
    /// What happened and what to do.
    public var message: String
    /// When it makes sense to try again.
    public var retryAfterMillis: Int64

    /// Combines the parts.
    public init(_ reason: Reason, _ message: String, retryAfterMillis: Int64) {
        self.reason = reason
        self.message = message
        self.retryAfterMillis = retryAfterMillis
    }
}

/// The first word of a remote instance on a connection.
public struct SessionHello: Sendable {
    /// What the instance says of itself.
    public var registration: AgentRegistration
    /// Whether the id in that was made for it, since it named none: a session that it resumes keeps
    /// the one it has.
    public var hasMadeID: Bool
    /// The session it had; `nil`: none.
    public var resume: SessionID?
    /// Assignments it works on, or has finished without hearing that the result was taken.
    public var held: [AssignmentToken]
    /// How long it may be silent.
    public var leaseMillis: Int
    /// Half of the id of the session that it may get: whoever knows that id may take the session
    /// over, so this comes from the system's generator.
    public var secret: UInt64

    /// Combines the parts.
    public init(
        registration: AgentRegistration, hasMadeID: Bool = false, resume: SessionID? = nil,
        held: [AssignmentToken] = [], leaseMillis: Int, secret: UInt64
    ) {
        self.hasMadeID = hasMadeID
        self.registration = registration
        self.resume = resume
        self.held = held
        self.leaseMillis = leaseMillis
        self.secret = secret
    }
}

/// What a remote instance says in one go, all of it a sign of life.
public struct SessionNews: Sendable {
    /// Ended work; taken first.
    public var results: [AssignmentResult] = []
    /// How far work is, newest last.
    public var heartbeats: [AssignmentHeartbeat] = []
    /// How many more assignments it takes.
    public var credits = 0
    /// Whether it takes nothing new any more, whatever credits it has given.
    public var isDraining = false

    /// A sign of life and nothing else.
    public init() {}
}

/// How far one assignment is, in the agent's words.
public struct AssignmentHeartbeat: Sendable {
    /// Whose work it is about.
    public var token: AssignmentToken
    /// Handed to the next attempt, should this one be lost; empty: nothing to hand on.
    public var details: Payload

    /// The most bytes that are kept: they are stored with every change of a run.
    public static let maxDetailBytes = 4_096

    /// Combines the parts.
    public init(token: AssignmentToken, details: Payload) {
        self.token = token
        self.details = details
    }
}
