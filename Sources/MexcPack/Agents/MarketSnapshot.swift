/// What `mexc-api` hands on of a symbol list: everything about pairs that do not trade yet, and
/// counts of the rest, so that a list of 2,900 entries becomes a few kilobytes.
struct MarketSnapshot: Sendable, Hashable, Codable {
    /// When, by the market's clock.
    var marketTime: UTCInstant
    var source: MarketSource
    var quote: String
    /// Entries of the list, unidentified ones included; one that stands there twice counts once.
    var entries: Int
    /// Pairs that trade.
    var live: Int
    /// Entries without a coin id.
    var unidentified: Int
    /// Entries that stood there before, left out. No member when there are none.
    var duplicates: Int?
    /// Opening times that no listing can have and that count as unknown. No member when there are none.
    var implausibleTimes: Int?
    /// How often each triple occurs, the most frequent first.
    var triples: [TripleCount]
    /// Fields that some entries do not carry, the most missed first.
    var unknownFields: [FieldCount]
    /// Entries that do not trade, in the order of the list.
    var preOpen: [SymbolRecord]
    var calendar: CalendarStatus
    /// Calendar entries of coins that the list does not have.
    var calendarOnly: [CalendarEntry]
    /// Tickers that several coins of the list share.
    var sharedTickers: [String]
    /// Pairs that trade although their opening time is still ahead; none on recorded lists.
    var liveBeforeOpening: Int
    /// On request: identity, triple and opening time of every entry.
    var all: [SymbolRecord]?

    enum CodingKeys: String, CodingKey {
        case marketTime = "market_time"
        case source, quote, entries, live, unidentified, duplicates, triples
        case implausibleTimes = "implausible_times"
        case unknownFields = "unknown_fields"
        case preOpen = "pre_open"
        case calendar
        case calendarOnly = "calendar_only"
        case sharedTickers = "shared_tickers"
        case liveBeforeOpening = "live_before_opening"
        case all
    }

    /// How often a triple occurs.
    struct TripleCount: Sendable, Hashable, Codable {
        var status: Int?
        var spotStatus: Int?
        var tradingType: Int?
        var count: Int

        /// What tells it from every other triple, for an order; unknown numbers first.
        fileprivate var numbers: String {
            [status, spotStatus, tradingType].map { $0.map { "\($0)" } ?? "" }
                .joined(separator: ",")
        }

        enum CodingKeys: String, CodingKey {
            case status
            case spotStatus = "spot_status"
            case tradingType = "trading_type"
            case count
        }
    }

    /// How many entries do not carry a field.
    struct FieldCount: Sendable, Hashable, Codable {
        var field: String
        var missing: Int
    }

    /// What became of the new-coin calendar.
    struct CalendarStatus: Sendable, Hashable, Codable {
        enum State: String, Sendable, Hashable, Codable {
            /// Asked, and its times stand beside those of the list.
            case merged
            /// The caller did not want it.
            case notAsked = "not_asked"
            /// A replay does not have it.
            case notRecorded = "not_recorded"
            /// Asked, and there was no usable answer; `detail` says why.
            case unavailable
        }

        var state: State
        var entries: Int
        /// Entries without coin id, symbol or time.
        var unidentified: Int
        /// Why there is no calendar; empty when there is.
        var detail: String
    }
}

extension MarketSnapshot {
    /// Puts list and calendar together.
    ///
    /// - Parameter includingAll: whether to carry every entry in short.
    init(
        _ list: SymbolList, at time: UTCInstant, from source: MarketSource,
        calendar answer: CalendarAnswer, includingAll: Bool
    ) {
        let records = MarketSnapshot.withoutDuplicates(list.records)
        let trading = records.filter { $0.triple.phase == .live }
        marketTime = time
        self.source = source
        quote = list.quote
        entries = records.count + list.unidentified
        live = trading.count
        unidentified = list.unidentified
        let repeated = list.records.count - records.count
        duplicates = repeated > 0 ? repeated : nil
        implausibleTimes = list.implausibleTimes > 0 ? list.implausibleTimes : nil
        triples = MarketSnapshot.count(records.map(\.triple))
        unknownFields = MarketSnapshot.unknownFields(of: records)
        preOpen = records.filter { $0.triple.phase != .live }.map(answer.annotate)
        calendar = answer.status
        calendarOnly = answer.entries(notIn: records)
        sharedTickers = MarketSnapshot.sharedTickers(in: records)
        liveBeforeOpening = trading.count { ($0.opensAt ?? time) > time }
        all = includingAll ? records.map(\.short) : nil
    }

    /// Each coin and pair once, as it stands there first.
    private static func withoutDuplicates(_ records: [SymbolRecord]) -> [SymbolRecord] {
        var seen = Set<ListingIdentity>(minimumCapacity: records.count)
        return records.filter { seen.insert($0.identity).inserted }
    }

    private static func count(_ triples: [ReadinessTriple]) -> [TripleCount] {
        let counts = Dictionary(triples.map { ($0, 1) }, uniquingKeysWith: +)
        return counts.map { triple, count in
            TripleCount(
                status: triple.status, spotStatus: triple.spotStatus,
                tradingType: triple.tradingType, count: count)
        }
        .sorted { ($1.count, $0.numbers) < ($0.count, $1.numbers) }
    }

    private static func unknownFields(of records: [SymbolRecord]) -> [FieldCount] {
        var missing: [String: Int] = [:]
        for record in records {
            for field in record.unknownFields { missing[field, default: 0] += 1 }
        }
        return missing.map { FieldCount(field: $0.key, missing: $0.value) }
            .sorted { ($1.missing, $0.field) < ($0.missing, $1.field) }
    }

    private static func sharedTickers(in records: [SymbolRecord]) -> [String] {
        let coins = Dictionary(grouping: records, by: \.ticker).mapValues {
            Set($0.map(\.vcoinID)).count
        }
        return coins.filter { $0.value > 1 }.keys.sorted()
    }
}

extension SymbolRecord {
    /// Identity, triple and opening time only.
    fileprivate var short: SymbolRecord {
        var record = SymbolRecord(pairID: pairID, vcoinID: vcoinID, ticker: ticker)
        record.status = status
        record.spotStatus = spotStatus
        record.tradingType = tradingType
        record.openMillis = openMillis
        return record
    }
}

/// What came of asking for the calendar.
struct CalendarAnswer: Sendable {
    var status: MarketSnapshot.CalendarStatus
    private var openings: [String: CalendarEntry]?

    /// The calendar was asked and answered. Of two entries for a coin the earlier one counts.
    init(_ calendar: NewCoinCalendar) {
        status = MarketSnapshot.CalendarStatus(
            state: .merged, entries: calendar.entries.count, unidentified: calendar.unidentified,
            detail: "")
        openings = Dictionary(calendar.entries.map { ($0.vcoinID, $0) }) { a, b in
            a.firstOpenMillis <= b.firstOpenMillis ? a : b
        }
    }

    /// There is no calendar.
    init(missing state: MarketSnapshot.CalendarStatus.State, _ detail: String) {
        status = MarketSnapshot.CalendarStatus(
            state: state, entries: 0, unidentified: 0, detail: detail)
        openings = nil
    }

    /// The record with what the calendar says of its coin.
    func annotate(_ record: SymbolRecord) -> SymbolRecord {
        guard let openings else { return record }
        var record = record
        record.calendar = CalendarOpinion(openMillis: openings[record.vcoinID]?.firstOpenMillis)
        return record
    }

    /// Entries of coins that the list does not have, soonest first.
    func entries(notIn records: [SymbolRecord]) -> [CalendarEntry] {
        let known = Set(records.map(\.vcoinID))
        return (openings ?? [:]).values.filter { !known.contains($0.vcoinID) }
            .sorted { ($0.firstOpenMillis, $0.vcoinID) < ($1.firstOpenMillis, $1.vcoinID) }
    }
}
