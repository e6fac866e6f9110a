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
        case .runStarted(let id), .runTookOver(let id, _), .runCompleted(let id),
            .stepCompleted(_, _, let id),
            .signalReceived(_, let id), .approvalDecided(_, _, _, _, let id):
            id == .none ? nil : id
        default: nil
        }
    }
}

/// What happened. Steps are named by their id in the definition; attempts count from 1.
public enum HistoryEventKind: Sendable, Hashable {
    case runStarted(input: PayloadID)
    /// The run began in the place of another one.
    case runTookOver(input: PayloadID, from: RunID)
    /// The run has ended, and another one has taken its place.
    case runContinued(as: RunID)
    /// The step may run, but not before this wall-clock instant (milliseconds).
    case stepScheduled(step: String, attempt: Int, notBefore: Int64)
    case stepStarted(step: String, attempt: Int, agent: AgentID, token: AssignmentToken)
    case stepCompleted(step: String, attempt: Int, output: PayloadID)
    case stepFailed(step: String, attempt: Int, failure: StepFailure, willRetry: Bool)
    /// No result, or no sign of life, within the step's time. Without a failure: versions of the
    /// history before the fifth do not say which time that was.
    case stepTimedOut(step: String, attempt: Int, failure: StepFailure?, willRetry: Bool)
    /// The step never ran: its run ended first, its condition did not hold, or the operating mode
    /// was not for it.
    case stepSkipped(step: String, reason: String)
    /// The step was scheduled or running when its run ended.
    case stepCancelled(step: String, attempt: Int, reason: String)
    case runCompleted(result: PayloadID)
    case runFailed(failure: StepFailure)
    case runCancelled(reason: String)
    case runTimedOut
    case signalReceived(name: String, payload: PayloadID)
    /// The step waits for something, but not longer than to this wall-clock instant; 0: for ever.
    case stepWaiting(step: String, attempt: Int, until: Int64)
    case approvalDecided(
        step: String, decision: ApprovalDecision, by: String, comment: String, payload: PayloadID)
    case runPaused(reason: String)
    case runResumed(reason: String)
    case runTerminated(reason: String)
    /// The closed run goes on with what had failed.
    case runRetried(reason: String)
    /// What the run did is being undone before it ends.
    case runCompensating(reason: String)
    /// The step's fallback takes its place after this failure.
    case stepFellBack(step: String, failure: StepFailure)
    /// The step's attempts are used up; somebody must look at it.
    case stepParked(step: String, attempt: Int, failure: StepFailure)
    case stepRequeued(step: String)
    case childStarted(step: String, attempt: Int, child: RunID)
    case childEnded(step: String, attempt: Int, child: RunID, status: RunStatus)
    case eventPublished(step: String, eventType: String, receivers: Int)
    /// A list of so many elements is gone through.
    case listStarted(step: String, attempt: Int, elements: Int)
    /// The run waits for another one of its workflow id to end.
    case runQueued
    /// The step is held, or answered from what is remembered, because of the operating mode.
    case stepModeApplied(step: String, attempt: Int, behavior: StepBehavior, mode: OperatingMode)
}
