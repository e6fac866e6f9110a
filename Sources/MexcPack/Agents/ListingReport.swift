/// What the `calendar` agent makes of a snapshot: every listing with its state, soonest first.
struct ListingReport: Sendable, Hashable, Codable {
    var marketTime: UTCInstant
    var source: MarketSource
    var quote: String
    var minNoticeHours: Double
    var totals: ListingTotals
    var listings: [Listing]
    var summary: DiscoverySummary
    var warnings: [String]

    enum CodingKeys: String, CodingKey {
        case marketTime = "market_time"
        case source, quote
        case minNoticeHours = "min_notice_hours"
        case totals, listings, summary, warnings
    }

    /// Classifies what the snapshot holds at the snapshot's own time.
    init(_ snapshot: MarketSnapshot, minNoticeHours: Double) {
        let clock = OpeningClock(now: snapshot.marketTime)
        let records = snapshot.preOpen + snapshot.calendarOnly.map(SymbolRecord.init)
        marketTime = snapshot.marketTime
        source = snapshot.source
        quote = snapshot.quote
        self.minNoticeHours = minNoticeHours
        listings = records.map { Listing($0, clock) }.sorted(by: Listing.soonestFirst)
        totals = ListingTotals(
            listings, entries: snapshot.entries, live: snapshot.live,
            minNoticeHours: minNoticeHours)
        summary = DiscoverySummary(
            listings, quote: snapshot.quote, minNoticeHours: minNoticeHours,
            isComplete: snapshot.unidentified == 0)
        warnings =
            ListingReport.readingWarnings(snapshot)
            + ListingReport.listingWarnings(snapshot, listings)
    }

    /// What of list and calendar could not be read as it should.
    private static func readingWarnings(_ snapshot: MarketSnapshot) -> [String] {
        let missing = snapshot.unknownFields.filter { $0.missing == snapshot.entries }.map(\.field)
        let candidates: [(Bool, String)] = [
            (
                snapshot.calendar.state != .merged,
                "the new-coin calendar was not used: \(snapshot.calendar.detail)"
            ),
            (
                snapshot.calendar.unidentified > 0,
                "\(snapshot.calendar.unidentified) entries of the new-coin calendar could not be read"
            ),
            (!missing.isEmpty, "the list does not carry \(missing.joined(separator: ", "))"),
            (
                snapshot.unidentified > 0,
                "\(snapshot.unidentified) entries do not say which coin they are and were not "
                    + "classified"
            ),
            (
                snapshot.duplicates != nil,
                "\(snapshot.duplicates ?? 0) entries stand in the list more than once; the first counts"
            ),
            (
                snapshot.implausibleTimes != nil,
                "\(snapshot.implausibleTimes ?? 0) opening times are not in the years 2015 to 2099 and "
                    + "count as unknown"
            ),
        ]
        return candidates.filter(\.0).map(\.1)
    }

    /// What is odd about single listings.
    private static func listingWarnings(
        _ snapshot: MarketSnapshot, _ listings: [Listing]
    ) -> [String] {
        let unrecorded = listings.filter { $0.phase == .unrecorded }.map(\.record.ticker)
        let delayed = listings.filter(\.isDelayed).map(\.record.ticker)
        let shared = Set(snapshot.sharedTickers).intersection(listings.map(\.record.ticker))
        let candidates: [(Bool, String)] = [
            (
                !unrecorded.isEmpty,
                "status numbers never seen before: \(unrecorded.joined(separator: ", "))"
            ),
            (
                !delayed.isEmpty,
                "late, or the list is older than it looks: \(delayed.joined(separator: ", "))"
            ),
            (
                !shared.isEmpty,
                "several coins share these tickers, go by vcoin_id: "
                    + shared.sorted().joined(separator: ", ")
            ),
            (
                snapshot.liveBeforeOpening > 0,
                "\(snapshot.liveBeforeOpening) pairs trade before their opening time"
            ),
        ]
        return candidates.filter(\.0).map(\.1)
    }
}

extension SymbolRecord {
    /// A coin that only the calendar knows: everything but its opening time is unknown.
    init(_ entry: CalendarEntry) {
        self.init(pairID: "", vcoinID: entry.vcoinID, ticker: entry.symbol)
        name = entry.projectName
        calendar = CalendarOpinion(openMillis: entry.firstOpenMillis)
    }
}
