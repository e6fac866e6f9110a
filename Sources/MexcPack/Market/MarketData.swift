import AgentKit
import Coordination

/// Where market data comes from: a live exchange, the simulated one, or a recorded list.
///
/// Every call either answers or throws; an empty answer means that there is nothing, never that
/// nobody could be asked. Failures are ``MarketFailure``s, ready to be an operation's failure.
/// Any thread; a call may take as long as the source's time limits say.
protocol MarketData: Sendable {
    /// What it is, for reports.
    var source: MarketSource { get }

    /// The market's time: the exchange's clock, or the instant a replay is set to.
    func now() async throws(StepFailure) -> UTCInstant

    /// The web symbol list of one quote currency, such as `USDT`.
    func symbols(quote: String) async throws(StepFailure) -> SymbolList

    /// The new-coin calendar; `now` is the market's time.
    func calendar(at now: UTCInstant) async throws(StepFailure) -> NewCoinCalendar

    /// The trading rules of one symbol, such as `BTCUSDT`.
    func exchangeInfo(symbol: String) async throws(StepFailure) -> ExchangeSymbol

    /// Candles, oldest first.
    func klines(_ query: KlineQuery) async throws(StepFailure) -> [Candle]

    /// The last 24 hours of one symbol.
    func ticker(symbol: String) async throws(StepFailure) -> Ticker

    /// The order book of one symbol, at most `limit` levels a side, 1 to 5,000.
    func depth(symbol: String, limit: Int) async throws(StepFailure) -> OrderBook

    /// The same market, whose every request to an exchange asks `breaker` first and tells it how it
    /// went. Default: itself, since what asks no exchange has nothing to guard.
    func guarded(by breaker: BreakerHandle) -> Self
}

extension MarketData {
    func guarded(by breaker: BreakerHandle) -> Self { self }

    /// The market behind the exchange's breaker that the operation has at hand.
    func guarded(_ context: AgentContext) -> Self {
        guarded(by: context.breaker(ExchangeBreaker.name))
    }
}

/// What kind of source it is, and which.
struct MarketSource: Sendable, Hashable, Codable {
    enum Kind: String, Sendable, Hashable, Codable { case replay, simulator, live }

    var kind: Kind
    /// The file's name or the base address.
    var name: String
}

/// An answer of the web symbol list.
struct SymbolList: Sendable {
    var quote: String
    var records: [SymbolRecord]
    /// Entries that carry no coin id, so that nothing can be said about them.
    var unidentified: Int
    /// Opening times that no listing can have (see ``UTCInstant/init(exchangeMillis:)``): unknown.
    var implausibleTimes = 0
    /// The size of the text it was read from.
    var bytes: Int
}

/// An answer of the new-coin calendar.
struct NewCoinCalendar: Sendable {
    var entries: [CalendarEntry]
    /// Entries without coin id, symbol or time.
    var unidentified: Int
    /// Whether it has entries and none could be read: a format that is not known, which says nothing
    /// about any coin.
    var isForeign: Bool { entries.isEmpty && unidentified > 0 }
}

/// One entry of the new-coin calendar.
struct CalendarEntry: Sendable, Hashable, Codable {
    var vcoinID: String
    /// The ticker.
    var symbol: String
    var projectName: String?
    /// Milliseconds since 1970.
    var firstOpenMillis: Int64

    enum CodingKeys: String, CodingKey {
        case vcoinID = "vcoin_id"
        case symbol
        case projectName = "project_name"
        case firstOpenMillis = "first_open_millis"
    }
}

/// The trading rules of a symbol. Amounts keep the exchange's text.
struct ExchangeSymbol: Sendable, Hashable, Codable {
    var symbol: String
    /// `1` online, `2` pause, `3` offline; `ENABLED` before 2024-08.
    var status: String
    var baseAsset: String
    var quoteAsset: String
    var quotePrecision: Int?
    var baseAssetPrecision: Int?
    /// The least quantity.
    var baseSizePrecision: String?
    /// The least amount in the quote currency.
    var quoteAmountPrecision: String?
    var isSpotTradingAllowed: Bool?
    var makerCommission: String?
    var takerCommission: String?

    enum CodingKeys: String, CodingKey {
        case symbol, status
        case baseAsset = "base_asset"
        case quoteAsset = "quote_asset"
        case quotePrecision = "quote_precision"
        case baseAssetPrecision = "base_asset_precision"
        case baseSizePrecision = "base_size_precision"
        case quoteAmountPrecision = "quote_amount_precision"
        case isSpotTradingAllowed = "is_spot_trading_allowed"
        case makerCommission = "maker_commission"
        case takerCommission = "taker_commission"
    }
}

/// Which candles are asked for.
struct KlineQuery: Sendable, Hashable {
    var symbol: String
    var interval: KlineInterval
    /// Milliseconds since 1970, inclusive; `nil`: as many as `limit` before the end.
    var startMillis: Int64?
    /// Milliseconds since 1970; `nil`: now.
    var endMillis: Int64?
    /// 1 to 1,000. Default 500.
    var limit: Int = 500
}

/// The length of a candle, as the exchange writes it.
enum KlineInterval: String, Sendable, Hashable, Codable, CaseIterable {
    case oneMinute = "1m"
    case fiveMinutes = "5m"
    case fifteenMinutes = "15m"
    case thirtyMinutes = "30m"
    case oneHour = "60m"
    case fourHours = "4h"
    case oneDay = "1d"

    /// The length, milliseconds.
    var millis: Int64 {
        switch self {
        case .oneMinute: 60_000
        case .fiveMinutes: 300_000
        case .fifteenMinutes: 900_000
        case .thirtyMinutes: 1_800_000
        case .oneHour: 3_600_000
        case .fourHours: 14_400_000
        case .oneDay: 86_400_000
        }
    }
}

/// One candle. Prices and volumes keep the exchange's text.
struct Candle: Sendable, Hashable, Codable {
    var openMillis: Int64
    var open: String
    var high: String
    var low: String
    var close: String
    var volume: String
    var closeMillis: Int64
    var quoteVolume: String

    enum CodingKeys: String, CodingKey {
        case openMillis = "open_millis"
        case open, high, low, close, volume
        case closeMillis = "close_millis"
        case quoteVolume = "quote_volume"
    }
}

/// The last 24 hours of a symbol. Prices and volumes keep the exchange's text.
struct Ticker: Sendable, Hashable, Codable {
    var symbol: String
    var lastPrice: String
    var openPrice: String
    var highPrice: String
    var lowPrice: String
    var bidPrice: String?
    var askPrice: String?
    var volume: String?
    var quoteVolume: String?
    /// A fraction: `0.0173` is 1.73 percent.
    var priceChangePercent: String?

    enum CodingKeys: String, CodingKey {
        case symbol
        case lastPrice = "last_price"
        case openPrice = "open_price"
        case highPrice = "high_price"
        case lowPrice = "low_price"
        case bidPrice = "bid_price"
        case askPrice = "ask_price"
        case volume
        case quoteVolume = "quote_volume"
        case priceChangePercent = "price_change_percent"
    }
}

/// An order book, best price first on both sides.
struct OrderBook: Sendable, Hashable, Codable {
    /// A price and what is offered at it, in the exchange's text.
    struct Level: Sendable, Hashable, Codable {
        var price: String
        var quantity: String
    }

    var lastUpdateID: Int64?
    var bids: [Level]
    var asks: [Level]

    enum CodingKeys: String, CodingKey {
        case lastUpdateID = "last_update_id"
        case bids, asks
    }
}
