/// How the engine hands work to agents. In-process hosts and remote sessions implement it alike.
public protocol AssignmentPort: Sendable {
    /// Takes assignments whose causes are committed. Must not block; called from any thread.
    func dispatch(_ assignments: [Assignment])

    /// Says that nobody waits for these any more. A result that comes all the same is stale.
    func cancel(_ tokens: [AssignmentToken])

    /// What else the engine says: to a remote instance all, to an in-process host the modes of
    /// namespaces only. Comes before the work of the same turn.
    func notify(_ notices: [SessionNotice])

    /// Makes and destroys instances of pools that the host has announced. Must not block.
    func arrange(_ orders: [InstanceOrder])
}

extension AssignmentPort {
    /// Listens to nothing.
    public func notify(_ notices: [SessionNotice]) {}

    /// Has no pools.
    public func arrange(_ orders: [InstanceOrder]) {}
}

/// How agents reach the engine. The engine's shell implements it.
public protocol AssignmentSink: Sendable {
    /// Adds instances to the pool; work for them goes to `port`.
    func agentsJoined(_ agents: [AgentRegistration], port: any AssignmentPort)

    /// Removes instances. Work they still hold becomes a new attempt elsewhere.
    func agentsLeft(_ agents: [AgentID])

    /// Reports ended work; post what ended in one tick as one batch.
    func finished(_ results: [AssignmentResult])

    /// Reports how far work is.
    func heartbeat(_ heartbeats: [AssignmentHeartbeat])

    /// Says that `port` makes instances of a type when it is asked to, which then join.
    func poolJoined(_ pool: PoolRegistration, port: any AssignmentPort)

    /// Takes that back.
    func poolLeft(type: String)

    /// An instance that the pool was asked for cannot be made; `message` says why.
    func instanceFailed(type: String, message: String)
}

extension AssignmentSink {
    /// Knows no pools.
    public func poolJoined(_ pool: PoolRegistration, port: any AssignmentPort) {}

    /// Knows no pools.
    public func poolLeft(type: String) {}

    /// Knows no pools.
    public func instanceFailed(type: String, message: String) {}
}

/// What an instance says of itself when it joins.
public struct AgentRegistration: Sendable, Hashable {
    /// Unique among the living.
    public var id: AgentID
    /// The agent type, such as `calendar`; the name that callers invoke.
    public var type: String
    /// What it can do.
    public var operations: [OperationDescriptor]
    /// Free labels for display and affinity.
    public var labels: [String: String]
    /// How many assignments it takes at once, 1 or more.
    public var slots: Int
    /// Agent types it calls or depends on.
    public var dependencies: [String]
    /// Where it lives, for display: `in-process` or the peer's address.
    public var location: String
    /// Which build it is; empty: it does not say.
    public var buildID: String

    /// Describes an instance.
    public init(
        id: AgentID, type: String, operations: [OperationDescriptor],
        labels: [String: String] = [:], slots: Int = 64, dependencies: [String] = [],
        location: String = "in-process", buildID: String = ""
    ) {
        self.id = id
        self.type = type
        self.operations = operations
        self.labels = labels
        self.slots = slots
        self.dependencies = dependencies
        self.location = location
        self.buildID = buildID
    }
}

/// One named thing an agent can do.
public struct OperationDescriptor: Sendable, Hashable {
    /// What callers invoke.
    public var name: String
    /// One sentence for people.
    public var summary: String
    /// Whether doing it twice is the same as doing it once, so that it may be tried again after
    /// its instance died.
    public var isIdempotent: Bool

    /// Describes an operation.
    public init(name: String, summary: String, isIdempotent: Bool) {
        self.name = name
        self.summary = summary
        self.isIdempotent = isIdempotent
    }
}
