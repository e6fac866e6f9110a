import Coordination
import Messages

extension Coordination.WorkflowDefinition {
    /// Takes a definition off the wire. The engine validates it.
    public init(_ message: Messages.WorkflowDefinition) {
        self.init(
            name: message.name, version: message.version, summary: message.summary,
            steps: message.steps.map(Coordination.StepDefinition.init),
            resultTemplate: message.resultTemplate.isEmpty ? nil : message.resultTemplate,
            runTimeoutMillis: message.runTimeoutMillis == 0 ? nil : message.runTimeoutMillis,
            triggers: message.triggers)
        inputSchema = message.inputSchema.isEmpty ? nil : message.inputSchema
    }
}

extension Coordination.StepDefinition {
    init(_ message: Messages.StepDefinition) {
        self.init(
            id: message.id, agentType: message.agentType, operation: message.operation,
            dependsOn: message.dependsOn,
            inputTemplate: message.inputTemplate.isEmpty ? nil : message.inputTemplate,
            isRequired: !message.optional,
            startToCloseMillis: message.startToCloseMillis == 0
                ? 30_000 : message.startToCloseMillis,
            retry: message.retry.map(Coordination.RetryPolicy.init) ?? .defaults)
        takeOptions(of: message)
    }
}

extension Coordination.RetryPolicy {
    init(_ message: Messages.RetryPolicy) {
        let first = message.initialMillis == 0 ? 1_000 : message.initialMillis
        self.init(
            maxAttempts: message.maxAttempts == 0 ? 3 : Int(message.maxAttempts),
            initialMillis: first, factor: message.factor == 0 ? 2 : message.factor,
            maxMillis: message.maxMillis == 0
                ? Self.defaultMaxMillis(afterFirst: first) : message.maxMillis,
            nonRetryableTypes: message.nonRetryableTypes)
    }
}

extension Messages.WorkflowDefinition {
    /// As clients are told of it.
    public init(_ definition: Coordination.WorkflowDefinition) {
        self.init()
        name = definition.name
        version = definition.version
        summary = definition.summary
        steps = definition.steps.map(Messages.StepDefinition.init)
        resultTemplate = definition.resultTemplate ?? ""
        runTimeoutMillis = definition.runTimeoutMillis ?? 0
        triggers = definition.triggers
        inputSchema = definition.inputSchema ?? ""
    }
}

extension Messages.StepDefinition {
    init(_ step: Coordination.StepDefinition) {
        self.init()
        id = step.id
        agentType = step.agentType
        operation = step.operation
        dependsOn = step.dependsOn
        inputTemplate = step.inputTemplate ?? ""
        optional = !step.isRequired
        startToCloseMillis = step.startToCloseMillis
        retry = Messages.RetryPolicy(step.retry)
        takeOptions(of: step)
    }
}

extension Messages.RetryPolicy {
    init(_ policy: Coordination.RetryPolicy) {
        self.init()
        maxAttempts = Int32(clamping: policy.maxAttempts)
        initialMillis = policy.initialMillis
        factor = policy.factor
        maxMillis = policy.maxMillis
        nonRetryableTypes = policy.nonRetryableTypes
    }
}
