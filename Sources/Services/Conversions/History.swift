import Coordination
import Messages

extension Messages.HistoryEvent {
    init(_ event: Coordination.HistoryEvent, payload: Coordination.Payload?) {
        self.init()
        sequence = event.sequence
        unixMillis = event.atMillis
        self.payload = payload.map(Messages.Payload.init)
        describe(event.kind)
    }

    private mutating func describe(_ kind: HistoryEventKind) {
        switch kind {
        case .runStarted: type = .runStarted
        case .runTookOver(_, let predecessor):
            type = .runStarted
            continuedRunID = predecessor.description
        case .runContinued(let successor):
            type = .runContinued
            continuedRunID = successor.description
        case .runCompleted: type = .runCompleted
        case .runTimedOut: type = .runTimedOut
        case .runQueued: type = .runQueued
        case .runFailed(let failure): ended(.runFailed, failure)
        case .runCancelled(let reason): why(.runCancelled, reason)
        case .runPaused(let reason): why(.runPaused, reason)
        case .runResumed(let reason): why(.runResumed, reason)
        case .runTerminated(let reason): why(.runTerminated, reason)
        case .runRetried(let reason): why(.runRetried, reason)
        case .runCompensating(let reason): why(.runCompensating, reason)
        case .signalReceived(let name, _):
            type = .signalReceived
            signal = name
        case .stepScheduled, .stepStarted, .stepCompleted, .stepFailed, .stepTimedOut,
            .stepSkipped, .stepCancelled:
            describeAttempt(kind)
        case .stepWaiting, .approvalDecided, .stepFellBack, .stepParked, .stepRequeued,
            .childStarted, .childEnded, .eventPublished, .listStarted, .stepModeApplied:
            describeStep(kind)
        }
    }

    private mutating func describeAttempt(_ kind: HistoryEventKind) {
        switch kind {
        case .stepScheduled(let step, let attempt, let notBefore):
            about(.stepScheduled, step, attempt)
            untilUnixMillis = notBefore
        case .stepStarted(let step, let attempt, let agent, let token):
            about(.stepStarted, step, attempt)
            self.agent = agent.name
            self.token = token.serial.rawValue
        case .stepCompleted(let step, let attempt, _): about(.stepCompleted, step, attempt)
        case .stepFailed(let step, let attempt, let failure, let willRetry):
            about(.stepFailed, step, attempt)
            self.failure = Failure(failure)
            self.willRetry = willRetry
        case .stepTimedOut(let step, let attempt, let failure, let willRetry):
            about(.stepTimedOut, step, attempt)
            self.failure = failure.map(Failure.init)
            self.willRetry = willRetry
        case .stepSkipped(let step, let reason):
            about(.stepSkipped, step, 0)
            self.reason = reason
        case .stepCancelled(let step, let attempt, let reason):
            about(.stepCancelled, step, attempt)
            self.reason = reason
        default: break
        }
    }

    private mutating func describeStep(_ kind: HistoryEventKind) {
        switch kind {
        case .stepWaiting(let step, let attempt, let until):
            about(.stepWaiting, step, attempt)
            untilUnixMillis = until
        case .approvalDecided(let step, let decision, let actor, let comment, _):
            about(.approvalDecided, step, 0)
            self.decision = Messages.ApprovalDecision(decision)
            self.actor = actor
            reason = comment
        case .stepFellBack(let step, let failure):
            about(.stepFellBack, step, 0)
            self.failure = Failure(failure)
        case .stepParked(let step, let attempt, let failure):
            about(.stepParked, step, attempt)
            self.failure = Failure(failure)
        case .stepRequeued(let step): about(.stepRequeued, step, 0)
        case .childStarted(let step, let attempt, let child):
            about(.childStarted, step, attempt)
            childRunID = child.description
        case .childEnded(let step, let attempt, let child, let status):
            about(.childEnded, step, attempt)
            childRunID = child.description
            childStatus = Messages.RunStatus(status)
        case .eventPublished(let step, let eventType, let receivers):
            about(.eventPublished, step, 0)
            self.eventType = eventType
            count = Int64(receivers)
        case .stepModeApplied(let step, let attempt, let behavior, let mode):
            about(.stepModeApplied, step, attempt)
            let what = behavior == .hold ? "held" : "answered from memory"
            reason = "\(what): the operating mode is \(mode)"
        case .listStarted(let step, let attempt, let elements):
            about(.listStarted, step, attempt)
            count = Int64(elements)
        default: break
        }
    }

    private mutating func ended(_ type: HistoryEventType, _ failure: StepFailure) {
        self.type = type
        self.failure = Failure(failure)
    }

    private mutating func why(_ type: HistoryEventType, _ reason: String) {
        self.type = type
        self.reason = reason
    }

    private mutating func about(_ type: HistoryEventType, _ step: String, _ attempt: Int) {
        self.type = type
        self.step = step
        self.attempt = Int32(clamping: attempt)
    }
}
