import Coordination
import Engine
import Messages

/// Payloads that one response can carry, taken in order.
struct ContentBudget {
    private var left: Int

    /// What clients take of one message, less what stands beside the payloads at the most.
    init(bytes: Int = (4 << 20) - (128 << 10)) { left = bytes }

    /// The payload; `nil` when it does not fit any more.
    mutating func take(_ payload: Coordination.Payload) -> Messages.Payload? {
        let bytes = payload.bytes.count + payload.contentType.utf8.count
        guard bytes <= left else { return nil }
        left -= bytes
        return Messages.Payload(payload)
    }
}

extension DecideResponse {
    init(_ outcome: BallotOutcome) {
        self.init()
        let verdict = outcome.verdict
        requestID = outcome.requestID
        decided = verdict.isDecided
        reason = NoDecision(verdict.reason)
        quorum = verdict.quorum
        support = verdict.support
        margin = verdict.margin
        confidence = verdict.confidence
        agreement = verdict.agreement
        early = outcome.isEarly
        elapsedMicros = outcome.elapsedNanos / 1_000
        missing = outcome.missing
        var budget = ContentBudget()
        if let payload = outcome.result { result = budget.take(payload) }
        clusters = verdict.clusters.map { AnswerCluster($0, outcome, &budget) }
        dissenters = outcome.dissenters(&budget)
    }
}

extension BallotOutcome {
    fileprivate var missing: [MissingVoter] {
        ballot.states.enumerated().compactMap { place, state in
            guard case .missing(let absence) = state else { return nil }
            var voter = MissingVoter()
            voter.voter = ballot.voters[place].name
            voter.weight = ballot.weight(of: place)
            switch absence {
            case .late: voter.reason = .late
            case .notNeeded: voter.reason = .notNeeded
            case .failed(let failure):
                voter.reason = .failed
                voter.failure = Failure(failure)
            case .notAsked(let failure):
                voter.reason = .notAsked
                voter.failure = Failure(failure)
            case .unreadable(let failure):
                voter.reason = .unreadable
                voter.failure = Failure(failure)
            }
            return voter
        }
    }

    fileprivate func dissenters(_ budget: inout ContentBudget) -> [Dissent] {
        var dissenters: [Dissent] = []
        for (place, state) in ballot.states.enumerated() {
            guard case .answered = state, !verdict.backers.contains(place) else { continue }
            var dissent = Dissent()
            dissent.voter = ballot.voters[place].name
            dissent.agentID = agents[place]?.name ?? ""
            dissent.weight = ballot.weight(of: place)
            dissent.answer = answers[place].flatMap { budget.take($0) }
            dissent.answerLeftOut = dissent.answer == nil
            dissenters.append(dissent)
        }
        return dissenters
    }
}

extension AnswerCluster {
    fileprivate init(
        _ cluster: BallotVerdict.Cluster, _ outcome: BallotOutcome, _ budget: inout ContentBudget
    ) {
        self.init()
        answer = outcome.answers[cluster.speaker].flatMap { budget.take($0) }
        answerLeftOut = answer == nil
        weight = Ballot.weight(cluster.weight)
        voters = cluster.voters.map { outcome.ballot.voters[$0].name }
    }
}

extension NoDecision {
    fileprivate init(_ reason: BallotVerdict.NoDecision?) {
        switch reason {
        case nil: self = .unspecified
        case .noQuorum: self = .noQuorum
        case .noSupport: self = .noSupport
        case .tie: self = .tie
        case .notUnanimous: self = .notUnanimous
        case .cycle: self = .cycle
        }
    }
}

extension Messages.VoterAccuracy {
    /// By name.
    static func all(_ voters: [String: Coordination.VoterAccuracy]) -> [Messages.VoterAccuracy] {
        voters.sorted { $0.key < $1.key }.map { name, known in
            Messages.VoterAccuracy(
                voter: name, judged: known.judged, right: known.right, accuracy: known.accuracy,
                weight: known.weight)
        }
    }
}

extension GetSeriesResponse {
    /// - Parameter newest: looks at so many decisions; 0: all.
    init(_ series: BallotSeries, named name: String, newest: Int32) {
        self.init()
        let count = newest == 0 ? series.records.count : Int(newest)
        let report = SeriesReport(series.records.suffix(count))
        self.series = name
        decisions = Int32(clamping: report.decisions)
        decided = Int32(clamping: report.decided)
        judged = series.judged
        correct = series.correct
        if series.judged > 0 {
            consensusAccuracy = Coefficient(value: Double(series.correct) / Double(series.judged))
        }
        alphaNominal = report.alphaNominal.map { Coefficient(value: $0) }
        alphaInterval = report.alphaInterval.map { Coefficient(value: $0) }
        kappa = report.kappa.map { Coefficient(value: $0) }
        voters = Messages.VoterAccuracy.all(series.voters)
        pairs = report.pairs.map {
            VoterPair(
                first: $0.first, second: $0.second, together: Int32(clamping: $0.together),
                agreed: Int32(clamping: $0.agreed))
        }
    }
}

extension SeriesSummary {
    init(_ view: SeriesView) {
        self.init(
            series: view.name, decisions: Int32(clamping: view.decisions), judged: view.judged,
            correct: view.correct, lastUnixMillis: view.lastMillis)
    }
}
