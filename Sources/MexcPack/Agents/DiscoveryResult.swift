/// The result of `calendar-discovery`: what people and programs read.
struct DiscoveryResult: Sendable, Hashable, Codable {
    var marketTime: UTCInstant
    var source: MarketSource
    var quote: String
    var totals: ListingTotals
    var listings: [ReportedListing]
    var correlations: [Correlation]
    /// Whether the patterns step delivered; without it `patterns` and `correlations` are empty.
    var patternsAvailable: Bool
    var nextLaunch: UTCInstant?
    var nextSymbol: String?
    var activity: DiscoverySummary.Activity
    var actions: [DiscoveryAction]
    /// 50 to 95, see ``DiscoverySummary/confidence``.
    var confidence: Int
    var warnings: [String]

    enum CodingKeys: String, CodingKey {
        case marketTime = "market_time"
        case source, quote, totals, listings, correlations
        case patternsAvailable = "patterns_available"
        case nextLaunch = "next_launch"
        case nextSymbol = "next_symbol"
        case activity, actions, confidence, warnings
    }

    /// Joins listings and patterns by coin id and pair id.
    init(_ report: ListingReport, _ patterns: PatternReport?) {
        let matches = Dictionary(grouping: patterns?.matches ?? []) {
            ListingIdentity(vcoinID: $0.vcoinID, pairID: $0.pairID)
        }
        marketTime = report.marketTime
        source = report.source
        quote = report.quote
        totals = report.totals
        listings = report.listings.map {
            ReportedListing($0, quote: report.quote, matches[$0.record.identity] ?? [])
        }
        correlations = patterns?.correlations ?? []
        patternsAvailable = patterns != nil
        nextLaunch = report.summary.nextLaunch
        nextSymbol = report.summary.nextSymbol
        activity = report.summary.activity
        actions = report.summary.actions
        confidence = report.summary.confidence
        warnings =
            report.warnings
            + (patterns == nil ? ["the patterns step failed, so no patterns are reported"] : [])
    }
}

/// One listing as it is reported.
struct ReportedListing: Sendable, Hashable, Codable {
    /// Ticker and quote currency, such as `FRAGUSDT`. Not unique: go by `vcoinID`.
    var symbol: String
    /// The coin's ticker alone, such as `FRAG`. Not unique either.
    var ticker: String
    var name: String?
    var vcoinID: String
    var pairID: String
    var openTime: UTCInstant?
    var openMillis: Int64?
    /// Hours to the opening, two decimals; `nil` unless it is ahead.
    var noticeHours: Double?
    /// Hours since the opening time, two decimals; `nil` unless it has passed.
    var ageHours: Double?
    var state: OpeningState
    var phase: ListingPhase
    var isReady: Bool
    var isDelayed: Bool
    var urgency: Urgency
    /// How sure it is that it opens at its time, 0 to 100: see ``ReadyStateRule``. 0 when its
    /// triple says something else than pre-open.
    var confidence: Double
    var noticeQuality: NoticeQuality?
    var delayRisk: DelayRisk?
    var sector: Sector
    /// Fields that the source does not carry.
    var unknownFields: [String]
    var patterns: [ReportedPattern]

    enum CodingKeys: String, CodingKey {
        case symbol, ticker, name
        case vcoinID = "vcoin_id"
        case pairID = "pair_id"
        case openTime = "open_time"
        case openMillis = "open_millis"
        case noticeHours = "notice_hours"
        case ageHours = "age_hours"
        case state, phase
        case isReady = "is_ready"
        case isDelayed = "is_delayed"
        case urgency, confidence
        case noticeQuality = "notice_quality"
        case delayRisk = "delay_risk"
        case sector
        case unknownFields = "unknown_fields"
        case patterns
    }

    init(_ listing: Listing, quote: String, _ matches: [PatternMatch]) {
        let record = listing.record
        symbol = record.ticker + quote
        ticker = record.ticker
        name = record.name
        vcoinID = record.vcoinID
        pairID = record.pairID
        openTime = record.effectiveOpening
        openMillis = openTime?.millis
        noticeHours = listing.noticeHours
        ageHours = listing.ageHours
        state = listing.state
        phase = listing.phase
        isReady = listing.isReady
        isDelayed = listing.isDelayed
        urgency = listing.urgency
        confidence = ReadyStateRule.assess(listing)?.confidence ?? 0
        noticeQuality = listing.hoursToOpening.map { NoticeQuality(noticeHours: $0) }
        delayRisk = listing.hoursToOpening.map { DelayRisk(noticeHours: $0, record: record) }
        sector = Sector(record)
        unknownFields = record.unknownFields
        patterns = matches.map(ReportedPattern.init)
    }

    /// Writes every key, `null` where there is no value, so that readers need no special case.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(symbol, forKey: .symbol)
        try container.encode(ticker, forKey: .ticker)
        try container.encode(name, forKey: .name)
        try container.encode(vcoinID, forKey: .vcoinID)
        try container.encode(pairID, forKey: .pairID)
        try container.encode(openTime, forKey: .openTime)
        try container.encode(openMillis, forKey: .openMillis)
        try container.encode(noticeHours, forKey: .noticeHours)
        try container.encode(ageHours, forKey: .ageHours)
        try container.encode(state, forKey: .state)
        try container.encode(phase, forKey: .phase)
        try container.encode(isReady, forKey: .isReady)
        try container.encode(isDelayed, forKey: .isDelayed)
        try container.encode(urgency, forKey: .urgency)
        try container.encode(confidence, forKey: .confidence)
        try container.encode(noticeQuality, forKey: .noticeQuality)
        try container.encode(delayRisk, forKey: .delayRisk)
        try container.encode(sector, forKey: .sector)
        try container.encode(unknownFields, forKey: .unknownFields)
        try container.encode(patterns, forKey: .patterns)
    }
}

/// A pattern beside its listing.
struct ReportedPattern: Sendable, Hashable, Codable {
    var type: PatternType
    var confidence: Double
    var risk: RiskLevel
    var recommendation: Recommendation

    init(_ match: PatternMatch) {
        type = match.type
        confidence = match.confidence
        risk = match.risk
        recommendation = match.recommendation
    }
}
