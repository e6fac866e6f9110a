import Coordination

/// What the engine wants its shell to do now; nothing in it waits for a commit any more.
public struct TurnOutput: Sendable {
    /// Answers that may go out now.
    public var replies: [Reply] = []
    /// What goes to agents, one entry per port.
    public var ports: [PortOutput] = []
    /// What every port is told: after its own notices, before its work.
    public var modeChanges: [ModeChange] = []
    /// Payload bytes to make; each comes back as ``Command/prepared(_:)``.
    public var preparations: [Preparation] = []
    /// Questions that only the store can answer; the shell answers the asker itself.
    public var lookups: [RunLookup] = []
    public var notices: [EngineNotice] = []
    /// Publications to read or make ready; each comes back as ``Command/eventsPrepared(_:)``.
    public var eventWork: [EventWork] = []

    /// Nothing to do.
    public init() {}

    /// Whether there is nothing to do.
    public var isEmpty: Bool {
        replies.isEmpty && ports.isEmpty && preparations.isEmpty && lookups.isEmpty
            && notices.isEmpty && modeChanges.isEmpty && eventWork.isEmpty
    }
}

/// What goes to the agents behind one port.
public struct PortOutput: Sendable {
    /// Where it goes.
    public var port: PortNumber
    /// New work.
    public var dispatches: [Assignment] = []
    /// Assignments that nobody waits for any more.
    public var cancels: [AssignmentToken] = []
    /// What else a remote instance is told; before the new work.
    public var notices: [SessionNotice] = []
    /// Instances that a host is to make or destroy.
    public var orders: [InstanceOrder] = []

    /// Nothing for a port.
    public init(port: PortNumber) { self.port = port }
}

extension TurnOutput {
    /// The entry of a port. Few ports get something in one turn, so they are searched in line.
    subscript(port: Int) -> PortOutput {
        get {
            ports.first { $0.port.rawValue == port } ?? PortOutput(port: PortNumber(rawValue: port))
        }
        _modify {
            var index = ports.count - 1
            while index >= 0, ports[index].port.rawValue != port { index -= 1 }
            if index < 0 {
                ports.append(PortOutput(port: PortNumber(rawValue: port)))
                index = ports.count - 1
            }
            yield &ports[index]
        }
    }
}

/// A question about a run that the engine does not hold: it has ended, or never was.
public struct RunLookup: Sendable {
    /// What the answer is for.
    public enum Purpose: Sendable, Hashable {
        /// How the last run of a start's workflow id ended decides whether it may begin.
        case reuse(name: String, Namespace)
        case get, await, watch, cancel(reason: String)
        /// Closed runs take no more operations, but a retry needs all that is stored of one.
        case operate(OperateRun)
        /// An operation was carried out before; how the run stands now is the answer.
        case operated
        case explain
        case graph
    }

    /// Which run, what for, and who is answered.
    public var reference: RunReference
    public var purpose: Purpose
    public var ticket: ReplyTicket

    /// Describes the question.
    public init(reference: RunReference, purpose: Purpose, ticket: ReplyTicket) {
        self.reference = reference
        self.purpose = purpose
        self.ticket = ticket
    }
}

/// Something worth counting. Tells of committed facts and gauges only.
public enum EngineNotice: Sendable, Hashable {
    case workflowStarted(definition: String)
    /// An open run of an earlier process has been taken into memory.
    case workflowRecovered(definition: String)
    case workflowClosed(definition: String, status: RunStatus, millis: Int64)
    case agentBusy(type: String, nanos: Int64)
    case rejected(reason: String)
    case staleResult
    /// An event did not start a run of a definition that it triggers: `depth` (the run that published
    /// it has too many above it) or `open_runs` (the server has as many as it takes).
    case triggerSkipped(definition: String, reason: String)
    case guarding(GuardNotice)
    /// Publications are on disk.
    case published(count: Int)
    case event(EventNotice)
    case pool(PoolNotice)
    case ballot(BallotNotice)
    case items(ItemNotice)
    case memory(MemoryNotice)
    case locks(LockNotice)
}

/// What targets of subscriptions do, for those who count.
public enum EventNotice: Sendable, Hashable {
    /// One publication, or several, was acknowledged.
    case acknowledged
    /// One has become a dead letter.
    case deadLettered
    /// Something was removed before a target came to it.
    case gap
}
