/// The three status numbers of an entry in the exchange's web symbol list: `sts`, `st`, `tt`.
///
/// In the recorded lists of 2025 every tradable pair is (1,1,1) and every other one (2,2,4); no
/// other triple occurs. Lists of 2024 carry only `sts`. A missing number is unknown, not a
/// mismatch.
struct ReadinessTriple: Sendable, Hashable {
    /// `sts`: 2 before the opening, 1 while it trades.
    var status: Int?
    /// `st`: 2 before the opening, 1 while it trades.
    var spotStatus: Int?
    /// `tt`: 4 before the opening, 1 while it trades.
    var tradingType: Int?

    init(_ status: Int?, _ spotStatus: Int?, _ tradingType: Int?) {
        self.status = status
        self.spotStatus = spotStatus
        self.tradingType = tradingType
    }

    /// Listed, opening time set, not open yet.
    static let ready = ReadinessTriple(2, 2, 4)
    /// Tradable.
    static let live = ReadinessTriple(1, 1, 1)

    /// How far the known numbers agree with `pattern`.
    func match(_ pattern: ReadinessTriple) -> TripleMatch {
        let pairs = [
            (status, pattern.status), (spotStatus, pattern.spotStatus),
            (tradingType, pattern.tradingType),
        ]
        guard status != nil, pairs.allSatisfy({ $0.0 == nil || $0.0 == $0.1 }) else { return .none }
        return pairs.contains { $0.0 == nil } ? .partial : .exact
    }

    /// Where the pair is in its life.
    var phase: ListingPhase {
        if match(.live) != .none { return .live }
        if match(.ready) != .none { return .preOpen }
        return status == nil ? .unknown : .unrecorded
    }
}

/// How far a triple agrees with a pattern.
enum TripleMatch: String, Sendable, Hashable, Codable {
    /// All three numbers are known and equal.
    case exact
    /// `sts` agrees and nothing known disagrees, but `st` or `tt` is unknown.
    case partial
    /// A known number differs, or `sts` itself is unknown.
    case none
}

/// Where a pair is in its life, by its triple alone.
enum ListingPhase: String, Sendable, Hashable, Codable {
    /// Tradable, (1,1,1).
    case live
    /// Listed and not open yet, (2,2,4); becomes ``live``.
    case preOpen = "pre_open"
    /// A triple that no recorded list holds; reported, never guessed at.
    case unrecorded
    /// `sts` is missing.
    case unknown
}
