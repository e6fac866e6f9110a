import Coordination
import Messages

extension Run {
    init(_ summary: RunSummary) {
        self.init()
        runID = summary.id.description
        workflowID = summary.workflowID
        workflow = summary.definition
        version = summary.version
        status = Messages.RunStatus(summary.status)
        startedUnixMillis = summary.startedMillis
        closedUnixMillis = summary.closedMillis ?? 0
        failure = summary.failure.map(Failure.init)
        steps = summary.steps.map(StepRun.init)
        lastSequence = summary.lastSequence
    }
}

extension StepRun {
    init(_ summary: StepSummary) {
        self.init()
        id = summary.id
        agentType = summary.agentType
        operation = summary.operation
        dependsOn = summary.dependsOn
        optional = !summary.isRequired
        state = Messages.StepState(summary.state)
        attempts = Int32(clamping: summary.attempts)
        startedUnixMillis = summary.startedMillis ?? 0
        endedUnixMillis = summary.endedMillis ?? 0
        failure = summary.failure.map(Failure.init)
    }
}

extension Messages.RunStatus {
    init(_ status: Coordination.RunStatus) {
        switch status {
        case .running: self = .running
        case .completed: self = .completed
        case .failed: self = .failed
        case .cancelled: self = .cancelled
        case .timedOut: self = .timedOut
        }
    }
}

extension Messages.StepState {
    init(_ state: Coordination.StepState) {
        switch state {
        case .pending: self = .pending
        case .scheduled: self = .scheduled
        case .running: self = .running
        case .waitingRetry: self = .waitingRetry
        case .completed: self = .completed
        case .failed: self = .failed
        case .skipped: self = .skipped
        case .cancelled: self = .cancelled
        }
    }
}
