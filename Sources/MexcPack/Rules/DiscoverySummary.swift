/// What to do now, and about which listings.
struct DiscoveryAction: Sendable, Hashable, Codable {
    enum Kind: String, Sendable, Hashable, Codable {
        /// Opens in under an hour.
        case immediate
        /// Opens in under four hours, or later but sooner than the asked notice.
        case prepare
        /// Opens later, with enough notice.
        case schedule
        /// Should have opened; may do so at any moment.
        case watchDelayed = "watch_delayed"
        /// Nothing is ahead.
        case keepScanning = "keep_scanning"
    }

    var kind: Kind
    var symbols: [String]
    /// For people.
    var reason: String
}

/// Everything that is ahead, put in a few words.
struct DiscoverySummary: Sendable, Hashable, Codable {
    /// How busy the market for new coins is, by the number of upcoming listings.
    enum Activity: String, Sendable, Hashable, Codable {
        case veryHigh = "very_high"
        case high, moderate, low, none

        /// 10 very high, 7 high, 4 moderate, 1 low.
        init(upcoming: Int) {
            self =
                upcoming >= 10
                ? .veryHigh
                : upcoming >= 7 ? .high : upcoming >= 4 ? .moderate : upcoming >= 1 ? .low : .none
        }
    }

    /// The soonest opening ahead, ISO 8601.
    var nextLaunch: UTCInstant?
    var nextSymbol: String?
    var critical: Int
    var activity: Activity
    var actions: [DiscoveryAction]
    /// 50 to 95: 50, +20 with anything immediate, +15 with anything to prepare, +10 with anything
    /// to schedule, +10 with five or more upcoming.
    var confidence: Int

    enum CodingKeys: String, CodingKey {
        case nextLaunch = "next_launch"
        case nextSymbol = "next_symbol"
        case critical, activity, actions, confidence
    }

    /// Sums up `listings`, which must be sorted soonest first.
    ///
    /// - Parameter isComplete: whether they are all that the list has; else "nothing" is not said.
    init(
        _ listings: [Listing], quote: String, minNoticeHours: Double, isComplete: Bool = true
    ) {
        let upcoming = listings.filter { $0.state == .upcoming }
        nextLaunch = upcoming.first?.record.effectiveOpening
        nextSymbol = upcoming.first.map { $0.record.ticker + quote }
        critical = upcoming.count { $0.urgency == .critical }
        activity = Activity(upcoming: upcoming.count)
        actions = DiscoverySummary.actions(listings, quote, minNoticeHours)
        if actions.isEmpty { actions = [DiscoverySummary.keepScanning(isComplete)] }
        confidence = DiscoverySummary.confidence(actions, upcoming: upcoming.count)
    }

    private static func actions(
        _ listings: [Listing], _ quote: String, _ minNoticeHours: Double
    ) -> [DiscoveryAction] {
        let notice = minNoticeHours.hoursText
        let isLater = { (listing: Listing) in [.medium, .low].contains(listing.urgency) }
        let isNoticed = { (listing: Listing) in listing.hoursToOpening ?? 0 >= minNoticeHours }
        let groups: [(DiscoveryAction.Kind, String, (Listing) -> Bool)] = [
            (.immediate, "opens in under 1 h", { $0.urgency == .critical }),
            (.prepare, "opens in under 4 h", { $0.urgency == .high }),
            (
                .prepare, "opens later, but sooner than the asked notice of \(notice) h",
                { isLater($0) && !isNoticed($0) }
            ),
            (
                .schedule, "opens later, with at least \(notice) h of notice",
                { isLater($0) && isNoticed($0) }
            ),
            (.watchDelayed, "should have opened and may at any moment", { $0.isDelayed }),
        ]
        return groups.compactMap { kind, reason, belongs in
            action(kind, listings.filter(belongs), quote, reason)
        }
    }

    private static func keepScanning(_ isComplete: Bool) -> DiscoveryAction {
        DiscoveryAction(
            kind: .keepScanning, symbols: [],
            reason: isComplete
                ? "nothing is about to open"
                : "nothing that could be read is about to open, and some entries could not")
    }

    private static func action(
        _ kind: DiscoveryAction.Kind, _ members: [Listing], _ quote: String, _ reason: String
    ) -> DiscoveryAction? {
        guard !members.isEmpty else { return nil }
        return DiscoveryAction(
            kind: kind, symbols: members.map { $0.record.ticker + quote }, reason: reason)
    }

    private static func confidence(_ actions: [DiscoveryAction], upcoming: Int) -> Int {
        let kinds = Set(actions.map(\.kind))
        let sum =
            50 + (kinds.contains(.immediate) ? 20 : 0) + (kinds.contains(.prepare) ? 15 : 0)
            + (kinds.contains(.schedule) ? 10 : 0) + (upcoming >= 5 ? 10 : 0)
        return min(95, sum)
    }
}
