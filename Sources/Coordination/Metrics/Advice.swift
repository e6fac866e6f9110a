/// Something to do, and the numbers that say so.
public struct Advice: Sendable, Hashable {
    /// How much it matters.
    public enum Severity: Int32, Sendable, Hashable, Comparable {
        case info = 1
        case warning = 2
        case critical = 3

        /// By weight.
        public static func < (left: Severity, right: Severity) -> Bool {
            left.rawValue < right.rawValue
        }
    }

    /// Which rule speaks.
    public enum Reason: String, Sendable, Hashable, CaseIterable {
        case poolSaturated = "POOL_SATURATED"
        case workFailing = "WORK_FAILING"
        case runsFailing = "RUNS_FAILING"
        case runsPileUp = "RUNS_PILE_UP"
        case runsSlower = "RUNS_SLOWER"
        case queueGrowing = "QUEUE_GROWING"
        case overheadDominates = "OVERHEAD_DOMINATES"
        case commitsSlow = "COMMITS_SLOW"
        case callsFailing = "CALLS_FAILING"
        case agentsHeld = "AGENTS_HELD"
        case breakersOpen = "BREAKERS_OPEN"
        case operatingMode = "OPERATING_MODE"
        case consensusWrong = "CONSENSUS_WRONG"
        case recoverySlower = "RECOVERY_SLOWER"
    }

    /// A number that an advice rests on.
    public struct Evidence: Sendable, Hashable {
        /// Which number.
        public let series: TrackedSeries
        /// Of which agent type; empty: of the whole server.
        public let agentType: String
        /// What it was, or what it rose by in an hour.
        public let observed: Double
        /// What the rule holds it against.
        public let threshold: Double
        /// Of how many observations.
        public let observations: Int64
        /// Whether it is a slope per hour.
        public let isSlope: Bool
        /// The same in words.
        public let text: String
    }

    /// Which rule speaks.
    public let reason: Reason
    /// How much it matters.
    public let severity: Severity
    /// What it is about; empty: the whole server.
    public let agentType: String
    /// What to do.
    public let text: String
    /// At least one.
    public let evidence: [Evidence]

    init(
        _ reason: Reason, _ severity: Severity, agentType: String = "", _ text: String,
        _ evidence: [Evidence]
    ) {
        precondition(!evidence.isEmpty, "an advice without evidence")
        self.reason = reason
        self.severity = severity
        self.agentType = agentType
        self.text = text
        self.evidence = evidence
    }
}
