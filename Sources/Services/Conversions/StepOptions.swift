import Coordination
import Messages

// What a step may say beside its operation, in both directions.

extension Coordination.StepDefinition {
    mutating func takeOptions(of message: Messages.StepDefinition) {
        takeKind(of: message)
        when = message.when.isEmpty ? nil : message.when
        outputSchema = message.outputSchema.isEmpty ? nil : message.outputSchema
        modes = message.modes.map(Coordination.ModeBehavior.init) ?? .run
        scheduleToStartMillis = message.scheduleToStartMillis.unlessZero
        scheduleToCloseMillis = message.scheduleToCloseMillis.unlessZero
        heartbeatMillis = message.heartbeatMillis.unlessZero
        switch message.onExhausted {
        case .pause: onExhausted = .pause
        case .deadLetter: onExhausted = .deadLetter
        default: onExhausted = .fail
        }
        fallback = message.fallback.map(Coordination.StepWork.init)
        compensation = message.compensation.map(Coordination.StepWork.init)
        priority = message.priority == 0 ? 3 : Int(message.priority)
        concurrency = message.concurrency.map {
            Coordination.ConcurrencyKey(key: $0.key, limit: Int($0.limit))
        }
        rate = message.rate.map {
            Coordination.RateKey(key: $0.key, limit: Int($0.limit), perMillis: $0.perMillis)
        }
    }

    private mutating func takeKind(of message: Messages.StepDefinition) {
        switch message.kind {
        case .wait(let wait):
            kind = .wait(
                WaitSpec(
                    signal: wait.signal, eventType: wait.eventType, millis: wait.millis))
        case .approval(let approval): kind = .approval(ApprovalSpec(approval))
        case .publish(let publish): kind = .publish(eventType: publish.eventType)
        case .child(let child):
            kind = .child(
                ChildSpec(
                    workflow: child.workflow,
                    onParentClose: ParentClosePolicy(child.onParentClose),
                    loop: child.`repeat`.map {
                        Coordination.ChildLoop(until: $0.until, times: Int($0.times))
                    }))
            if message.retry == nil { retry.maxAttempts = 1 }
        case .fanOut(let list):
            kind = .fanOut(
                FanOutSpec(
                    width: list.width == 0 ? FanOutSpec.maxWidth : Int(list.width),
                    concurrency: list.concurrency == 0 ? 16 : Int(list.concurrency)))
        case .continueAsNew(let next):
            kind = .continueAsNew(
                ContinueSpec(
                    workflow: next.workflow,
                    version: next.version == .keep ? .keep : .current))
        case .ballot(let ballot):
            // What this server does not know becomes the default; the rest is validated by the engine.
            var unknown = FieldFaults()
            kind = .ballot(BallotSpec(ballot.voters, ballot.rules, "", &unknown))
        case nil: kind = .invoke
        }
    }
}

extension ApprovalSpec {
    init(_ message: ApprovalStep) {
        self.init(
            assignees: message.assignees, prompt: message.prompt, millis: message.millis,
            defaultDecision: Coordination.ApprovalDecision(message.defaultDecision),
            formSchema: message.formSchema)
    }
}

extension Coordination.ApprovalDecision {
    /// `nil` when the message names none that this server knows.
    init?(_ message: Messages.ApprovalDecision) {
        switch message {
        case .approve: self = .approve
        case .reject: self = .reject
        default: return nil
        }
    }
}

extension Coordination.ParentClosePolicy {
    init(_ message: Messages.ParentClosePolicy) {
        switch message {
        case .abandon: self = .abandon
        case .requestCancel: self = .requestCancel
        default: self = .terminate
        }
    }
}

extension Coordination.StepWork {
    init(_ message: Messages.StepWork) {
        self.init(
            agentType: message.agentType, operation: message.operation,
            inputTemplate: message.inputTemplate.isEmpty ? nil : message.inputTemplate,
            startToCloseMillis: message.startToCloseMillis.unlessZero ?? 30_000,
            retry: message.retry.map(Coordination.RetryPolicy.init) ?? .defaults)
    }
}

extension Int64 {
    /// The value; `nil` when it was left out.
    fileprivate var unlessZero: Int64? { self == 0 ? nil : self }
}

extension Messages.StepDefinition {
    mutating func takeOptions(of step: Coordination.StepDefinition) {
        takeKind(of: step.kind)
        when = step.when ?? ""
        outputSchema = step.outputSchema ?? ""
        modes = Messages.ModeBehavior(step.modes)
        scheduleToStartMillis = step.scheduleToStartMillis ?? 0
        scheduleToCloseMillis = step.scheduleToCloseMillis ?? 0
        heartbeatMillis = step.heartbeatMillis ?? 0
        switch step.onExhausted {
        case .fail: onExhausted = .fail
        case .pause: onExhausted = .pause
        case .deadLetter: onExhausted = .deadLetter
        }
        fallback = step.fallback.map(Messages.StepWork.init)
        compensation = step.compensation.map(Messages.StepWork.init)
        priority = Int32(clamping: step.priority)
        concurrency = step.concurrency.map {
            var key = Messages.ConcurrencyKey()
            key.key = $0.key
            key.limit = Int32(clamping: $0.limit)
            return key
        }
        rate = step.rate.map {
            var key = Messages.RateKey()
            key.key = $0.key
            key.limit = Int32(clamping: $0.limit)
            key.perMillis = $0.perMillis
            return key
        }
    }

    private mutating func takeKind(of kind: Coordination.StepKind) {
        switch kind {
        case .invoke: self.kind = nil
        case .wait(let spec):
            var wait = WaitStep()
            wait.signal = spec.signal
            wait.eventType = spec.eventType
            wait.millis = spec.millis
            self.kind = .wait(wait)
        case .approval(let spec): self.kind = .approval(ApprovalStep(spec))
        case .publish(let eventType):
            var publish = PublishStep()
            publish.eventType = eventType
            self.kind = .publish(publish)
        case .child(let spec):
            var child = ChildStep()
            child.workflow = spec.workflow
            child.onParentClose = Messages.ParentClosePolicy(spec.onParentClose)
            child.`repeat` = spec.loop.map {
                var loop = Messages.ChildLoop()
                loop.until = $0.until
                loop.times = Int32(clamping: $0.times)
                return loop
            }
            self.kind = .child(child)
        case .fanOut(let spec):
            var list = FanOutStep()
            list.width = Int32(clamping: spec.width)
            list.concurrency = Int32(clamping: spec.concurrency)
            self.kind = .fanOut(list)
        case .continueAsNew(let spec):
            var next = ContinueStep()
            next.workflow = spec.workflow
            next.version = spec.version == .keep ? .keep : .current
            self.kind = .continueAsNew(next)
        case .ballot(let spec): self.kind = .ballot(BallotStep(spec))
        }
    }
}

extension ApprovalStep {
    init(_ spec: ApprovalSpec) {
        self.init()
        assignees = spec.assignees
        prompt = spec.prompt
        millis = spec.millis
        defaultDecision = spec.defaultDecision.map(Messages.ApprovalDecision.init) ?? .unspecified
        formSchema = spec.formSchema
    }
}

extension Messages.ApprovalDecision {
    init(_ decision: Coordination.ApprovalDecision) {
        switch decision {
        case .approve: self = .approve
        case .reject: self = .reject
        }
    }
}

extension Messages.ParentClosePolicy {
    init(_ policy: Coordination.ParentClosePolicy) {
        switch policy {
        case .terminate: self = .terminate
        case .abandon: self = .abandon
        case .requestCancel: self = .requestCancel
        }
    }
}

extension Messages.StepWork {
    init(_ work: Coordination.StepWork) {
        self.init()
        agentType = work.agentType
        operation = work.operation
        inputTemplate = work.inputTemplate ?? ""
        startToCloseMillis = work.startToCloseMillis
        retry = Messages.RetryPolicy(work.retry)
    }
}
