/// The votes of a ballot at one moment, and what follows from them: the verdict if no more come, and
/// whether those that are still out could change it.
struct BallotCount {
    struct Vote {
        var voter: Int
        /// In millionths.
        var weight: Int64
        var reading: AnswerReading
    }

    let rules: BallotRules
    /// In the order of the voters, so that the order of their arrival does not matter.
    let votes: [Vote]
    /// The weight of all voters.
    let total: Int64
    /// The weights of those that may still answer.
    let outstanding: [Int64]

    var answered: Int64 { votes.reduce(0) { $0 + $1.weight } }
    var out: Int64 { outstanding.reduce(0, +) }

    /// What the votes add up to.
    ///
    /// - Parameter isHopeless: it is certain that there will be no decision, and not for the quorum:
    ///   the reason is the one that no answer of those that are out can mend.
    func verdict(isHopeless: Bool = false) -> BallotVerdict {
        let answered = answered
        let tally = tally()
        var verdict = BallotVerdict()
        verdict.clusters = tally.clusters
        verdict.backers = tally.backers
        verdict.agreement = pairAgreement
        verdict.quorum = BallotArithmetic.ratio(answered, total)
        verdict.support = BallotArithmetic.ratio(tally.behind, answered)
        verdict.margin = BallotArithmetic.ratio(tally.margin, answered)
        verdict.confidence = BallotArithmetic.ratio(tally.behind, total)
        let hasQuorum = BallotArithmetic.isMet(rules.quorum, answered, of: total)
        if votes.isEmpty || !(hasQuorum || isHopeless) {
            verdict.reason = .noQuorum
        } else if let reason = tally.reason {
            verdict.reason = isHopeless && lacksOnlySupport ? .noSupport : reason
        } else if !isSupported(tally.behind, of: answered) {
            verdict.reason = .noSupport
        } else {
            verdict.result = tally.result
        }
        return verdict
    }

    /// Whether nobody that is still out could change whether there is a decision, or which.
    var isCertain: Bool {
        if outstanding.isEmpty { return true }
        if !canReachQuorum { return true }
        if !canStillDecide { return true }
        return BallotArithmetic.isMet(rules.quorum, answered, of: total) && isDecidedAnyway
    }

    /// Whether those that are out could still lead to a decision if no support were asked for: a tie
    /// of now need not be one in the end.
    private var lacksOnlySupport: Bool {
        if canStillDecide { return false }
        var lenient = rules
        lenient.support = .leastNonzeroMagnitude
        return BallotCount(rules: lenient, votes: votes, total: total, outstanding: outstanding)
            .canStillDecide
    }

    var canReachQuorum: Bool {
        BallotArithmetic.isMet(rules.quorum, answered + out, of: total)
    }

    func isSupported(_ part: Int64, of whole: Int64) -> Bool {
        if rules.method == .unanimous { return true }
        if rules.method.isNumeric, rules.support == nil { return true }
        return BallotArithmetic.isMet(rules.support, part, of: whole)
    }

    private func tally() -> BallotTally {
        switch rules.method {
        case .majority, .weighted, .unanimous: groupTally()
        case .ranked: rankedTally()
        case .median, .trimmedMean: numberTally()
        }
    }

    /// Whether some answers of those that are out would lead to a decision. May say yes when it does
    /// not know.
    private var canStillDecide: Bool {
        switch rules.method {
        case .majority, .weighted, .unanimous: groupsCanDecide
        case .ranked: rankingsCanDecide
        case .median, .trimmedMean: numbersCanDecide
        }
    }

    /// Whether all answers of those that are out lead to the decision of now; the quorum is there.
    private var isDecidedAnyway: Bool {
        switch rules.method {
        case .majority, .weighted, .unanimous: groupsAreDecided
        case .ranked: rankingsAreDecided
        case .median, .trimmedMean: numbersAreDecided
        }
    }
}

/// Who is first, by one of the methods, before quorum and support are asked for.
struct BallotTally {
    var result: BallotVerdict.Result?
    /// Why nobody is first, although there are answers.
    var reason: BallotVerdict.NoDecision?
    /// The weight behind the first.
    var behind: Int64 = 0
    /// What it has over the second.
    var margin: Int64 = 0
    var clusters: [BallotVerdict.Cluster] = []
    var backers: Set<Int> = []
}
