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
    /// Somebody ended it at once, without compensations.
    case terminated = 6
    /// Open. What runs goes on, nothing new begins.
    case paused = 7
    /// Open. It has failed, timed out or was cancelled, and what it did is being undone.
    case compensating = 8
    /// Open. It begins when the run before it, of the same workflow id, has ended.
    case queued = 9
    /// A successor has taken its place.
    case continuedAsNew = 10

    /// Whether nothing can happen to the run any more.
    public var isClosed: Bool {
        switch self {
        case .running, .paused, .compensating, .queued: false
        case .completed, .failed, .cancelled, .timedOut, .terminated, .continuedAsNew: true
        }
    }

    /// The status as filters, labels and people write it: `timed_out`.
    public var word: String {
        switch self {
        case .running: "running"
        case .completed: "completed"
        case .failed: "failed"
        case .cancelled: "cancelled"
        case .timedOut: "timed_out"
        case .terminated: "terminated"
        case .paused: "paused"
        case .compensating: "compensating"
        case .queued: "queued"
        case .continuedAsNew: "continued_as_new"
        }
    }
}

extension RunStatus: CustomStringConvertible {
    /// As ``word``.
    public var description: String { word }
}

/// Where a step stands. The raw values are stored: never renumber.
public enum StepState: UInt8, Sendable, Hashable, CaseIterable {
    /// Waits for steps it depends on. Becomes scheduled, waiting, skipped.
    case pending = 1
    /// May run: waits for a free instance, or its input is being prepared. Becomes running,
    /// waiting, completed, failed, cancelled.
    case scheduled = 2
    /// An instance works on it. Becomes completed, waitingRetry, scheduled (its instance was
    /// lost), failed, parked, cancelled.
    case running = 3
    /// Failed, and waits for its next attempt. Becomes scheduled, cancelled.
    case waitingRetry = 4
    case completed = 5
    case failed = 6
    /// Never ran, because its condition did not hold or its run ended first.
    case skipped = 7
    /// Was scheduled or running when its run ended.
    case cancelled = 8
    /// Waits for a timer, a signal, an event, a decision, a child or its elements. Becomes
    /// completed, failed, cancelled.
    case waiting = 9
    /// Has used up its attempts and waits for somebody to look. Becomes scheduled, failed,
    /// cancelled.
    case parked = 10
    /// Everything it depends on has ended, and its condition is being looked at. Becomes
    /// scheduled, waiting, skipped, failed, cancelled.
    case evaluating = 11

    /// Whether nothing can happen to the step any more.
    public var hasEnded: Bool {
        switch self {
        case .completed, .failed, .skipped, .cancelled: true
        case .pending, .scheduled, .running, .waitingRetry, .waiting, .parked, .evaluating: false
        }
    }
}

/// How far a run's completed steps have been undone. The raw values are stored: never renumber.
public enum CompensationState: UInt8, Sendable, Hashable, CaseIterable {
    /// Nothing was to be undone.
    case none = 0
    /// Under way, newest step first.
    case running = 1
    /// Everything with a compensation was undone.
    case compensated = 2
    /// At least one compensation failed; the others were tried all the same.
    case failed = 3
}

/// A run as people and programs look at it.
public struct RunSummary: Sendable, Hashable {
    /// Which run, and where it belongs.
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
    /// In the order of the definition, then compensations and elements of lists.
    public var steps: [StepSummary]
    /// How many of `steps` are the definition's.
    public var ownSteps: Int
    /// Sequence number of its newest history event; the first is 1.
    public var lastSequence: Int64
    /// How far what it did has been undone.
    public var compensation: CompensationState
    /// The run whose `child` step started it.
    public var parent: RunID?
    /// Why it is paused, or why it was cancelled or terminated; may be empty.
    public var reason: String
    /// What whoever started it gave it to be found by.
    public var attributes: [RunAttribute]
    /// Whether it has used up most of what one run may: its next part belongs into a new run.
    public var isNearLimits = false
    /// The run that has taken its place.
    public var continuedAs: RunID?
    /// The run whose place it has taken.
    public var continuedFrom: RunID?

    /// Combines the parts.
    public init(
        id: RunID, namespace: Namespace, workflowID: String, definition: String, version: String,
        status: RunStatus, startedMillis: Int64, closedMillis: Int64? = nil,
        failure: StepFailure? = nil, steps: [StepSummary], lastSequence: Int64,
        compensation: CompensationState = .none, parent: RunID? = nil, reason: String = "",
        attributes: [RunAttribute] = []
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
        ownSteps = steps.count
        self.lastSequence = lastSequence
        self.compensation = compensation
        self.parent = parent
        self.reason = reason
        self.attributes = attributes
    }
}

/// A step of a run as people and programs look at it.
public struct StepSummary: Sendable, Hashable {
    /// As the definition says.
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
    /// What the step does.
    public var kind: StepKind
    /// The run that a `child` step started last.
    public var child: RunID?
    /// When it goes on by itself, wall clock; 0: not by time.
    public var dueMillis: Int64

    /// Combines the parts.
    public init(
        id: String, agentType: String, operation: String, dependsOn: [String], isRequired: Bool,
        state: StepState, attempts: Int, startedMillis: Int64? = nil, endedMillis: Int64? = nil,
        failure: StepFailure? = nil, kind: StepKind = .invoke, child: RunID? = nil,
        dueMillis: Int64 = 0
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
        self.kind = kind
        self.child = child
        self.dueMillis = dueMillis
    }
}
