/// An operation that stands in for a step (its fallback) or undoes it (its compensation).
public struct StepWork: Sendable, Hashable {
    /// Whose operation is called, and which.
    public var agentType: String
    public var operation: String
    /// A JSON template for the input; `nil`: the run's input. A compensation may refer to the
    /// output of the step that it undoes.
    public var inputTemplate: String?
    /// From dispatch to result, milliseconds. Default 30,000.
    public var startToCloseMillis: Int64
    public var retry: RetryPolicy

    /// Combines the parts; the enclosing definition is validated as a whole.
    public init(
        agentType: String, operation: String, inputTemplate: String? = nil,
        startToCloseMillis: Int64 = 30_000, retry: RetryPolicy = .defaults
    ) {
        self.agentType = agentType
        self.operation = operation
        self.inputTemplate = inputTemplate
        self.startToCloseMillis = startToCloseMillis
        self.retry = retry
    }
}

/// What becomes of a step that has used up its attempts and has no fallback left. The raw values
/// are stored: never renumber.
public enum ExhaustionPolicy: UInt8, Sendable, Hashable, CaseIterable {
    /// It fails; so does its run, if the step is required.
    case fail = 1
    /// It is parked and the run is paused until `ResumeRun`.
    case pause = 2
    /// It is parked as a dead letter until `Requeue`; the other branches go on.
    case deadLetter = 3
}

/// How many steps with the same key work at once, over all runs of a namespace.
public struct ConcurrencyKey: Sendable, Hashable {
    /// 1 to 256 bytes.
    public var key: String
    /// 1 to 10,000: the step begins when fewer than so many hold the key. Steps that share one
    /// should agree on it.
    public var limit: Int

    /// Combines the parts.
    public init(key: String, limit: Int) {
        self.key = key
        self.limit = limit
    }
}

/// How many attempts with the same key begin in a time, over all runs of a namespace.
public struct RateKey: Sendable, Hashable {
    /// 1 to 256 bytes.
    public var key: String
    /// Attempts that begin in any ``perMillis`` at most, spread evenly; 1 to 1,000,000.
    public var limit: Int
    /// 1 ms to 366 days.
    public var perMillis: Int64

    /// Combines the parts.
    public init(key: String, limit: Int, perMillis: Int64) {
        self.key = key
        self.limit = limit
        self.perMillis = perMillis
    }
}
