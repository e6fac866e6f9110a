/// A decision as a series keeps it: who said what, and who stood behind it.
public struct BallotRecord: Sendable, Hashable {
    /// What one voter said.
    public struct Vote: Sendable, Hashable {
        /// Who said what.
        public var voter: String
        public var value: AnswerValue
        /// Whether it stands behind what was decided.
        public var isBacker: Bool

        /// Combines the parts.
        public init(voter: String, value: AnswerValue, isBacker: Bool) {
            self.voter = voter
            self.value = value
            self.isBacker = isBacker
        }
    }

    /// What became known of it later.
    public struct Outcome: Sendable, Hashable {
        /// Of what was reported, so that a repeat is told from another report.
        public var fingerprint: UInt64
        /// Whether what was decided was right.
        public var isRight: Bool

        /// Combines the parts.
        public init(fingerprint: UInt64, isRight: Bool) {
            self.fingerprint = fingerprint
            self.isRight = isRight
        }
    }

    /// Its name in the series.
    public var id: String
    /// Wall clock, milliseconds since 1970.
    public var atMillis: Int64
    public var method: BallotRules.Method
    public var equivalence: AnswerEquivalence
    /// What was decided; `nil`: nothing.
    public var result: AnswerValue?
    /// Those that answered, in the order of the ballot.
    public var votes: [Vote]
    /// `nil`: nothing is known yet.
    public var outcome: Outcome?

    /// Combines the parts.
    public init(
        id: String, atMillis: Int64, method: BallotRules.Method, equivalence: AnswerEquivalence,
        result: AnswerValue?, votes: [Vote], outcome: Outcome? = nil
    ) {
        self.id = id
        self.atMillis = atMillis
        self.method = method
        self.equivalence = equivalence
        self.result = result
        self.votes = votes
        self.outcome = outcome
    }

    /// The record of a ballot that ended.
    public init(id: String, _ verdict: BallotVerdict, of ballot: Ballot, atMillis: Int64) {
        var votes: [Vote] = []
        for (place, state) in ballot.states.enumerated() {
            guard case .answered(let reading) = state else { continue }
            votes.append(
                Vote(
                    voter: ballot.voters[place].name, value: reading.value,
                    isBacker: verdict.isDecided && verdict.backers.contains(place)))
        }
        var result: AnswerValue?
        switch verdict.result {
        case .answer(let speaker):
            if case .answered(let reading) = ballot.states[speaker] { result = reading.value }
        case .option(let option): result = .key(AnswerKey(Array(option.utf8)))
        case .number(let number): result = .number(number)
        case nil: break
        }
        self.init(
            id: id, atMillis: atMillis, method: ballot.rules.method,
            equivalence: ballot.rules.equivalence, result: result, votes: votes)
    }

    /// How a right answer that is reported later is read: as a voter's own; for rankings it is one
    /// option.
    public var rulesOfTruth: BallotRules {
        if method == .ranked { return BallotRules(equivalence: AnswerEquivalence()) }
        return BallotRules(method: method, equivalence: equivalence)
    }

    /// Whether two values are the same answer by the rules of this decision.
    func isSame(_ one: AnswerValue, _ other: AnswerValue) -> Bool {
        if case .number(let first) = one, case .number(let second) = other {
            return equivalence.isSame(first, second)
        }
        return one == other
    }
}

/// What somebody says became of a decision.
public enum ReportedOutcome: Sendable, Hashable {
    /// The right answer.
    case truth(AnswerValue)
    /// Whether what was decided was right.
    case correct(Bool)

    var fingerprint: UInt64 {
        var hash = StableHash()
        switch self {
        case .correct(let isRight): hash.combine(isRight ? 1 : 2)
        case .truth(.number(let number)):
            hash.combine(3)
            hash.combine(number.bitPattern)
        case .truth(.key(let key)):
            hash.combine(4)
            hash.combine(key.high)
            hash.combine(key.low)
        }
        return hash.value
    }
}

/// A line of decisions of one kind: its newest ones, and what was learnt of its voters.
public struct BallotSeries: Sendable {
    /// Oldest first.
    public private(set) var records: [BallotRecord] = []
    public private(set) var voters: [String: VoterAccuracy] = [:]
    /// Decisions whose outcome is known and right ones, of all there ever were.
    public private(set) var judged: Int64
    public private(set) var correct: Int64
    /// When the newest decision was made.
    public private(set) var lastMillis: Int64

    /// The decisions that it holds, and the voters that it learns of.
    public static let maxRecords = 256
    public static let maxVoters = 500

    /// Nothing was decided yet.
    public init(judged: Int64 = 0, correct: Int64 = 0, lastMillis: Int64 = 0) {
        self.judged = judged
        self.correct = correct
        self.lastMillis = lastMillis
    }

    /// Whether it holds a decision of this id.
    public func holds(_ id: String) -> Bool { place(of: id) != nil }

    /// The decision of this id, if it is held.
    public func record(_ id: String) -> BallotRecord? { place(of: id).map { records[$0] } }

    private func place(of id: String) -> Int? { records.lastIndex { $0.id == id } }

    /// Keeps a decision.
    ///
    /// - Returns: the id of the one that is forgotten for it.
    public mutating func keep(_ record: BallotRecord) -> String? {
        records.append(record)
        lastMillis = max(lastMillis, record.atMillis)
        return records.count > Self.maxRecords ? records.removeFirst().id : nil
    }

    /// What a report came to.
    public enum Judgement: Sendable, Hashable {
        /// The series does not hold the decision.
        case unknown
        /// The same was reported before; nothing was learnt.
        case repeated(isRight: Bool)
        /// Something else was reported before.
        case contradicts
        /// Nothing was decided that could be right or wrong.
        case undecided
        /// These voters were learnt of.
        case learnt(isRight: Bool, voters: [String])
    }

    /// The outcome of a decision became known. Of a ballot that came to none, the right answer says
    /// who was right, but nothing of the decisions.
    public mutating func judge(_ id: String, _ outcome: ReportedOutcome) -> Judgement {
        guard let place = place(of: id) else { return .unknown }
        let record = records[place]
        let fingerprint = outcome.fingerprint
        if let known = record.outcome {
            return known.fingerprint == fingerprint
                ? .repeated(isRight: known.isRight) : .contradicts
        }
        if record.result == nil, case .correct = outcome { return .undecided }
        let isRight = isRight(record, outcome)
        records[place].outcome = BallotRecord.Outcome(fingerprint: fingerprint, isRight: isRight)
        if record.result != nil { judged += 1 }
        if isRight { correct += 1 }
        var learnt: [String] = []
        for vote in record.votes {
            guard let wasRight = wasRight(vote, record, outcome),
                voters[vote.voter] != nil || voters.count < Self.maxVoters
            else { continue }
            voters[vote.voter, default: VoterAccuracy()].learn(isRight: wasRight)
            learnt.append(vote.voter)
        }
        return .learnt(isRight: isRight, voters: learnt)
    }

    private func isRight(_ record: BallotRecord, _ outcome: ReportedOutcome) -> Bool {
        guard let result = record.result else { return false }
        switch outcome {
        case .correct(let isRight): return isRight
        case .truth(let truth): return record.isSame(result, truth)
        }
    }

    /// `nil`: nothing is known of the vote.
    private func wasRight(
        _ vote: BallotRecord.Vote, _ record: BallotRecord, _ outcome: ReportedOutcome
    ) -> Bool? {
        switch outcome {
        case .truth(let truth): return record.isSame(vote.value, truth)
        case .correct(let isRight):
            if isRight { return vote.isBacker }
            return vote.isBacker ? false : nil
        }
    }

    // MARK: Restoring

    /// The totals that were stored.
    public mutating func restore(totalsOf stored: BallotSeries) {
        judged = stored.judged
        correct = stored.correct
        lastMillis = stored.lastMillis
    }

    /// A decision that was stored; they come in any order.
    public mutating func restore(_ record: BallotRecord) {
        let place = records.firstIndex { $0.atMillis > record.atMillis } ?? records.endIndex
        records.insert(record, at: place)
    }

    /// What was stored of a voter.
    public mutating func restore(_ accuracy: VoterAccuracy, of voter: String) {
        voters[voter] = accuracy
    }
}
