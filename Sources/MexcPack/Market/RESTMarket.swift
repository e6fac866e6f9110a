import AgentKit
import AsyncHTTPClient
import Coordination
import JSON
import NIOCore

/// An exchange that speaks MEXC's REST: the live one, or the simulator on loopback.
///
/// Requests are paced, each has its own time limit and size limit, and none is repeated here:
/// every trouble is a ``MarketFailure`` that says whether and when another attempt makes sense,
/// and the workflow's retry policy does the rest.
struct RESTMarket: MarketData {
    let source: MarketSource
    /// No request takes longer than this, whatever its own limit. Default: no such limit.
    var timeoutLimitMillis = Int64.max
    /// What each request's own time limit is multiplied by, 1 to 1,000. Default 1; more where the
    /// exchange or this machine is slow.
    var patience: Int64 = 1
    let apiBase: String
    let webBase: String
    let client: HTTPClient
    let pacer: RequestPacer
    private(set) var requestGuard: RequestGuard

    /// - Parameters:
    ///   - apiBase: where `/api/v3/…` is, such as `https://api.mexc.com`, without a slash at the
    ///     end.
    ///   - webBase: where `/api/platform/…` and `/api/operation/…` are.
    ///   - client: default one that lives as long as the process.
    init(
        kind: MarketSource.Kind, apiBase: String, webBase: String,
        client: HTTPClient = RESTMarket.sharedClient,
        pace: RequestPace = RequestPace()
    ) {
        source = MarketSource(kind: kind, name: apiBase)
        self.apiBase = apiBase
        self.webBase = webBase
        self.client = client
        pacer = RequestPacer(pace)
        requestGuard = RequestGuard(breaker: nil, name: apiBase)
    }

    /// Never shut down. A connection that is refused is reported at once, with the reason, instead
    /// of being tried again until the time is up: trying again is the workflow's business.
    static let sharedClient: HTTPClient = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    func guarded(by breaker: BreakerHandle) -> RESTMarket {
        var market = self
        market.requestGuard.breaker = breaker
        return market
    }

    func now() async throws(StepFailure) -> UTCInstant {
        try await ask(.time) { (answer) throws(StepFailure) in
            guard let millis = answer.root["serverTime"]?.int64 else {
                throw answer.invalid("it has no serverTime")
            }
            guard let now = UTCInstant(exchangeMillis: millis) else {
                throw answer.invalid("its serverTime is not in the years 2015 to 2099")
            }
            return now
        }
    }

    /// The newer list; the older one where the exchange does not have it.
    func symbols(quote: String) async throws(StepFailure) -> SymbolList {
        let newer = try await request(.symbolsV2) { (raw) async throws(StepFailure) in
            raw.status == 404 ? nil : try await list(raw, .symbolsV2, quote: quote)
        }
        if let newer { return newer }
        return try await request(.symbolsV1) { (raw) async throws(StepFailure) in
            try await list(raw, .symbolsV1, quote: quote)
        }
    }

    func calendar(at now: UTCInstant) async throws(StepFailure) -> NewCoinCalendar {
        try await ask(.calendar(at: now)) { (answer) throws(StepFailure) in
            guard let calendar = NewCoinCalendar(answer.root) else {
                throw answer.invalid("it has no list data.newCoins")
            }
            guard !calendar.isForeign else {
                throw answer.invalid(
                    "none of its \(calendar.unidentified) entries has vcoinId, vcoinName and a "
                        + "firstOpenTime in milliseconds")
            }
            return calendar
        }
    }

    func exchangeInfo(symbol: String) async throws(StepFailure) -> ExchangeSymbol {
        try await ask(.exchangeInfo(symbol)) { (answer) throws(StepFailure) in
            guard let symbols = answer.root["symbols"], symbols.kind == .array else {
                throw answer.invalid("it has no list of symbols")
            }
            let found = symbols.elements.first { $0["symbol"]?.string == symbol }
            guard let found else { throw MarketFailure.unknownSymbol(symbol, source.name) }
            return try answer.value(ExchangeSymbol(found), "trading rules")
        }
    }

    func klines(_ query: KlineQuery) async throws(StepFailure) -> [Candle] {
        try await ask(.klines(query)) { (answer) throws(StepFailure) in
            guard answer.root.kind == .array else {
                throw answer.invalid("it is no list of candles")
            }
            let candles = answer.root.elements.map { Candle($0) }
            guard !candles.contains(where: { $0 == nil }) else {
                throw answer.invalid("some rows are no candles")
            }
            return candles.compactMap { $0 }
        }
    }

    func ticker(symbol: String) async throws(StepFailure) -> Ticker {
        try await ask(.ticker(symbol)) { (answer) throws(StepFailure) in
            try answer.value(Ticker(answer.root), "ticker")
        }
    }

    func depth(symbol: String, limit: Int) async throws(StepFailure) -> OrderBook {
        try await ask(.depth(symbol, limit: limit)) { (answer) throws(StepFailure) in
            try answer.value(OrderBook(answer.root), "order book")
        }
    }
}

/// An answer that is JSON, on its way to what it says.
struct ExchangeAnswer: Sendable {
    var url: String
    var root: JSONView

    func invalid(_ why: String) -> StepFailure { MarketFailure.invalidAnswer(url, why) }

    /// What was read of it; a failure when it could not be.
    func value<Value>(_ read: Value?, _ what: String) throws(StepFailure) -> Value {
        guard let read else { throw invalid("it is no \(what)") }
        return read
    }
}
