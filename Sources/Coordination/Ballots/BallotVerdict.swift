/// What the answers of a ballot add up to.
public struct BallotVerdict: Sendable, Hashable {
    /// Why there is no decision.
    public enum NoDecision: UInt8, Sendable, Hashable {
        /// Too little weight answered.
        case noQuorum = 1
        /// The first had too little support.
        case noSupport = 2
        /// Two or more were first.
        case tie = 3
        /// Unanimity was asked for, and somebody saw it differently.
        case notUnanimous = 4
        /// No option beats all others.
        case cycle = 5
    }

    /// What was decided.
    public enum Result: Sendable, Hashable {
        /// What this voter answered.
        case answer(of: Int)
        /// An option, as JSON text.
        case option(String)
        case number(Double)
    }

    /// Answers that say the same.
    public struct Cluster: Sendable, Hashable {
        /// The voter whose answer stands for all of it.
        public var speaker: Int
        /// By place in the ballot, ascending.
        public var voters: [Int]
        /// In millionths.
        public var weight: Int64
    }

    /// `nil`: there is no decision.
    public var result: Result?
    /// `nil`: there is one.
    public var reason: NoDecision?
    /// Shares of all weight, of the answered weight, of that, and of all weight.
    public var quorum = 0.0
    public var support = 0.0
    public var margin = 0.0
    public var confidence = 0.0
    /// The share of all pairs of answers that are the same.
    public var agreement = 1.0
    /// The heaviest first.
    public var clusters: [Cluster] = []
    /// Who stands behind the first, or behind one of those that tie.
    public var backers: Set<Int> = []

    /// Whether there is a decision.
    public var isDecided: Bool { result != nil }
}
