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
        // Beside it there may be a result.
        let page = summary.steps.page(maxBytes: PageBudget.sharedBytes, StepRun.init)
        steps = page.entries
        omittedSteps = Int32(clamping: summary.steps.count - steps.count)
        lastSequence = summary.lastSequence
        compensation = Messages.CompensationState(summary.compensation)
        parentRunID = summary.parent?.description ?? ""
        reason = summary.reason
        nearLimits = summary.isNearLimits
        continuedAs = summary.continuedAs?.description ?? ""
        continuedFrom = summary.continuedFrom?.description ?? ""
        attributes = summary.attributes.map(Messages.RunAttribute.init)
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
        kind = Messages.StepKind(summary.kind)
        childRunID = summary.child?.description ?? ""
        dueUnixMillis = summary.dueMillis
    }
}

extension Messages.StepKind {
    init(_ kind: Coordination.StepKind) {
        switch kind {
        case .invoke: self = .invoke
        case .wait: self = .wait
        case .approval: self = .approval
        case .publish: self = .publish
        case .child: self = .child
        case .fanOut: self = .fanOut
        case .continueAsNew: self = .continueAsNew
        case .ballot: self = .ballot
        }
    }
}

extension Messages.CompensationState {
    init(_ state: Coordination.CompensationState) {
        switch state {
        case .none: self = .unspecified
        case .running: self = .running
        case .compensated: self = .compensated
        case .failed: self = .failed
        }
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
        case .terminated: self = .terminated
        case .paused: self = .paused
        case .compensating: self = .compensating
        case .queued: self = .queued
        case .continuedAsNew: self = .continuedAsNew
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
        case .waiting: self = .waiting
        case .parked: self = .parked
        case .evaluating: self = .evaluating
        }
    }
}
