/// A kind of pattern in the life of a listing.
enum PatternType: String, Sendable, Hashable, Codable {
    /// The triple is (2,2,4) and the opening is ahead.
    case readyState = "ready_state"
    /// An opening far enough ahead to prepare for.
    case launchSequence = "launch_sequence"
    /// Some but not all numbers of the triple say pre-open.
    case preReady = "pre_ready"
}

/// How much can go wrong with acting on a pattern.
enum RiskLevel: String, Sendable, Hashable, Codable { case low, medium, high }

/// What to do about a pattern.
enum Recommendation: String, Sendable, Hashable, Codable {
    case immediateAction = "immediate_action"
    case prepareEntry = "prepare_entry"
    case monitorClosely = "monitor_closely"
    case wait
}

/// A pattern found in one listing, with what speaks for it.
struct PatternMatch: Sendable, Hashable, Codable {
    var type: PatternType
    var vcoinID: String
    var pairID: String
    var ticker: String
    /// 0 to 100, by the formula of its rule.
    var confidence: Double
    var risk: RiskLevel
    var recommendation: Recommendation
    /// Hours to the opening, two decimals; negative when it is late.
    var noticeHours: Double?
    /// The parts of the confidence, in points, in the order of the rule.
    var evidence: [ConfidencePart]

    enum CodingKeys: String, CodingKey {
        case type
        case vcoinID = "vcoin_id"
        case pairID = "pair_id"
        case ticker, confidence, risk, recommendation
        case noticeHours = "notice_hours"
        case evidence
    }

    /// Adds up `evidence`, clamped to 0...100 with one decimal.
    init(
        _ type: PatternType, _ record: SymbolRecord, noticeHours: Double?,
        evidence: [ConfidencePart], risk: RiskLevel,
        recommending recommend: (Double) -> Recommendation
    ) {
        self.type = type
        vcoinID = record.vcoinID
        pairID = record.pairID
        ticker = record.ticker
        self.noticeHours = noticeHours?.twoDecimals
        self.evidence = evidence
        self.risk = risk
        let sum = evidence.reduce(0) { $0 + $1.points }
        confidence = (min(100, max(0, sum)) * 10).rounded() / 10
        recommendation = recommend(confidence)
    }
}

/// One reason for a confidence and its weight.
struct ConfidencePart: Sendable, Hashable, Codable {
    var reason: String
    var points: Double

    init(_ reason: String, _ points: Double) {
        self.reason = reason
        self.points = points
    }
}
