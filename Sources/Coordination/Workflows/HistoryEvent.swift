/// One thing that happened to a run, committed together with the change it tells of.
public struct HistoryEvent: Sendable, Hashable {
    /// 1 for the first event of a run, without gaps.
    public var sequence: Int64
    /// Wall clock of the engine turn that decided it.
    public var atMillis: Int64
    public var kind: HistoryEventKind

    /// Combines the parts.
    public init(sequence: Int64, atMillis: Int64, kind: HistoryEventKind) {
        self.sequence = sequence
        self.atMillis = atMillis
        self.kind = kind
    }

    /// The stored payload that the event tells of: a run's input or result, a step's output.
    public var payload: PayloadID? {
        switch kind {
        case .runStarted(let id), .runCompleted(let id), .stepCompleted(_, _, let id): id
        default: nil
        }
    }
}

/// What happened. Steps are named by their id in the definition; attempts count from 1.
public enum HistoryEventKind: Sendable, Hashable {
    case runStarted(input: PayloadID)
    /// The step may run, but not before this wall-clock instant (milliseconds).
    case stepScheduled(step: String, attempt: Int, notBefore: Int64)
    case stepStarted(step: String, attempt: Int, agent: AgentID, token: AssignmentToken)
    case stepCompleted(step: String, attempt: Int, output: PayloadID)
    case stepFailed(step: String, attempt: Int, failure: StepFailure, willRetry: Bool)
    /// No result within the step's start-to-close time.
    case stepTimedOut(step: String, attempt: Int, willRetry: Bool)
    /// The step never ran, because its run ended first.
    case stepSkipped(step: String, reason: String)
    /// The step was scheduled or running when its run ended.
    case stepCancelled(step: String, attempt: Int, reason: String)
    case runCompleted(result: PayloadID)
    case runFailed(failure: StepFailure)
    case runCancelled(reason: String)
    case runTimedOut
}
