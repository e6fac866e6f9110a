import Coordination
import Engine
import GRPC
import Messages

/// Reads a subscription off the wire and names everything that is wrong with it.
struct SubscriptionReader {
    private let message: Messages.SubscriptionDefinition
    private(set) var faults = FieldFaults()

    init(_ message: Messages.SubscriptionDefinition) { self.message = message }

    /// The definition; of no use when there are faults.
    mutating func definition() -> Coordination.SubscriptionDefinition {
        faults.checkName(message.name, "subscription.name")
        faults.check(
            !message.name.utf8.contains(0), "subscription.name", "contains a NUL character")
        let patterns = faults.patterns(message.patterns, "subscription.patterns")
        _ = faults.filter(message.filter, "subscription.filter")
        faults.check(
            message.targets.count <= 16, "subscription.targets",
            "are \(message.targets.count); at most 16 are allowed")
        faults.check(
            message.summary.utf8.count <= 1_024, "subscription.summary", "is over 1,024 bytes")
        return Coordination.SubscriptionDefinition(
            name: message.name, patterns: patterns, filter: message.filter, targets: targets(),
            start: start(), policy: policy(), isPaused: message.paused, summary: message.summary)
    }

    private mutating func start() -> Coordination.SubscriptionDefinition.Start {
        switch faults.start(message.start, "subscription.start") {
        case .now: .now
        case .oldest: .oldest
        case .from(let sequence): .from(sequence)
        }
    }

    private mutating func targets() -> [Coordination.SubscriptionTarget] {
        var targets: [Coordination.SubscriptionTarget] = []
        for (index, target) in message.targets.prefix(16).enumerated() {
            let field = "subscription.targets[\(index)]"
            guard let read = self.target(target, field) else { continue }
            faults.check(
                !targets.contains { $0.name == read.name }, field,
                "is \(Excerpt(read.name)) again; put another subscription for it")
            targets.append(read)
        }
        return targets
    }

    private mutating func target(
        _ target: Messages.SubscriptionTarget, _ field: String
    ) -> Coordination.SubscriptionTarget? {
        switch target.target {
        case nil:
            faults.check(false, field, "says no target")
            return nil
        case .agent(let agent):
            faults.checkName(agent.agentType, "\(field).agent.agent_type")
            faults.checkName(agent.operation, "\(field).agent.operation")
            return .agent(
                type: agent.agentType, operation: agent.operation, hasEnvelope: agent.envelope)
        case .workflow(let workflow):
            faults.checkName(workflow.workflow, "\(field).workflow.workflow")
            checkID(workflow.workflowID, "\(field).workflow.workflow_id")
            if case .unrecognized(let value) = workflow.openRun {
                faults.check(
                    false, "\(field).workflow.open_run",
                    "is \(value), which this server does not know")
            }
            return .workflow(
                name: workflow.workflow, workflowID: workflow.workflowID,
                waits: workflow.openRun == .retry, hasEnvelope: workflow.envelope)
        case .signal(let signal):
            faults.checkName(signal.signal, "\(field).signal.signal")
            faults.check(
                !signal.workflowID.isEmpty, "\(field).signal.workflow_id", "is required")
            checkID(signal.workflowID, "\(field).signal.workflow_id")
            faults.check(
                signal.startWorkflow.utf8.count <= 256, "\(field).signal.start_workflow",
                "is over 256 bytes")
            return .signal(
                workflowID: signal.workflowID, signal: signal.signal,
                starting: signal.startWorkflow, hasEnvelope: signal.envelope)
        }
    }

    private mutating func checkID(_ text: String, _ field: String) {
        if text.isEmpty { return }
        if let fault = EventPlan.fault(ofWorkflowID: text) {
            faults.check(false, field, Excerpt(fault, maxBytes: 300).description)
        }
    }

    private mutating func policy() -> Coordination.DeliveryPolicy {
        var policy = Coordination.DeliveryPolicy.defaults
        guard let wanted = message.policy else { return policy }
        take(Int64(wanted.maxAttempts), 1...1_000, "max_attempts") {
            policy.maxAttempts = Int($0)
        }
        take(wanted.initialMillis, 1...3_600_000, "initial_millis") { policy.initialMillis = $0 }
        take(wanted.maxMillis, 1...86_400_000, "max_millis") { policy.maxMillis = $0 }
        take(wanted.ackTimeoutMillis, 100...86_400_000, "ack_timeout_millis") {
            policy.ackTimeoutMillis = $0
        }
        if wanted.factor != 0 {
            faults.check(
                wanted.factor >= 1 && wanted.factor <= 100, "subscription.policy.factor",
                "is \(wanted.factor); 1 to 100, 0 for the default of 2")
            policy.factor = wanted.factor
        }
        return policy
    }

    private mutating func take(
        _ value: Int64, _ bounds: ClosedRange<Int64>, _ field: String, _ set: (Int64) -> Void
    ) {
        if value == 0 { return }
        faults.check(
            bounds.contains(value), "subscription.policy.\(field)",
            "is \(value); \(bounds.lowerBound) to \(bounds.upperBound), 0 for the default")
        set(value)
    }
}

extension Messages.SubscriptionDefinition {
    /// A definition for the wire; its policy with the defaults filled in.
    init(_ definition: Coordination.SubscriptionDefinition) {
        self.init()
        name = definition.name
        patterns = definition.patterns.map(\.text)
        filter = definition.filter
        targets = definition.targets.compactMap(Messages.SubscriptionTarget.init)
        switch definition.start {
        case .now: break
        case .oldest: start = EventStart(position: .oldest(true))
        case .from(let sequence): start = EventStart(position: .fromSequence(sequence))
        }
        policy = Messages.DeliveryPolicy(
            maxAttempts: Int32(clamping: definition.policy.maxAttempts),
            initialMillis: definition.policy.initialMillis, factor: definition.policy.factor,
            maxMillis: definition.policy.maxMillis,
            ackTimeoutMillis: definition.policy.ackTimeoutMillis)
        paused = definition.isPaused
        summary = definition.summary
    }
}

extension Messages.SubscriptionTarget {
    /// A target for the wire; `nil` for a stream, which is there when no target is.
    fileprivate init?(_ target: Coordination.SubscriptionTarget) {
        self.init()
        switch target {
        case .stream: return nil
        case .agent(let type, let operation, let hasEnvelope):
            self.target = .agent(
                AgentTarget(agentType: type, operation: operation, envelope: hasEnvelope))
        case .workflow(let name, let workflowID, let waits, let hasEnvelope):
            self.target = .workflow(
                WorkflowTarget(
                    workflow: name, workflowID: workflowID, openRun: waits ? .retry : .skip,
                    envelope: hasEnvelope))
        case .signal(let workflowID, let signal, let starting, let hasEnvelope):
            self.target = .signal(
                SignalTarget(
                    workflowID: workflowID, signal: signal, startWorkflow: starting,
                    envelope: hasEnvelope))
        }
    }
}

extension Messages.Subscription {
    /// A subscription for the wire.
    init(_ view: SubscriptionView) {
        self.init()
        definition = Messages.SubscriptionDefinition(view.definition)
        subscribers = view.targets.map(SubscriberStatus.init)
        createdUnixMillis = view.createdMillis
        updatedUnixMillis = view.updatedMillis
    }
}

extension SubscriberStatus {
    fileprivate init(_ view: SubscriberView) {
        self.init()
        let state = view.state
        target = view.name
        acknowledgedSequence = state.acknowledged
        lag = Int64(view.lag)
        failedAttempts = Int32(clamping: state.failures)
        nextAttemptUnixMillis = state.notBeforeMillis
        lastFailure = state.lastFailure.map(Failure.init)
        delivered = state.delivered
        deadLettered = state.deadLettered
        deadLetters = Int64(view.deadLetters)
        deadLettersDropped = state.deadLettersDropped
        if state.gapThrough > 0 {
            lastGap = EventGap(fromSequence: state.gapFrom, throughSequence: state.gapThrough)
        }
        connected = view.isConnected
    }
}

extension Messages.EventDeadLetter {
    /// A dead letter for the wire.
    init(_ letter: Coordination.EventDeadLetter) {
        self.init()
        subscription = letter.subscription
        target = letter.target
        publication = Messages.Publication(letter.publication)
        attempts = Int32(clamping: letter.attempts)
        failure = Failure(letter.failure)
        parkedUnixMillis = letter.parkedMillis
    }
}
