/// Who is to have which publications, durably.
public struct SubscriptionDefinition: Sendable, Hashable {
    /// Unique in its namespace.
    public var name: String
    /// 1 to 16.
    public var patterns: [TopicPattern]
    /// The text of an ``EventFilter``; empty: all.
    public var filter: String
    /// At least one; ``SubscriptionTarget/stream`` stands alone.
    public var targets: [SubscriptionTarget]
    /// Where it begins when it is new.
    public var start: Start
    /// How a publication is tried.
    public var policy: DeliveryPolicy
    /// Whether nothing is delivered.
    public var isPaused: Bool
    /// For people.
    public var summary: String

    /// Where a new subscription begins.
    public enum Start: Sendable, Hashable {
        /// With what is published from now on.
        case now
        /// With the oldest that is held.
        case oldest
        /// With this sequence, 1 or more.
        case from(Int64)
    }

    /// Combines the parts.
    public init(
        name: String, patterns: [TopicPattern], filter: String = "",
        targets: [SubscriptionTarget] = [.stream], start: Start = .now,
        policy: DeliveryPolicy = .defaults, isPaused: Bool = false, summary: String = ""
    ) {
        self.name = name
        self.patterns = patterns
        self.filter = filter
        self.targets = targets.isEmpty ? [.stream] : targets
        self.start = start
        self.policy = policy
        self.isPaused = isPaused
        self.summary = summary
    }
}

/// What a publication of a subscription is given to.
public enum SubscriptionTarget: Sendable, Hashable {
    /// Whoever reads the subscription's stream.
    case stream
    /// An operation of an agent type, one publication after the other.
    case agent(type: String, operation: String, hasEnvelope: Bool)
    /// A run of a definition for each. The workflow id is a text with references; empty: made from
    /// subscription and sequence. `waits`: an open run of that id is a failed attempt.
    case workflow(name: String, workflowID: String, waits: Bool, hasEnvelope: Bool)
    /// A signal to the open run of a workflow id, a text with references. `starting`: the definition
    /// that is started when none is open; empty: that is a failed attempt.
    case signal(workflowID: String, signal: String, starting: String, hasEnvelope: Bool)

    /// Names it in its subscription.
    public var name: String {
        switch self {
        case .stream: "stream"
        case .agent(let type, let operation, _): "agent/\(type)/\(operation)"
        case .workflow(let name, _, _, _): "workflow/\(name)"
        case .signal(_, let signal, _, _): "signal/\(signal)"
        }
    }

    /// Whether the whole publication is handed on, not its payload alone.
    public var hasEnvelope: Bool {
        switch self {
        case .stream: false
        case .agent(_, _, let has), .workflow(_, _, _, let has), .signal(_, _, _, let has): has
        }
    }

    /// The text of the workflow id; empty: none.
    public var workflowID: String {
        switch self {
        case .stream, .agent: ""
        case .workflow(_, let id, _, _), .signal(let id, _, _, _): id
        }
    }
}

/// How often and how long a publication is tried.
public struct DeliveryPolicy: Sendable, Hashable {
    /// Attempts before it becomes a dead letter, 1 to 1,000.
    public var maxAttempts: Int
    /// The wait before the second attempt.
    public var initialMillis: Int64
    /// What each further wait is multiplied by.
    public var factor: Double
    /// The longest wait.
    public var maxMillis: Int64
    /// How long an attempt may take.
    public var ackTimeoutMillis: Int64

    /// 5 attempts; waits of 1 s, doubling up to a minute; 30 s each.
    public static let defaults = DeliveryPolicy()

    /// A policy with the default for what is left out.
    public init(
        maxAttempts: Int = 5, initialMillis: Int64 = 1_000, factor: Double = 2,
        maxMillis: Int64 = 60_000, ackTimeoutMillis: Int64 = 30_000
    ) {
        self.maxAttempts = maxAttempts
        self.initialMillis = initialMillis
        self.factor = factor
        self.maxMillis = maxMillis
        self.ackTimeoutMillis = ackTimeoutMillis
    }

    /// The wait after so many failures.
    func delayMillis(afterFailures failures: Int, random: UInt64) -> Int64 {
        RetryPolicy(
            maxAttempts: maxAttempts, initialMillis: initialMillis, factor: factor,
            maxMillis: max(maxMillis, initialMillis)
        ).delayMillis(afterFailures: failures, random: random)
    }
}
