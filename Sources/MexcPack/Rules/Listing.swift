/// An entry of the symbol list that does not trade, and where its opening stands.
///
/// Live pairs are counted, not listed; everything else is a listing, however old.
struct Listing: Sendable, Hashable, Codable {
    var record: SymbolRecord
    var phase: ListingPhase
    var state: OpeningState
    /// Passed its opening time by less than the grace.
    var isDelayed: Bool
    /// The triple says pre-open and the opening is ahead, or late by less than the grace.
    var isReady: Bool
    /// Hours to the opening; negative after it; `nil` without an opening time.
    var hoursToOpening: Double?
    var urgency: Urgency

    enum CodingKeys: String, CodingKey {
        case record, phase, state
        case isDelayed = "is_delayed"
        case isReady = "is_ready"
        case hoursToOpening = "hours_to_opening"
        case urgency
    }

    /// Classifies an entry at the clock's instant.
    init(_ record: SymbolRecord, _ clock: OpeningClock) {
        self.record = record
        phase = record.triple.phase
        state = clock.state(record.effectiveOpening)
        isDelayed = clock.isDelayed(record.effectiveOpening)
        isReady = phase == .preOpen && (state == .upcoming || isDelayed)
        hoursToOpening = record.effectiveOpening.map(clock.noticeHours)
        urgency =
            phase == .live ? .launched : Urgency(state: state, noticeHours: hoursToOpening)
    }

    /// Hours of notice, two decimals; `nil` unless the opening is ahead.
    var noticeHours: Double? {
        state == .upcoming ? hoursToOpening?.twoDecimals : nil
    }

    /// Hours since the opening time, two decimals; `nil` unless it has passed.
    var ageHours: Double? {
        hoursToOpening.flatMap { $0 <= 0 ? (0 - $0).twoDecimals : nil }
    }

    /// Soonest first: what is ahead, then what is late, the latest first, then what has no time.
    static func soonestFirst(_ a: Listing, _ b: Listing) -> Bool {
        let keys = (a.sortKey, b.sortKey)
        return keys.0 == keys.1 ? a.record.vcoinID < b.record.vcoinID : keys.0 < keys.1
    }

    private var sortKey: Double {
        guard let hours = hoursToOpening else { return .infinity }
        return hours > 0 ? hours : Listing.pastOffset - hours
    }

    /// More hours than any opening is ahead, about 11,000 years.
    private static let pastOffset = 1e8
}

extension SymbolRecord {
    /// The list's opening time, else the calendar's.
    var effectiveOpening: UTCInstant? {
        opensAt ?? calendar?.openMillis.map { UTCInstant(millis: $0) }
    }
}

/// How many entries a list holds of each kind.
struct ListingTotals: Sendable, Hashable, Codable {
    /// Entries of the exchange's symbol list.
    var entries: Int
    /// Entries of that list with the triple (2,2,4), as far as its numbers are known.
    var readyTriples: Int
    /// Listings with the triple whose opening is ahead or late by less than the grace.
    var ready: Int
    var upcoming: Int
    /// Upcoming with at least the asked notice.
    var withNotice: Int
    /// Passed by less than 24 hours, delayed ones included.
    var overdue: Int
    /// The part of `overdue` inside the grace.
    var delayed: Int
    var stale: Int
    /// Listings without an opening time.
    var unknown: Int
    /// Pairs that trade.
    var live: Int

    enum CodingKeys: String, CodingKey {
        case entries
        case readyTriples = "ready_triples"
        case ready, upcoming
        case withNotice = "with_notice"
        case overdue, delayed, stale, unknown, live
    }

    /// Counts `listings` beside the sizes of the list they are from.
    init(_ listings: [Listing], entries: Int, live: Int, minNoticeHours: Double) {
        func count(_ test: (Listing) -> Bool) -> Int { listings.count(where: test) }
        self.entries = entries
        self.live = live
        readyTriples = count { $0.phase == .preOpen }
        ready = count(\.isReady)
        upcoming = count { $0.state == .upcoming }
        withNotice = count { $0.state == .upcoming && $0.hoursToOpening ?? 0 >= minNoticeHours }
        overdue = count { $0.state == .overdue }
        delayed = count(\.isDelayed)
        stale = count { $0.state == .stale }
        unknown = count { $0.state == .unknown }
    }
}
