/// What the `pattern-discovery` agent finds in a set of listings.
struct PatternReport: Sendable, Hashable, Codable {
    var marketTime: UTCInstant
    /// Patterns at or above the threshold of their rule, by opening, soonest first.
    var matches: [PatternMatch]
    var correlations: [Correlation]
    /// Listings that were looked at.
    var analysed: Int
    /// Patterns below their threshold.
    var belowThreshold: Int
    /// From which confidence on each rule reports.
    var thresholds: Thresholds

    enum CodingKeys: String, CodingKey {
        case marketTime = "market_time"
        case matches, correlations, analysed
        case belowThreshold = "below_threshold"
        case thresholds
    }

    /// From which confidence on each rule reports, 0 to 100.
    struct Thresholds: Sendable, Hashable, Codable {
        var readyState = ReadyStateRule.reportAt
        var launchSequence = LaunchSequenceRule.reportAt
        var preReady = PreReadyRule.reportAt

        enum CodingKeys: String, CodingKey {
            case readyState = "ready_state"
            case launchSequence = "launch_sequence"
            case preReady = "pre_ready"
        }

        /// The threshold of one kind of pattern.
        func of(_ type: PatternType) -> Double {
            switch type {
            case .readyState: readyState
            case .launchSequence: launchSequence
            case .preReady: preReady
            }
        }
    }

    /// Applies all rules to `listings`; `minConfidence` raises every threshold to at least itself.
    init(_ listings: [Listing], at time: UTCInstant, minConfidence: Double = 0) {
        let pairs = Dictionary(listings.map { ($0.record.vcoinID, 1) }, uniquingKeysWith: +)
        let all = listings.sorted(by: Listing.soonestFirst).flatMap { listing in
            [
                ReadyStateRule.assess(listing),
                LaunchSequenceRule.assess(
                    listing, pairCount: pairs[listing.record.vcoinID] ?? 1),
                PreReadyRule.assess(listing),
            ].compactMap { $0 }
        }
        thresholds = Thresholds(
            readyState: max(ReadyStateRule.reportAt, minConfidence),
            launchSequence: max(LaunchSequenceRule.reportAt, minConfidence),
            preReady: max(PreReadyRule.reportAt, minConfidence))
        let thresholds = self.thresholds
        matches = all.filter { $0.confidence >= thresholds.of($0.type) }
        belowThreshold = all.count - matches.count
        correlations = CorrelationRule.find(in: listings)
        analysed = listings.count
        marketTime = time
    }
}
