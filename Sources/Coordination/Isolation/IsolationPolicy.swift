/// When instances of an agent type are taken out of the choice, for how long, and how they return.
public struct IsolationPolicy: Sendable, Hashable {
    /// Isolated after so many failures without a success between them, 1 to 1,000; `nil`: no such
    /// rule. Default 5.
    public var consecutiveFailures: Int?
    /// Isolated when so many failures have gathered, 1 to 10,000; `nil`: no such rule. The count
    /// leaks away evenly: all of them within ``windowMillis``. Default 20.
    public var windowFailures: Int?
    /// Milliseconds. Default 60,000.
    public var windowMillis: Int64
    /// The first isolation, milliseconds. Default 30,000.
    public var isolationMillis: Int64
    /// What each further isolation is multiplied by, 1 to 10. Default 2.
    public var factor: Double
    /// The longest isolation, milliseconds. Default 300,000.
    public var maxIsolationMillis: Int64
    /// The share of an isolation that chance may take off, 0 to 1. Default 0.2.
    public var jitter: Double
    /// Healthy for this long, one multiplication is forgotten, milliseconds. Default 60,000.
    public var healthyMillis: Int64
    /// The share of the type's instances that may be isolated at once by failures, over 0 to 1; one
    /// always may, unless it is the last. Default 0.5.
    public var maxShare: Double
    /// Assignments, one at a time, that must go well before an instance gets its full load again,
    /// 0 to 100. Default 3.
    public var canaries: Int
    /// The type that does the work while all instances are isolated; empty: none, and then the last
    /// one never is.
    public var backupType: String
    /// Failure types that say nothing about the instance. Failures that are not retryable never do.
    public var ignoredFailures: [String]

    /// What holds for a type that nobody has set one for.
    public static let defaults = IsolationPolicy()

    /// Combines the parts; see each for its default.
    public init(
        consecutiveFailures: Int? = 5, windowFailures: Int? = 20, windowMillis: Int64 = 60_000,
        isolationMillis: Int64 = 30_000, factor: Double = 2, maxIsolationMillis: Int64 = 300_000,
        jitter: Double = 0.2, healthyMillis: Int64 = 60_000, maxShare: Double = 0.5,
        canaries: Int = 3, backupType: String = "", ignoredFailures: [String] = []
    ) {
        self.consecutiveFailures = consecutiveFailures
        self.windowFailures = windowFailures
        self.windowMillis = windowMillis
        self.isolationMillis = isolationMillis
        self.factor = factor
        self.maxIsolationMillis = maxIsolationMillis
        self.jitter = jitter
        self.healthyMillis = healthyMillis
        self.maxShare = maxShare
        self.canaries = canaries
        self.backupType = backupType
        self.ignoredFailures = ignoredFailures
    }

    /// Whether a failure is the instance's own.
    public func blames(_ failure: StepFailure) -> Bool {
        failure.retryable && !ignoredFailures.contains(failure.type)
    }

    /// How many instances of `count` may be isolated by failures at once.
    public func isolable(of count: Int) -> Int {
        count == 0 ? 0 : max(1, Int(Double(count) * maxShare))
    }

    var backoff: Backoff {
        Backoff(
            initialMillis: isolationMillis, factor: factor, maxMillis: maxIsolationMillis,
            jitter: jitter)
    }

    /// Everything that is wrong with it; fields are named as in the API.
    public func faults(forType type: String) -> [FieldFault] {
        var check = RangeCheck()
        let day: Int64 = 86_400_000
        if let consecutiveFailures {
            check.range("policy.consecutive_failures", consecutiveFailures, 1...1_000)
        }
        if let windowFailures { check.range("policy.window_failures", windowFailures, 1...10_000) }
        check.millis("policy.window_millis", windowMillis, 1_000...day)
        check.millis("policy.isolation_time_millis", isolationMillis, 1...day)
        check.number("policy.factor", factor, 1...10)
        check.millis(
            "policy.max_isolation_time_millis", maxIsolationMillis,
            max(1, min(isolationMillis, day))...day
        )
        check.number("policy.jitter", jitter, 0...1)
        check.millis("policy.healthy_millis", healthyMillis, 1...day)
        check.share("policy.max_share", maxShare)
        check.range("policy.canaries", canaries, 0...100)
        check.text("policy.backup_type", backupType, mayBeEmpty: true)
        if !backupType.isEmpty, backupType == type {
            check.fault("policy.backup_type", "is the type itself; name another one")
        }
        check.range("policy.ignored_failures", ignoredFailures.count, 0...100)
        for (index, type) in ignoredFailures.prefix(100).enumerated() {
            check.text("policy.ignored_failures[\(index)]", type)
        }
        return check.faults
    }
}
