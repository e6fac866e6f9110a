import Coordination

/// What the engine wants its shell to do now; nothing in it waits for a commit any more.
public struct TurnOutput: Sendable {
    public var replies: [Reply] = []
    /// Work for agents, by port.
    public var dispatches: [PortNumber: [Assignment]] = [:]
    /// Assignments that nobody waits for any more, by port.
    public var cancels: [PortNumber: [AssignmentToken]] = [:]
    /// Payload bytes to make; each comes back as ``Command/prepared(_:)``.
    public var preparations: [Preparation] = []
    /// Questions that only the store can answer; the shell answers the asker itself.
    public var lookups: [RunLookup] = []
    public var notices: [EngineNotice] = []

    /// Nothing to do.
    public init() {}

    /// Whether there is nothing to do.
    public var isEmpty: Bool {
        replies.isEmpty && dispatches.isEmpty && cancels.isEmpty && preparations.isEmpty
            && lookups.isEmpty && notices.isEmpty
    }
}

/// A question about a run that the engine does not hold: it has ended, or never was.
public struct RunLookup: Sendable {
    public enum Purpose: Sendable, Hashable { case get, await, watch, cancel }

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
    case workflowClosed(definition: String, status: RunStatus, millis: Int64)
    case agentBusy(type: String, nanos: Int64)
    case rejected(reason: String)
    case staleResult
}
