/// Something that several listings have in common.
struct Correlation: Sendable, Hashable, Codable {
    enum Kind: String, Sendable, Hashable, Codable {
        /// A large part of the entries that are not open yet is ready.
        case readiness
        /// Three or more open within two hours.
        case launchCluster = "launch_cluster"
        /// A large part of the upcoming listings is of one sector.
        case sector
    }

    var kind: Kind
    /// 0 to 1.
    var strength: Double
    /// Whether the strength is above 0.7.
    var isStrong: Bool { strength > 0.7 }
    var tickers: [String]
    var vcoinIDs: [String]
    /// What it means, for people.
    var summary: String

    enum CodingKeys: String, CodingKey {
        case kind, strength, tickers
        case vcoinIDs = "vcoin_ids"
        case summary
    }

    init(_ kind: Kind, strength: Double, _ listings: [Listing], _ summary: String) {
        self.kind = kind
        self.strength = strength.twoDecimals
        tickers = listings.map(\.record.ticker)
        vcoinIDs = listings.map(\.record.vcoinID)
        self.summary = summary
    }
}

/// Looks for what listings have in common. Deterministic; order follows the opening times.
enum CorrelationRule {
    /// From this share of ready entries on readiness is reported.
    static let readinessReportAt = 0.5
    /// From this share of one sector on it is reported.
    static let sectorReportAt = 0.3
    /// The least listings of a launch cluster.
    static let clusterCount = 3
    /// How far apart the first and last opening of a cluster may be.
    static let clusterHours: Double = 2

    /// All correlations among `listings`.
    static func find(in listings: [Listing]) -> [Correlation] {
        readiness(listings) + clusters(listings) + sectors(listings)
    }

    private static func readiness(_ listings: [Listing]) -> [Correlation] {
        let preOpen = listings.filter { $0.phase == .preOpen }
        let ready = preOpen.filter(\.isReady)
        guard preOpen.count >= 2 else { return [] }
        let share = Double(ready.count) / Double(preOpen.count)
        guard share >= readinessReportAt else { return [] }
        return [
            Correlation(
                .readiness, strength: share, ready,
                "\(ready.count) of \(preOpen.count) entries that are not open yet are ready")
        ]
    }

    /// Takes from the soonest opening on as many as fit into two hours; three make a cluster.
    static func clusters(_ listings: [Listing]) -> [Correlation] {
        var rest = listings.filter { $0.state == .upcoming }.sorted(by: Listing.soonestFirst)[...]
        var found: [Correlation] = []
        while let first = rest.first?.record.effectiveOpening {
            let window = rest.prefix {
                $0.record.effectiveOpening.map { $0.hours(since: first) <= clusterHours } ?? false
            }
            if window.count >= clusterCount { found.append(cluster(Array(window), first)) }
            rest = rest.dropFirst(window.count >= clusterCount ? window.count : 1)
        }
        return found
    }

    /// 0.6, and 0.1 more in the session with the most trade.
    private static func cluster(_ window: [Listing], _ first: UTCInstant) -> Correlation {
        let strength = TradingSession(first) == .europe ? 0.7 : 0.6
        return Correlation(
            .launchCluster, strength: strength, window,
            "\(window.count) listings open within two hours from \(first)")
    }

    private static func sectors(_ listings: [Listing]) -> [Correlation] {
        let upcoming = listings.filter { $0.state == .upcoming }
        guard upcoming.count >= 2 else { return [] }
        let bySector = Dictionary(grouping: upcoming) { Sector($0.record) }
        return Sector.allCases.compactMap { sector in
            guard sector != .other, let members = bySector[sector], members.count >= 2 else {
                return nil
            }
            let share = Double(members.count) / Double(upcoming.count)
            guard share >= sectorReportAt else { return nil }
            return Correlation(
                .sector, strength: share, members,
                "\(members.count) of \(upcoming.count) upcoming listings are \(sector.rawValue)")
        }
    }
}
