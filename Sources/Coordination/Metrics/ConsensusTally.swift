/// Ballots that ended, and what became of their decisions; only grow.
public struct ConsensusTally: Sendable, Hashable {
    /// Ballots with a decision.
    public var decided: Int64 = 0
    /// Ballots that ended without one.
    public var undecided: Int64 = 0
    /// Decisions of which somebody reported that they were right.
    public var right: Int64 = 0
    /// Decisions of which somebody reported that they were wrong.
    public var wrong: Int64 = 0

    /// Nothing yet.
    public init() {}

    static func - (left: ConsensusTally, right: ConsensusTally) -> ConsensusTally {
        var result = ConsensusTally()
        result.decided = left.decided - right.decided
        result.undecided = left.undecided - right.undecided
        result.right = left.right - right.right
        result.wrong = left.wrong - right.wrong
        return result
    }
}

/// Something about ballots that is worth counting.
public enum ConsensusNotice: Sendable, Hashable {
    /// A ballot ended with a decision.
    case decided
    /// A ballot ended without one.
    case undecided
    /// Somebody reported what the right answer would have been.
    case outcome(isRight: Bool)
}
