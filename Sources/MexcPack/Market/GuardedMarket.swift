import AgentKit
import Coordination

/// A market whose every request asks the exchange's breaker first and tells it how it went.
///
/// While the exchange has trouble, requests are refused here, at once, instead of each waiting out
/// its time limit and adding to the trouble. Failures that are not retryable (an unknown symbol, a
/// refused key) say nothing about the exchange's health and do not count.
struct GuardedMarket: MarketData {
    private let market: any MarketData
    private let breaker: BreakerHandle

    /// The market behind the breaker that the operation has at hand.
    init(_ market: any MarketData, _ context: AgentContext) {
        self.market = market
        breaker = context.breaker(ExchangeBreaker.name)
    }

    var source: MarketSource { market.source }

    func now() async throws(StepFailure) -> UTCInstant {
        try await guarded { () async throws(StepFailure) in try await market.now() }
    }

    func symbols(quote: String) async throws(StepFailure) -> SymbolList {
        try await guarded { () async throws(StepFailure) in
            try await market.symbols(quote: quote)
        }
    }

    func calendar(at now: UTCInstant) async throws(StepFailure) -> NewCoinCalendar {
        try await guarded { () async throws(StepFailure) in try await market.calendar(at: now) }
    }

    func exchangeInfo(symbol: String) async throws(StepFailure) -> ExchangeSymbol {
        try await guarded { () async throws(StepFailure) in
            try await market.exchangeInfo(symbol: symbol)
        }
    }

    func klines(_ query: KlineQuery) async throws(StepFailure) -> [Candle] {
        try await guarded { () async throws(StepFailure) in try await market.klines(query) }
    }

    func ticker(symbol: String) async throws(StepFailure) -> Ticker {
        try await guarded { () async throws(StepFailure) in
            try await market.ticker(symbol: symbol)
        }
    }

    func depth(symbol: String, limit: Int) async throws(StepFailure) -> OrderBook {
        try await guarded { () async throws(StepFailure) in
            try await market.depth(symbol: symbol, limit: limit)
        }
    }

    private func guarded<Value: Sendable>(
        _ request: @Sendable () async throws(StepFailure) -> Value
    ) async throws(StepFailure) -> Value {
        do {
            return try await breaker.run(request)
        } catch let refused as BreakerHandle.Refused {
            throw MarketFailure.breakerOpen(source.name, refused)
        } catch let failure as StepFailure {
            throw failure
        } catch {
            throw MarketFailure.unreachable(source.name, "\(error)")
        }
    }
}

/// The breaker that the exchange's requests pass: put by the server when there is none of its name.
enum ExchangeBreaker {
    static let name = "mexc-exchange"

    /// Half of at least 10 requests of a minute failed, or took 8 s and more: 15 s without any,
    /// doubling up to 5 minutes.
    static let definition = BreakerDefinition(
        name: name, summary: "Requests of the MEXC agents to the exchange.",
        rules: .calls(
            BreakerPolicy(
                window: .millis(60_000), minimumCalls: 10, failureRate: 0.5, slowCallRate: 0.8,
                slowCallMillis: 8_000, halfOpenPermits: 3, successesToClose: 2,
                permitMillis: 30_000, openMillis: 15_000, severity: .high)))
}
