import Coordination

/// An operation that needs no input; whatever is given is ignored.
struct NoInput: Sendable, Codable {}

/// Input of `mexc-api.symbols`.
struct SymbolsRequest: Sendable, Codable {
    /// The quote currency. Default `USDT`.
    var quote: String?
    /// Whether to ask the new-coin calendar too. Default true.
    var calendar: Bool?
    /// Whether to add every entry in short, about 0.5 MB. Default false.
    var all: Bool?

    /// The quote currency in capitals.
    func checkedQuote() throws(StepFailure) -> String {
        let quote = (self.quote ?? "USDT").uppercased()
        guard isSymbolText(quote, maxCount: 16) else {
            throw MarketFailure.invalidInput(
                "quote: '\(quote.prefix(32))' is no currency; write 1 to 16 letters or digits, "
                    + "such as USDT")
        }
        return quote
    }
}

/// Input of the operations on one symbol.
struct SymbolRequest: Sendable, Codable {
    var symbol: String

    /// The symbol in capitals.
    func checked() throws(StepFailure) -> String { try checkedSymbol(symbol) }
}

/// Input of `mexc-api.depth`.
struct DepthRequest: Sendable, Codable {
    var symbol: String
    /// Levels a side, 1 to 5,000. Default 100.
    var limit: Int?

    func checked() throws(StepFailure) -> String { try checkedSymbol(symbol) }

    func checkedLimit() throws(StepFailure) -> Int {
        let limit = self.limit ?? 100
        guard (1...5_000).contains(limit) else {
            throw MarketFailure.invalidInput("limit: \(limit) is not in 1...5000")
        }
        return limit
    }
}

/// Input of `mexc-api.klines`.
struct KlinesRequest: Sendable, Codable {
    var symbol: String
    /// 1m, 5m, 15m, 30m, 60m, 4h or 1d. Default 60m.
    var interval: String?
    var startTime: UTCInstant?
    var endTime: UTCInstant?
    /// 1 to 1,000. Default 500.
    var limit: Int?

    enum CodingKeys: String, CodingKey {
        case symbol, interval
        case startTime = "start_time"
        case endTime = "end_time"
        case limit
    }

    func query() throws(StepFailure) -> KlineQuery {
        let text = interval ?? KlineInterval.oneHour.rawValue
        guard let interval = KlineInterval(rawValue: text) else {
            let known = KlineInterval.allCases.map(\.rawValue).joined(separator: ", ")
            throw MarketFailure.invalidInput("interval: '\(text.prefix(32))' is none of \(known)")
        }
        let limit = self.limit ?? 500
        guard (1...1_000).contains(limit) else {
            throw MarketFailure.invalidInput("limit: \(limit) is not in 1...1000")
        }
        return KlineQuery(
            symbol: try checkedSymbol(symbol), interval: interval, startMillis: startTime?.millis,
            endMillis: endTime?.millis, limit: limit)
    }
}

/// Output of `mexc-api.klines`.
struct CandleList: Sendable, Codable {
    var candles: [Candle]
}

/// Output of `mexc-api.calendar`.
struct CalendarReport: Sendable, Codable {
    var marketTime: UTCInstant
    var source: MarketSource
    var unidentified: Int
    var entries: [CalendarEntry]

    enum CodingKeys: String, CodingKey {
        case marketTime = "market_time"
        case source, unidentified, entries
    }
}

/// Output of `mexc-api.server_time`.
struct ServerTime: Sendable, Codable {
    var marketTime: UTCInstant
    var millis: Int64
    var source: MarketSource

    enum CodingKeys: String, CodingKey {
        case marketTime = "market_time"
        case millis, source
    }

    init(_ time: UTCInstant, _ source: MarketSource) {
        marketTime = time
        millis = time.millis
        self.source = source
    }
}

private func checkedSymbol(_ text: String) throws(StepFailure) -> String {
    let symbol = text.uppercased()
    guard isSymbolText(symbol, maxCount: 64) else {
        throw MarketFailure.invalidInput(
            "symbol: '\(text.prefix(80))' is no symbol; write 1 to 64 letters or digits, such as "
                + "BTCUSDT")
    }
    return symbol
}

/// Letters and digits only, so that it needs no escaping in an address.
private func isSymbolText(_ text: String, maxCount: Int) -> Bool {
    (1...maxCount).contains(text.utf8.count)
        && text.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || $0 == 0x5F
        }
}
