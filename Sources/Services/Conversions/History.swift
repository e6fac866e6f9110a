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
        case .runStarted, .runCompleted, .runFailed, .runCancelled, .runTimedOut:
            describeRun(kind)
        case .stepScheduled(let step, let attempt, _): about(.stepScheduled, step, attempt)
        case .stepStarted(let step, let attempt, let agent, let token):
            about(.stepStarted, step, attempt)
            self.agent = agent.name
            self.token = token.serial.rawValue
        case .stepCompleted(let step, let attempt, _): about(.stepCompleted, step, attempt)
        case .stepFailed(let step, let attempt, let failure, let willRetry):
            about(.stepFailed, step, attempt)
            self.failure = Failure(failure)
            self.willRetry = willRetry
        case .stepTimedOut(let step, let attempt, let willRetry):
            about(.stepTimedOut, step, attempt)
            self.willRetry = willRetry
        case .stepSkipped(let step, let reason):
            about(.stepSkipped, step, 0)
            self.reason = reason
        case .stepCancelled(let step, let attempt, let reason):
            about(.stepCancelled, step, attempt)
            self.reason = reason
        }
    }

    private mutating func describeRun(_ kind: HistoryEventKind) {
        switch kind {
        case .runStarted: type = .runStarted
        case .runCompleted: type = .runCompleted
        case .runFailed(let failure):
            type = .runFailed
            self.failure = Failure(failure)
        case .runCancelled(let reason):
            type = .runCancelled
            self.reason = reason
        default: type = .runTimedOut
        }
    }

    private mutating func about(_ type: HistoryEventType, _ step: String, _ attempt: Int) {
        self.type = type
        self.step = step
        self.attempt = Int32(clamping: attempt)
    }
}
