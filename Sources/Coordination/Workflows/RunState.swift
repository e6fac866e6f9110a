public import JSON

/// All that is known of one open or just closed run. ``RunMachine`` changes it, ``RunCodec``
/// stores it.
public struct RunState: Sendable {
    /// Which run, and where it belongs.
    public let id: RunID
    public let namespace: Namespace
    /// The caller's name for the run; the run id when the caller gave none.
    public let workflowID: String
    /// The definition the run started with and keeps.
    public let plan: WorkflowPlan
    /// Where the definition's bytes are stored.
    public let planID: PayloadID
    public let input: PayloadID
    public let startedMillis: Int64
    /// Wall clock; `nil`: no limit.
    public internal(set) var deadlineMillis: Int64?

    /// Where it stands; when it ended (wall clock, milliseconds since 1970; `nil`: it is open); and the
    /// sequence number of its newest event, 0 before the first.
    public internal(set) var status = RunStatus.running
    public internal(set) var closedMillis: Int64?
    public internal(set) var lastSequence: Int64 = 0
    /// Bytes of the payloads stored for this run.
    public internal(set) var payloadBytes: Int
    /// Bytes of its history as it is stored, without what the filling batch adds.
    public internal(set) var historyBytes = 0
    /// The plan's steps in their order, then one for each element that a `fan_out` works on.
    public internal(set) var steps: [StepRecord]
    public internal(set) var failure: StepFailure?
    public internal(set) var result: PayloadID?
    /// What few runs have.
    public internal(set) var extra = Rare<RunExtra>()

    /// A run before its first event.
    public init(
        id: RunID, namespace: Namespace, workflowID: String, plan: WorkflowPlan,
        planID: PayloadID, input: PayloadID, inputBytes: Int, startedMillis: Int64
    ) {
        self.id = id
        self.namespace = namespace
        self.workflowID = workflowID
        self.plan = plan
        self.planID = planID
        self.input = input
        self.startedMillis = startedMillis
        deadlineMillis = plan.definition.runTimeoutMillis.map { startedMillis &+ $0 }
        payloadBytes = inputBytes
        steps = plan.steps.map { StepRecord(waitingFor: $0.dependencies.count) }
    }

    /// A new run that a step of another one has started.
    public mutating func setParent(_ parent: StepPlace?, depth: Int) {
        extra.value.parent = parent
        extra.value.depth = depth
    }

    /// A new run that can be found by these.
    public mutating func setAttributes(_ attributes: [RunAttribute]) {
        extra.value.attributes = attributes
    }

    /// A new run whose start belongs to a trace.
    public mutating func setTrace(_ trace: TraceContext) { extra.value.trace = trace }

    /// A new run that takes the place of another one.
    public mutating func setPredecessor(_ run: RunID) {
        extra.value.continuedFrom = run
    }

    /// A new run whose input nobody has held against the definition's contract.
    public mutating func leaveInputUnchecked() {
        if plan.inputContract != nil { extra.value.isInputUnchecked = true }
    }

    /// The run as people look at it.
    public var summary: RunSummary {
        var summary = RunSummary(
            id: id, namespace: namespace, workflowID: workflowID,
            definition: plan.definition.name, version: plan.definition.version, status: status,
            startedMillis: startedMillis, closedMillis: closedMillis, failure: failure,
            steps: steps.indices.compactMap(summary(ofStep:)), lastSequence: lastSequence,
            compensation: extra.value.compensation, parent: extra.value.parent?.run,
            reason: extra.value.reason, attributes: extra.value.attributes)
        summary.ownSteps = plan.ownSteps
        summary.continuedAs = extra.value.continuedAs
        summary.continuedFrom = extra.value.continuedFrom
        let limits = RunLimits.defaults
        summary.isNearLimits =
            lastSequence >= limits.maxEvents / 5 * 4
            || historyBytes >= limits.maxHistoryBytes / 5 * 4
            || payloadBytes >= limits.maxPayloadBytes / 5 * 4
        return summary
    }

    /// Compensations that nothing happened to, and room of elements that is free, are not shown.
    private func summary(ofStep step: Int) -> StepSummary? {
        let record = steps[step]
        if step >= plan.ownSteps, record.attempt == 0 { return nil }
        var definition = plan.steps.indices.contains(step) ? plan.steps[step].definition : nil
        if definition == nil {
            definition = work(of: step).definition
            definition?.id = name(of: step)
        }
        return definition.map { record.summary(of: $0) }
    }

    /// What is done for a step now: its own work, its fallback's, or that of one element.
    public func work(of step: Int) -> PlannedStep {
        guard step < plan.steps.count else {
            let owner = plan.steps[steps[step].extra.value.owner]
            return owner.item ?? owner
        }
        let planned = plan.steps[step]
        if steps[step].extra.isDefault || !steps[step].extra.value.usesFallback { return planned }
        return planned.fallback ?? planned
    }

    /// What the history calls a step: its id; `ID[3]` for an element of a list, `ID#2[3]` when the
    /// list is gone through for the second time.
    public func name(of step: Int) -> String {
        if step < plan.steps.count { return plan.steps[step].definition.id }
        let extra = steps[step].extra.value
        let attempt = steps[extra.owner].attempt
        let again = attempt > 1 ? "#\(attempt)" : ""
        return "\(plan.steps[extra.owner].definition.id)\(again)[\(extra.index)]"
    }

    /// The step that a history name means; `nil`: there is none.
    public func index(ofStepNamed name: String) -> Int? {
        if let index = plan.index(of: name) { return index }
        guard name.hasSuffix("]") else { return nil }
        return (plan.steps.count..<steps.count).first {
            steps[$0].attempt > 0 && self.name(of: $0) == name
        }
    }

    /// How a step's input comes from what is stored.
    public func inputRecipe(of step: Int) -> PayloadRecipe {
        if let own = steps[step].extra.value.input { return .whole(own) }
        guard let template = work(of: step).input else { return .whole(input) }
        return recipe(template)
    }

    /// What an output of the step, or of its fallback, must fit; `nil`: anything.
    public func outputContract(of step: Int) -> JSONSchema? {
        step < plan.ownSteps ? plan.steps[step].outputContract : nil
    }

    /// How whether a step's condition holds comes from what is stored.
    public func conditionRecipe(of step: Int) -> PayloadRecipe? {
        guard let condition = plan.steps[step].condition else { return nil }
        var outputs: [String: PayloadID] = [:]
        for id in condition.stepIDs { outputs[id] = output(of: id) }
        return .condition(
            condition, input: condition.usesInput ? input : nil, outputs: outputs)
    }

    /// How whether a repeated child has run often enough comes from what is stored; `nil`: it runs
    /// once.
    public func untilRecipe(of step: Int) -> PayloadRecipe? {
        guard let until = plan.steps[step].until, let result = steps[step].extra.value.childResult
        else { return nil }
        var outputs: [String: PayloadID] = [:]
        for id in until.stepIDs { outputs[id] = output(of: id) }
        outputs[plan.steps[step].definition.id] = result
        return .condition(until, input: until.usesInput ? input : nil, outputs: outputs)
    }

    /// How the list of a `fan_out` step's outcomes comes from what is stored.
    public func outcomesRecipe(of step: Int) -> PayloadRecipe {
        var outcomes: [(index: Int, outcome: PayloadRecipe.Settled)] = []
        // Elements of a list that was given up before it was made again may stand before.
        let first = max(plan.steps.count, steps[step].extra.value.firstItem)
        for item in first..<max(first, steps.count)
        where steps[item].extra.value.owner == step && steps[item].attempt > 0 {
            let outcome = PayloadRecipe.Settled(
                output: steps[item].output, failure: steps[item].failure)
            outcomes.append((steps[item].extra.value.index, outcome))
        }
        return .settled(outcomes.sorted { $0.index < $1.index }.map(\.outcome))
    }

    /// How the run's result comes from what is stored.
    public var resultRecipe: PayloadRecipe {
        if let template = plan.result { return recipe(template) }
        var outputs: [PayloadRecipe.Collected] = []
        for (step, record) in zip(plan.steps, steps) {
            guard step.role == .own, let output = record.output else { continue }
            outputs.append(PayloadRecipe.Collected(step: step.definition.id, output: output))
        }
        return .collected(outputs)
    }

    private func recipe(_ template: InputTemplate) -> PayloadRecipe {
        switch template.whole {
        case .input: return .whole(input)
        case .output(let step):
            if let output = output(of: step) { return .whole(output) }
        case nil: break
        }
        var outputs: [String: PayloadID] = [:]
        for step in template.stepIDs { outputs[step] = output(of: step) }
        return .template(
            template, input: template.usesInput ? input : nil, outputs: outputs)
    }

    private func output(of step: String) -> PayloadID? {
        plan.index(of: step).flatMap { steps[$0].output }
    }
}

/// What is known of one step of a run.
public struct StepRecord: Sendable, Hashable {
    /// Where it stands.
    public internal(set) var state = StepState.pending
    /// Number of the current attempt; 0 before the first is scheduled.
    public internal(set) var attempt = 0
    /// Attempts that failed or timed out; the retry policy counts these.
    public internal(set) var failures = 0
    /// Attempts whose instance was lost; they have a limit of their own.
    public internal(set) var losses = 0
    /// The dispatch under way; set while running.
    public internal(set) var token: AssignmentToken?
    /// The attempt is not begun before this wall-clock instant; once it has begun, when it did. What
    /// waits for a time waits until then; 0: it does not. What is parked has been so since.
    public internal(set) var notBeforeMillis: Int64 = 0
    public internal(set) var startedMillis: Int64?
    public internal(set) var endedMillis: Int64?
    public internal(set) var output: PayloadID?
    public internal(set) var failure: StepFailure?
    /// Who works on the running attempt outside this process and so may outlive it; `nil`: an
    /// instance in this process, which does not.
    public internal(set) var holder: AssignmentHolder?
    /// What the newest heartbeat of any attempt said; handed to the next attempt. Saved with the
    /// run's next change, so a crash may lose the newest.
    public internal(set) var heartbeat: Payload?
    /// Dependencies that have not ended; derived, not stored.
    public internal(set) var waitingFor: Int
    /// What few steps have.
    public internal(set) var extra = Rare<StepExtra>()

    /// A step that nothing happened to.
    public init(waitingFor: Int) { self.waitingFor = waitingFor }

    /// The step as people look at it.
    public func summary(of step: StepDefinition) -> StepSummary {
        let begun = state == .waitingRetry || state == .scheduled ? max(0, attempt - 1) : attempt
        return StepSummary(
            id: step.id, agentType: step.agentType, operation: step.operation,
            dependsOn: step.dependsOn, isRequired: step.isRequired, state: state, attempts: begun,
            startedMillis: startedMillis, endedMillis: endedMillis, failure: failure,
            kind: step.kind, child: extra.value.child,
            dueMillis: state == .waiting || state == .waitingRetry ? notBeforeMillis : 0)
    }
}
