/// A workflow as data: a DAG of steps that agents carry out.
///
/// Chains, independent steps and pipelines are all the same thing here; `dependsOn` makes the
/// difference. A run keeps the definition it started with.
public struct WorkflowDefinition: Sendable, Hashable {
    /// 1 to 256 bytes, such as `calendar-discovery`.
    public var name: String
    /// The author's version; a put with other content needs another one.
    public var version: String
    /// One sentence for people.
    public var summary: String
    /// 1 to 500.
    public var steps: [StepDefinition]
    /// A JSON template for the run's result, such as `${steps.synthesis.output}`; `nil`: an object
    /// of every completed step's output by step id.
    public var resultTemplate: String?
    /// From the start of the run to its end, milliseconds; `nil`: none.
    public var runTimeoutMillis: Int64?
    /// A JSON Schema that inputs of runs must fit; `nil`: any JSON value.
    public var inputSchema: String?
    /// Event types that start a run each, with the event's payload as its input; at most 100.
    public var triggers: [String]

    /// Combines the parts; validate before use.
    public init(
        name: String, version: String, summary: String = "", steps: [StepDefinition],
        resultTemplate: String? = nil, runTimeoutMillis: Int64? = nil, triggers: [String] = []
    ) {
        self.name = name
        self.version = version
        self.summary = summary
        self.steps = steps
        self.resultTemplate = resultTemplate
        self.runTimeoutMillis = runTimeoutMillis
        self.triggers = triggers
    }
}

/// One step, run when the steps it depends on have ended: by default an operation of an agent type.
public struct StepDefinition: Sendable, Hashable {
    /// Unique in the definition, 1 to 256 bytes of `[A-Za-z0-9_-]`.
    public var id: String
    /// Whose operation is called; empty for kinds without an agent.
    public var agentType: String
    /// What is called; empty for kinds without an agent.
    public var operation: String
    public var dependsOn: [String]
    /// A JSON template for the input; `nil`: the run's input as it is.
    public var inputTemplate: String?
    /// A required step that fails fails the run; an optional one is recorded and the run goes on.
    public var isRequired: Bool
    /// From dispatch to result, milliseconds. Default 30,000.
    public var startToCloseMillis: Int64
    public var retry: RetryPolicy
    /// What the step does. Default `.invoke`.
    public var kind = StepKind.invoke
    /// A condition over `input` and `steps.ID.output`; the step is skipped when it does not hold.
    /// A skipped step counts as ended, its output is `null`. `nil`: it always runs.
    public var when: String?
    /// A JSON Schema that outputs of an agent must fit; one that does not is a failure
    /// (`contract_violated`) that is tried again. `nil`: any output.
    public var outputSchema: String?
    /// From being ready to dispatch, milliseconds; `nil`: as ``startToCloseMillis``. Not retried.
    public var scheduleToStartMillis: Int64?
    /// From first being ready over all attempts to the end, milliseconds; `nil`: no limit.
    public var scheduleToCloseMillis: Int64?
    /// The longest silence of an agent that works on it, milliseconds; `nil`: no limit.
    public var heartbeatMillis: Int64?
    /// What becomes of the step when its attempts are used up. Default `.fail`.
    public var onExhausted = ExhaustionPolicy.fail
    /// Takes the step's place when its attempts are used up; its output is the step's then.
    public var fallback: StepWork?
    /// Undoes the step when the run fails, times out or is cancelled after it completed.
    public var compensation: StepWork?
    /// 1 (first) to 5 (last) among what waits for an agent; default 3.
    public var priority = 3
    /// What it does in each operating mode; its fallback and its compensation run in any.
    public var modes = ModeBehavior.run
    /// Limits how many such steps work at once; `nil`: no limit.
    public var concurrency: ConcurrencyKey?
    /// Limits how many such attempts begin in a time; `nil`: no limit.
    public var rate: RateKey?

    /// Combines the parts; the enclosing definition is validated as a whole.
    public init(
        id: String, agentType: String, operation: String, dependsOn: [String] = [],
        inputTemplate: String? = nil, isRequired: Bool = true,
        startToCloseMillis: Int64 = 30_000, retry: RetryPolicy = .defaults
    ) {
        self.id = id
        self.agentType = agentType
        self.operation = operation
        self.dependsOn = dependsOn
        self.inputTemplate = inputTemplate
        self.isRequired = isRequired
        self.startToCloseMillis = startToCloseMillis
        self.retry = retry
    }
}

/// When and how often a failed step is tried again.
public struct RetryPolicy: Sendable, Hashable {
    /// Attempts in all, 1 or more. Default 3.
    public var maxAttempts: Int
    /// The wait before the second attempt, milliseconds. Default 1,000.
    public var initialMillis: Int64
    /// What each further wait is multiplied by, 1 or more. Default 2.
    public var factor: Double
    /// The longest wait, milliseconds. Default 100 times the first, 366 days at most.
    public var maxMillis: Int64
    /// Failure types that are never tried again.
    public var nonRetryableTypes: [String]

    /// Combines the parts.
    public init(
        maxAttempts: Int = 3, initialMillis: Int64 = 1_000, factor: Double = 2,
        maxMillis: Int64 = 100_000, nonRetryableTypes: [String] = []
    ) {
        self.maxAttempts = maxAttempts
        self.initialMillis = initialMillis
        self.factor = factor
        self.maxMillis = maxMillis
        self.nonRetryableTypes = nonRetryableTypes
    }

    /// The longest wait where only the first was given: in range for any first one, so that nobody is
    /// told of a value that was not given.
    public static func defaultMaxMillis(afterFirst millis: Int64) -> Int64 {
        let longest = DefinitionValidation.maxMillis
        return min(max(0, min(millis, longest)) * 100, longest)
    }

    /// Three attempts, waiting 1 s and 2 s between them.
    public static let defaults = RetryPolicy()
}
