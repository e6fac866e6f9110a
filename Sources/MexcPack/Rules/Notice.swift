/// How soon somebody has to act on an opening.
enum Urgency: String, Sendable, Hashable, Codable {
    /// Under 1 hour.
    case critical
    /// Under 4 hours.
    case high
    /// Under 12 hours.
    case medium
    /// 12 hours or more.
    case low
    /// Trades already.
    case launched
    /// The opening time has passed and it does not trade.
    case overdue
    /// The opening time passed 24 hours ago or more and it does not trade.
    case stale
    /// There is no opening time.
    case unknown

    /// The urgency of an opening in `noticeHours`, which must be positive.
    init(noticeHours: Double) {
        self =
            noticeHours < 1
            ? .critical : noticeHours < 4 ? .high : noticeHours < 12 ? .medium : .low
    }

    /// The urgency of an entry that is not open yet.
    init(state: OpeningState, noticeHours: Double?) {
        switch (state, noticeHours) {
        case (.upcoming, let hours?): self.init(noticeHours: hours)
        case (.overdue, _): self = .overdue
        case (.stale, _): self = .stale
        case (.upcoming, nil), (.unknown, _): self = .unknown
        }
    }
}

/// How useful the notice is that a listing gives.
enum NoticeQuality: String, Sendable, Hashable, Codable {
    case expired, critical, poor, good, excellent, early

    /// Bounds in hours: below 0 expired, then 1, 3.5, 12 and 48.
    init(noticeHours: Double) {
        self =
            switch noticeHours {
            case ..<0: .expired
            case ..<1: .critical
            case ..<3.5: .poor
            case ..<12: .good
            case ..<48: .excellent
            default: .early
            }
    }

    /// 0 to 95.
    var score: Int {
        switch self {
        case .expired: 0
        case .critical: 30
        case .poor: 50
        case .good: 80
        case .excellent: 95
        case .early: 70
        }
    }
}

/// Which part of the world trades at an hour.
enum TradingSession: String, Sendable, Hashable, Codable {
    case asia, europe, america

    /// By the hour in UTC: 0 to 7 asia, 8 to 15 europe, 16 to 23 america.
    init(_ instant: UTCInstant) {
        self = instant.hourOfDay < 8 ? .asia : instant.hourOfDay < 16 ? .europe : .america
    }
}

/// How likely the opening is to move.
enum DelayRisk: String, Sendable, Hashable, Codable {
    case low, medium, high

    /// High when a status number is unknown; medium when the opening is more than a week away or
    /// the project has no name of its own; else low.
    init(noticeHours: Double, record: SymbolRecord) {
        let triple = record.triple
        if [triple.status, triple.spotStatus, triple.tradingType].contains(nil) {
            self = .high
        } else if noticeHours > 168 || !record.hasOwnName {
            self = .medium
        } else {
            self = .low
        }
    }
}

extension SymbolRecord {
    /// Whether the project has a name that is more than its ticker.
    var hasOwnName: Bool {
        guard let name else { return false }
        return !name.isEmpty && name.lowercased() != ticker.lowercased()
    }
}

extension Double {
    /// Two decimals, halves away from zero, as hours are reported.
    var twoDecimals: Double { (self * 100).rounded() / 100 }

    /// The same for people: `20`, `3.5`, `4.51`.
    var hoursText: String {
        let hours = twoDecimals
        return Int64(exactly: hours).map { "\($0)" } ?? "\(hours)"
    }
}
