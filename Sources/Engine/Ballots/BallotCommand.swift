import Coordination

/// What somebody wants of ballots and their series.
public enum BallotCommand: Sendable {
    /// Volatile, but for the record that it leaves in a series. Answers `.decided`.
    case decide(DecideBallot)
    /// Answers `.judged`.
    case report(ReportBallotOutcome)
    /// Answers `.series`.
    case series(Namespace, String)
    /// Answers `.allSeries`.
    case listSeries(Namespace)
    case deleteSeries(Namespace, String, by: Signature)
}

extension BallotCommand {
    /// Whether it needs no room in a batch: it changes nothing that is stored, or only by what the
    /// ballot comes to.
    var isVolatile: Bool {
        switch self {
        case .decide, .series, .listSeries: true
        case .report, .deleteSeries: false
        }
    }
}

/// Puts a question to a ballot.
public struct DecideBallot: Sendable {
    /// Handed on to the agents.
    public var namespace: Namespace
    /// What is asked, unless a voter names its own.
    public var operation: String
    /// Given to each voter.
    public var payload: Payload
    /// Without faults.
    public var spec: BallotSpec
    /// Names the decision in its series.
    public var requestID: String
    /// Monotonic; the time is over then.
    public var closesNanos: Int64
    /// When the call arrived.
    public var arrivedNanos: Int64
    /// 1 (first) to 5 (last).
    public var priority: Int
    /// Whether voters of a type without a living instance wait for one.
    public var waitsForInstances: Bool

    /// Combines the parts.
    public init(
        namespace: Namespace, operation: String, payload: Payload, spec: BallotSpec,
        requestID: String, closesNanos: Int64, arrivedNanos: Int64, priority: Int = 3,
        waitsForInstances: Bool = false
    ) {
        self.waitsForInstances = waitsForInstances
        self.namespace = namespace
        self.operation = operation
        self.payload = payload
        self.spec = spec
        self.requestID = requestID
        self.closesNanos = closesNanos
        self.arrivedNanos = arrivedNanos
        self.priority = priority
    }
}

/// Says what would have been right, or whether a decision was.
public struct ReportBallotOutcome: Sendable {
    /// What is said.
    public enum Outcome: Sendable {
        /// The right answer, as an agent would give it.
        case truth(Payload)
        case correct(Bool)

        fileprivate func combine(into hash: inout StableHash) {
            switch self {
            case .truth(let payload):
                hash.combine(2)
                hash.combine(payload.bytes)
            case .correct(let isRight): hash.combine(isRight ? 1 : 0)
            }
        }
    }

    /// Where the series belongs.
    public let namespace: Namespace
    /// Its name.
    public let series: String
    /// The decision's name in it.
    public let decision: String
    /// What is said of it.
    public let outcome: Outcome
    /// Makes a repeat harmless; empty: none.
    public let requestID: String
    /// Fingerprint of what is said; made by whoever builds the command.
    let contentHash: UInt64

    /// Combines the parts. O(bytes) when there is a request id.
    public init(
        namespace: Namespace, series: String, decision: String, outcome: Outcome,
        requestID: String = ""
    ) {
        var hash = StableHash()
        if !requestID.isEmpty {
            hash.combine(series)
            hash.combine(decision)
            outcome.combine(into: &hash)
        }
        contentHash = hash.value
        self.namespace = namespace
        self.series = series
        self.decision = decision
        self.outcome = outcome
        self.requestID = requestID
    }
}

/// What the engine answers to a ``BallotCommand``.
public enum BallotAnswer: Sendable {
    case decided(BallotOutcome)
    /// Whether what was decided was right, and what is known of the voters that were learnt of.
    case judged(isRight: Bool, [String: VoterAccuracy])
    case series(BallotSeries)
    case allSeries([SeriesView])
    case deleted
}

/// How a ballot ended.
public struct BallotOutcome: Sendable {
    /// The decision's name in its series.
    public var requestID: String
    /// The voters and what became of each.
    public var ballot: Ballot
    /// What the answers added up to.
    public var verdict: BallotVerdict
    /// What each voter answered, in their order; `nil`: nothing.
    public var answers: [Payload?]
    /// Which instance did.
    public var agents: [AgentID?]
    /// Whether it ended before all were heard.
    public var isEarly: Bool
    /// From the question to the outcome.
    public var elapsedNanos: Int64
}

/// A series in a list.
public struct SeriesView: Sendable, Hashable {
    /// Its name.
    public var name: String
    /// How many it holds.
    public var decisions: Int
    /// Known outcomes, of all there ever were.
    public var judged: Int64
    /// Those of them that were right.
    public var correct: Int64
    /// When the newest decision was made, milliseconds since 1970.
    public var lastMillis: Int64
}

/// Something about ballots that is worth counting.
public enum BallotNotice: Sendable, Hashable {
    /// A ballot ended: `nil` as reason means with a decision.
    case ended(
        operation: String, reason: BallotVerdict.NoDecision?, isEarly: Bool, support: Double,
        seconds: Double)
    /// The outcome of a decision became known.
    case judged(series: String, isRight: Bool)
}

extension EngineObserver {
    /// Counts nothing.
    public func noted(_ notice: BallotNotice) {}
}
