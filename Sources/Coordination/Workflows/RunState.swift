/// All that is known of one open or just closed run. ``RunMachine`` changes it, ``RunCodec``
/// stores it.
public struct RunState: Sendable {
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
    public let deadlineMillis: Int64?

    public internal(set) var status = RunStatus.running
    public internal(set) var closedMillis: Int64?
    public internal(set) var lastSequence: Int64 = 0
    /// Bytes of the payloads stored for this run.
    public internal(set) var payloadBytes: Int
    public internal(set) var steps: [StepRecord]
    public internal(set) var failure: StepFailure?
    public internal(set) var result: PayloadID?

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

    /// The run as people look at it.
    public var summary: RunSummary {
        RunSummary(
            id: id, namespace: namespace, workflowID: workflowID,
            definition: plan.definition.name, version: plan.definition.version, status: status,
            startedMillis: startedMillis, closedMillis: closedMillis, failure: failure,
            steps: zip(plan.steps, steps).map { $1.summary(of: $0.definition) },
            lastSequence: lastSequence)
    }

    /// How a step's input comes from what is stored.
    public func inputRecipe(of step: Int) -> PayloadRecipe {
        guard let template = plan.steps[step].input else { return .whole(input) }
        return recipe(template)
    }

    /// How the run's result comes from what is stored.
    public var resultRecipe: PayloadRecipe {
        if let template = plan.result { return recipe(template) }
        var outputs: [PayloadRecipe.Collected] = []
        for (step, record) in zip(plan.steps, steps) {
            guard let output = record.output else { continue }
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
    public internal(set) var state = StepState.pending
    /// Number of the current attempt; 0 before the first is scheduled.
    public internal(set) var attempt = 0
    /// Attempts that failed or timed out; the retry policy counts these.
    public internal(set) var failures = 0
    /// Attempts whose instance was lost; they have a limit of their own.
    public internal(set) var losses = 0
    /// The dispatch under way; set while running.
    public internal(set) var token: AssignmentToken?
    /// The attempt is not begun before this wall-clock instant.
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

    /// A step that nothing happened to.
    public init(waitingFor: Int) { self.waitingFor = waitingFor }

    /// The step as people look at it.
    func summary(of step: StepDefinition) -> StepSummary {
        let begun = state == .waitingRetry || state == .scheduled ? max(0, attempt - 1) : attempt
        return StepSummary(
            id: step.id, agentType: step.agentType, operation: step.operation,
            dependsOn: step.dependsOn, isRequired: step.isRequired, state: state, attempts: begun,
            startedMillis: startedMillis, endedMillis: endedMillis, failure: failure)
    }
}
