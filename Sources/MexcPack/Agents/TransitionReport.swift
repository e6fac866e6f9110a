import Coordination

/// Input of `pattern-discovery.transitions`: two outputs of `mexc-api.symbols`.
struct TransitionsRequest: Sendable, Codable {
    /// The earlier one. Without `all`, only its pre-open entries can be followed.
    var previous: MarketSnapshot
    /// The later one, asked with `all`.
    var current: MarketSnapshot
}

/// Output of `pattern-discovery.transitions`.
struct TransitionReport: Sendable, Codable {
    /// Which entries could be compared.
    enum Scope: String, Sendable, Codable {
        /// Every entry of both lists.
        case all
        /// Those that were not open in the earlier list.
        case preOpen = "pre_open"
    }

    /// Enough of a record to tell it from others.
    struct Entry: Sendable, Codable {
        var vcoinID: String
        var pairID: String
        var ticker: String
        var openTime: UTCInstant?
        /// The opening time before, where it has moved.
        var previousOpenTime: UTCInstant?

        enum CodingKeys: String, CodingKey {
            case vcoinID = "vcoin_id"
            case pairID = "pair_id"
            case ticker
            case openTime = "open_time"
            case previousOpenTime = "previous_open_time"
        }

        init(_ record: SymbolRecord, previousOpenMillis: Int64? = nil) {
            vcoinID = record.vcoinID
            pairID = record.pairID
            ticker = record.ticker
            openTime = record.opensAt
            previousOpenTime = previousOpenMillis.map { UTCInstant(millis: $0) }
        }
    }

    var from: UTCInstant
    var to: UTCInstant
    var scope: Scope
    /// Ready before, live now.
    var wentLive: [Entry]
    var rescheduled: [Entry]
    /// Live before, not live now.
    var stopped: [Entry]
    /// New in the later list; empty when the scope is pre-open.
    var appeared: [Entry]
    /// Missing from the later list.
    var vanished: [Entry]

    enum CodingKeys: String, CodingKey {
        case from, to, scope
        case wentLive = "went_live"
        case rescheduled, stopped, appeared, vanished
    }

    /// Compares the snapshots; fails when they are not of the same quote, in the wrong order, or
    /// when the later one does not carry every entry.
    init(_ request: TransitionsRequest) throws(StepFailure) {
        let (previous, current) = (request.previous, request.current)
        guard let later = current.all else {
            throw MarketFailure.invalidInput(
                "current: has no 'all'; ask mexc-api.symbols with {\"all\": true}")
        }
        guard previous.quote == current.quote, previous.marketTime <= current.marketTime else {
            throw MarketFailure.invalidInput(
                "previous: \(previous.quote) at \(previous.marketTime) cannot be followed by "
                    + "\(current.quote) at \(current.marketTime); give two snapshots of one quote, "
                    + "the earlier one as 'previous'")
        }
        let changes = ListTransitions(from: previous.all ?? previous.preOpen, to: later)
        from = previous.marketTime
        to = current.marketTime
        scope = previous.all == nil ? .preOpen : .all
        wentLive = changes.wentLive.map { Entry($0) }
        rescheduled = changes.rescheduled.map {
            Entry($0.record, previousOpenMillis: $0.previousOpenMillis)
        }
        stopped = changes.stopped.map { Entry($0) }
        appeared = scope == .all ? changes.appeared.map { Entry($0) } : []
        vanished = changes.vanished.map { Entry($0) }
    }
}
