/// What one step may say, by its kind.
extension DefinitionValidation {
    mutating func checkStep(_ index: Int) {
        let step = definition.steps[index]
        let field = "steps[\(index)]"
        checkStepID(step.id, "\(field).id")
        checkAgent(of: step, field)
        checkKind(step, field)
        checkTimes(step, field)
        checkRetry(step.retry, "\(field).retry")
        checkStandIns(step, field)
        checkKeys(step, field)
        checkModes(step, field)
    }

    private mutating func checkAgent(of step: StepDefinition, _ field: String) {
        if step.kind.needsAgent {
            checkName(step.agentType, "\(field).agent_type")
            return checkName(step.operation, "\(field).operation")
        }
        var isBallot = false
        if case .ballot = step.kind { isBallot = true }
        for (name, value) in [("agent_type", step.agentType), ("operation", step.operation)]
        where !value.isEmpty && !(isBallot && name == "operation") {
            fault("\(field).\(name)", "is set, but no agent works on this kind of step")
        }
    }

    private mutating func checkKind(_ step: StepDefinition, _ field: String) {
        switch step.kind {
        case .invoke: break
        case .wait(let spec): checkWait(spec, "\(field).wait")
        case .approval(let spec): checkApproval(spec, "\(field).approval")
        case .publish(let eventType): checkName(eventType, "\(field).publish.event_type")
        case .child(let spec):
            checkName(spec.workflow, "\(field).child.workflow")
            if let loop = spec.loop {
                checkCount(loop.times, 1...ChildLoop.maxTimes, "\(field).child.repeat.times")
            }
        case .fanOut(let spec):
            checkCount(spec.width, 1...FanOutSpec.maxWidth, "\(field).fan_out.width")
            checkCount(spec.concurrency, 1...FanOutSpec.maxWidth, "\(field).fan_out.concurrency")
        case .continueAsNew(let spec): checkContinuing(spec, step, "\(field).continue_as_new")
        case .ballot(let spec):
            for one in spec.faults("\(field).ballot.", operation: step.operation) {
                fault(one.field, one.description)
            }
        }
    }

    private mutating func checkContinuing(
        _ spec: ContinueSpec, _ step: StepDefinition, _ field: String
    ) {
        if !spec.workflow.isEmpty {
            checkName(spec.workflow, "\(field).workflow")
            if spec.version == .keep {
                fault("\(field).version", "is KEEP, which is for the run's own definition")
            }
        }
        if step.compensation != nil {
            fault(field, "has a compensation, but nothing is undone in a run that is continued")
        }
    }

    private mutating func checkWait(_ spec: WaitSpec, _ field: String) {
        if !spec.signal.isEmpty, !spec.eventType.isEmpty {
            fault(field, "names a signal and an event; give one of them")
        }
        if !spec.signal.isEmpty { checkName(spec.signal, "\(field).signal") }
        if !spec.eventType.isEmpty { checkName(spec.eventType, "\(field).event_type") }
        let least: Int64 = spec.isTimer ? 1 : 0
        if !(least...Self.maxMillis).contains(spec.millis) {
            fault("\(field).millis", "is \(spec.millis); give \(least) ms to 366 days")
        }
    }

    private mutating func checkApproval(_ spec: ApprovalSpec, _ field: String) {
        checkCount(spec.assignees.count, 0...100, "\(field).assignees")
        for (index, name) in spec.assignees.prefix(100).enumerated() {
            checkName(name, "\(field).assignees[\(index)]")
        }
        if spec.prompt.utf8.count > 4_096 {
            fault("\(field).prompt", "is \(spec.prompt.utf8.count) bytes; give at most 4096")
        }
        if spec.formSchema.utf8.count > Self.maxTemplateBytes {
            fault(
                "\(field).form_schema",
                "is \(spec.formSchema.utf8.count) bytes; give at most \(Self.maxTemplateBytes)")
        }
        if !(0...Self.maxMillis).contains(spec.millis) {
            fault("\(field).millis", "is \(spec.millis); give 0 ms to 366 days")
        }
        if spec.defaultDecision != nil, spec.millis == 0 {
            fault("\(field).default_decision", "needs millis: when is it taken?")
        }
    }

    private mutating func checkTimes(_ step: StepDefinition, _ field: String) {
        let times = [
            ("start_to_close_millis", step.startToCloseMillis),
            ("schedule_to_start_millis", step.scheduleToStartMillis ?? 1),
            ("schedule_to_close_millis", step.scheduleToCloseMillis ?? 1),
            ("heartbeat_millis", step.heartbeatMillis ?? 1),
        ]
        for (name, millis) in times where !(1...Self.maxMillis).contains(millis) {
            fault("\(field).\(name)", "is \(millis) ms; give 1 ms to 366 days, or leave it out")
        }
        if !step.kind.needsAgent { checkTimesWithoutAgent(step, field) }
    }

    /// What nobody would look at is refused rather than passed over.
    private mutating func checkTimesWithoutAgent(_ step: StepDefinition, _ field: String) {
        if step.scheduleToStartMillis != nil {
            fault("\(field).schedule_to_start_millis", "is for steps that wait for an agent")
        }
        if step.heartbeatMillis != nil {
            fault("\(field).heartbeat_millis", "is for steps that an agent works on")
        }
        // Children and ballots are tried again like calls.
        switch step.kind {
        case .child, .ballot: return
        default: break
        }
        if step.scheduleToCloseMillis != nil {
            fault("\(field).schedule_to_close_millis", "is for steps that are tried again")
        }
    }

    private mutating func checkStandIns(_ step: StepDefinition, _ field: String) {
        if let fallback = step.fallback {
            if !step.kind.needsAgent {
                fault("\(field).fallback", "stands in for an agent, and this kind has none")
            }
            if case .fanOut = step.kind {
                fault("\(field).fallback", "cannot stand in for a list; use a child workflow")
            }
            checkWork(fallback, "\(field).fallback")
        }
        if let compensation = step.compensation {
            checkWork(compensation, "\(field).compensation")
        }
    }

    private mutating func checkWork(_ work: StepWork, _ field: String) {
        checkName(work.agentType, "\(field).agent_type")
        checkName(work.operation, "\(field).operation")
        if !(1...Self.maxMillis).contains(work.startToCloseMillis) {
            fault(
                "\(field).start_to_close_millis",
                "is \(work.startToCloseMillis) ms; give 1 ms to 366 days, or leave it out")
        }
        checkRetry(work.retry, "\(field).retry")
    }

    private mutating func checkKeys(_ step: StepDefinition, _ field: String) {
        if step.outputSchema != nil, step.kind != .invoke {
            fault("\(field).output_schema", "is for steps that call an operation once")
        }
        checkCount(step.priority, 1...5, "\(field).priority")
        if let concurrency = step.concurrency {
            checkName(concurrency.key, "\(field).concurrency.key")
            checkCount(concurrency.limit, 1...10_000, "\(field).concurrency.limit")
        }
        if let rate = step.rate {
            checkName(rate.key, "\(field).rate.key")
            checkCount(rate.limit, 1...1_000_000, "\(field).rate.limit")
            if !(1...Self.maxMillis).contains(rate.perMillis) {
                fault("\(field).rate.per_millis", "is \(rate.perMillis) ms; give 1 ms to 366 days")
            }
        }
        if !step.kind.needsAgent, step.concurrency != nil || step.rate != nil {
            fault(field, "has a concurrency or rate key, but no agent works on this kind of step")
        }
    }

    private mutating func checkCount(_ count: Int, _ range: ClosedRange<Int>, _ field: String) {
        if !range.contains(count) {
            fault(field, "is \(count); give \(range.lowerBound) to \(range.upperBound)")
        }
    }

    private mutating func checkRetry(_ retry: RetryPolicy, _ field: String) {
        if !(1...1_000).contains(retry.maxAttempts) {
            fault("\(field).max_attempts", "is \(retry.maxAttempts); give 1 to 1000")
        }
        let isInitialRight = (0...Self.maxMillis).contains(retry.initialMillis)
        if !isInitialRight {
            fault(
                "\(field).initial_millis",
                "is \(retry.initialMillis) ms; give 1 ms to 366 days, or leave it out")
        }
        if !(retry.factor >= 1 && retry.factor <= 100) {
            fault("\(field).factor", "is \(retry.factor); give 1 to 100")
        }
        let least = isInitialRight ? retry.initialMillis : 0
        if !(least...Self.maxMillis).contains(retry.maxMillis) {
            fault(
                "\(field).max_millis",
                "is \(retry.maxMillis) ms; give at least the first wait, \(least) ms, and at most "
                    + "366 days, or leave it out")
        }
        for (index, type) in retry.nonRetryableTypes.enumerated() {
            checkName(type, "\(field).non_retryable_types[\(index)]")
        }
    }
}
