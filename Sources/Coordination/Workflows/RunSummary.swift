/// Where a run stands. The raw values are stored: never renumber.
public enum RunStatus: UInt8, Sendable, Hashable, CaseIterable {
    /// Open. Can become any of the others.
    case running = 1
    /// Every required step completed.
    case completed = 2
    /// A required step failed, or the result could not be made.
    case failed = 3
    /// Somebody asked it to stop.
    case cancelled = 4
    /// Its own time ran out.
    case timedOut = 5

    /// Whether nothing can happen to the run any more.
    public var isClosed: Bool { self != .running }
}

/// Where a step stands. The raw values are stored: never renumber.
public enum StepState: UInt8, Sendable, Hashable, CaseIterable {
    /// Waits for steps it depends on. Becomes scheduled, skipped.
    case pending = 1
    /// May run: waits for a free instance, or its input is being prepared. Becomes running, failed,
    /// cancelled.
    case scheduled = 2
    /// An instance works on it. Becomes completed, waitingRetry, scheduled (its instance was
    /// lost), failed, cancelled.
    case running = 3
    /// Failed, and waits for its next attempt. Becomes scheduled, cancelled.
    case waitingRetry = 4
    case completed = 5
    case failed = 6
    /// Never ran, because its run ended first.
    case skipped = 7
    /// Was scheduled or running when its run ended.
    case cancelled = 8

    /// Whether nothing can happen to the step any more.
    public var hasEnded: Bool { rawValue >= StepState.completed.rawValue }
}

/// A run as people and programs look at it.
public struct RunSummary: Sendable, Hashable {
    public var id: RunID
    public var namespace: Namespace
    /// The caller's name for the run; the run id when the caller gave none.
    public var workflowID: String
    /// Name of the definition.
    public var definition: String
    /// Version of the definition that the run started with and keeps.
    public var version: String
    public var status: RunStatus
    public var startedMillis: Int64
    /// `nil` while open.
    public var closedMillis: Int64?
    /// Why it failed; set for `.failed` and `.timedOut`.
    public var failure: StepFailure?
    /// In the order of the definition.
    public var steps: [StepSummary]
    /// Sequence number of its newest history event; the first is 1.
    public var lastSequence: Int64

    /// Combines the parts.
    public init(
        id: RunID, namespace: Namespace, workflowID: String, definition: String, version: String,
        status: RunStatus, startedMillis: Int64, closedMillis: Int64? = nil,
        failure: StepFailure? = nil, steps: [StepSummary], lastSequence: Int64
    ) {
        self.id = id
        self.namespace = namespace
        self.workflowID = workflowID
        self.definition = definition
        self.version = version
        self.status = status
        self.startedMillis = startedMillis
        self.closedMillis = closedMillis
        self.failure = failure
        self.steps = steps
        self.lastSequence = lastSequence
    }
}

/// A step of a run as people and programs look at it.
public struct StepSummary: Sendable, Hashable {
    public var id: String
    public var agentType: String
    public var operation: String
    public var dependsOn: [String]
    public var isRequired: Bool
    public var state: StepState
    /// Attempts begun so far, lost ones included; 0 before the first.
    public var attempts: Int
    /// When the first attempt was given to an instance.
    public var startedMillis: Int64?
    /// When the step ended.
    public var endedMillis: Int64?
    /// The last failure, also while another attempt is to come.
    public var failure: StepFailure?

    /// Combines the parts.
    public init(
        id: String, agentType: String, operation: String, dependsOn: [String], isRequired: Bool,
        state: StepState, attempts: Int, startedMillis: Int64? = nil, endedMillis: Int64? = nil,
        failure: StepFailure? = nil
    ) {
        self.id = id
        self.agentType = agentType
        self.operation = operation
        self.dependsOn = dependsOn
        self.isRequired = isRequired
        self.state = state
        self.attempts = attempts
        self.startedMillis = startedMillis
        self.endedMillis = endedMillis
        self.failure = failure
    }
}
