/// One question to several voters, from the moment it is put to the verdict.
///
/// A value: what happens to the voters comes in, and ``isCertain`` says when no voter that is still
/// out could change the outcome. Votes are counted in the order of the voters, so that the verdict does
/// not depend on who answered first.
public struct Ballot: Sendable {
    /// Who is asked.
    public struct Voter: Sendable, Hashable {
        /// Unique in the ballot.
        public var name: String
        /// Over 0 to 10,000; counts for methods that use weights.
        public var weight: Double

        /// Combines the parts.
        public init(name: String, weight: Double = 1) {
            self.name = name
            self.weight = weight
        }
    }

    /// Why a voter counts for nobody.
    public enum Absence: Sendable, Hashable {
        /// Its agent failed.
        case failed(StepFailure)
        /// It had not answered when the time was over.
        case late
        /// It could not be asked.
        case notAsked(StepFailure)
        /// Its answer is not what the rules need.
        case unreadable(StepFailure)
        /// The outcome was certain without it.
        case notNeeded
    }

    /// How far a voter is.
    public enum VoterState: Sendable, Hashable {
        case asked
        case answered(AnswerReading)
        case missing(Absence)
    }

    /// By what it is decided.
    public let rules: BallotRules
    /// Who is asked, in the order they were given.
    public let voters: [Voter]
    /// In the order of the voters.
    public private(set) var states: [VoterState]
    /// Voters without an answer yet.
    public private(set) var outCount: Int
    private let weights: [Int64]

    /// The most voters of a ballot.
    public static let maxVoters = 100

    /// Asks everybody.
    public init(_ rules: BallotRules, voters: [Voter]) {
        self.rules = rules
        self.voters = voters
        states = Array(repeating: .asked, count: voters.count)
        outCount = voters.count
        weights = voters.map {
            rules.method.usesWeights ? BallotArithmetic.weight($0.weight) : BallotArithmetic.one
        }
    }

    // MARK: What happens

    /// A voter answered. One that has answered before, or is missing, stays as it is.
    ///
    /// - Returns: whether it counts.
    @discardableResult
    public mutating func answered(_ voter: Int, _ reading: AnswerReading) -> Bool {
        settle(voter, .answered(reading))
    }

    /// A voter will not answer.
    ///
    /// - Returns: whether that was news.
    @discardableResult
    public mutating func missed(_ voter: Int, _ absence: Absence) -> Bool {
        settle(voter, .missing(absence))
    }

    /// Nobody is waited for any longer.
    public mutating func close(_ absence: Absence) {
        for voter in states.indices { settle(voter, .missing(absence)) }
    }

    @discardableResult
    private mutating func settle(_ voter: Int, _ state: VoterState) -> Bool {
        guard states[voter] == .asked else { return false }
        states[voter] = state
        outCount -= 1
        return true
    }

    // MARK: What follows

    /// Whether nobody that is still out could change whether there is a decision, or which.
    public var isCertain: Bool { outCount == 0 || count.isCertain }

    /// Whether it may end: it is certain, and the rules do not want all to be heard.
    public var mayEnd: Bool { outCount == 0 || !rules.hearsAll && count.isCertain }

    /// What the answers add up to. Before the end: as if nobody else answered, unless it is certain
    /// that there will be no decision; then why.
    public var verdict: BallotVerdict {
        let count = count
        let isHopeless = count.isCertain && count.canReachQuorum && !count.outstanding.isEmpty
        return count.verdict(isHopeless: isHopeless)
    }

    /// The weight of a voter as it counts.
    public func weight(of voter: Int) -> Double {
        Double(weights[voter]) / Double(BallotArithmetic.one)
    }

    /// A weight of the verdict, as it was given.
    public static func weight(_ millionths: Int64) -> Double {
        Double(millionths) / Double(BallotArithmetic.one)
    }

    private var count: BallotCount {
        var votes: [BallotCount.Vote] = []
        var outstanding: [Int64] = []
        for (voter, state) in states.enumerated() {
            switch state {
            case .asked: outstanding.append(weights[voter])
            case .answered(let reading):
                votes.append(
                    BallotCount.Vote(voter: voter, weight: weights[voter], reading: reading))
            case .missing: break
            }
        }
        return BallotCount(
            rules: rules, votes: votes, total: weights.reduce(0, +), outstanding: outstanding)
    }
}
