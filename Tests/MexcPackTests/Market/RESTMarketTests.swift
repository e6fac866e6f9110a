import Coordination
import Testing

@testable import MexcPack

/// The real client against the simulated exchange, over real sockets on loopback.
struct RESTMarketTests {
    private let start = exchangeStart

    @Test func `everything there is to ask is answered`() async throws {
        try await withExchange { exchange, market in
            #expect(try await market.now() == start)
            let list = try await market.symbols(quote: "USDT")
            #expect(list.records.count > 100 && list.unidentified == 0)
            #expect(try await market.calendar(at: start).entries.count > 3)
            let live = try #require(list.records.first { $0.triple.phase == .live })
            let symbol = live.ticker + "USDT"
            let info = try await market.exchangeInfo(symbol: symbol)
            #expect(info.symbol == symbol && info.status == "1" && info.quoteAsset == "USDT")
            let query = KlineQuery(symbol: symbol, interval: .oneMinute, limit: 3)
            let candles = try await market.klines(query)
            let ticker = try await market.ticker(symbol: symbol)
            #expect(candles.count == 3 && candles.last?.close == ticker.lastPrice)
            #expect(try await market.depth(symbol: symbol, limit: 7).asks.count == 7)
        }
    }

    @Test func `time passes on the exchange and changes the list`() async throws {
        try await withExchange { exchange, market in
            let before = try await market.symbols(quote: "USDT")
            try await exchange.advance(hours: 24)
            #expect(try await market.now() == start.adding(hours: 24))
            let after = try await market.symbols(quote: "USDT")
            let changes = ListTransitions(from: before.records, to: after.records)
            #expect(!changes.wentLive.isEmpty && !changes.appeared.isEmpty)
        }
    }

    @Test(
        arguments: [(.max, 259_200_000), (.min, 0), (-5, 0), (7, 7_000)] as [(Int64, Int64)])
    func `a wait that the exchange asks for is at most three days`(seconds: Int64, millis: Int64) {
        #expect(RESTMarket.waitMillis(seconds: seconds) == millis)
    }

    @Test func `too many requests are a pause as long as the exchange wants it`() async throws {
        let rates = RateWindow(maxWeight: 2, windowMillis: 3_600_000)
        try await withExchange(rates: rates) { _, market in
            // Two are allowed in each hour, and one may end meanwhile.
            var answer: StepFailure?
            for _ in 0..<5 where answer == nil {
                answer = await failure { try await market.now() }
            }
            let refused = try #require(answer)
            #expect(refused.type == "rate_limited" && refused.retryable)
            #expect((1_000...3_600_000).contains(refused.retryAfterMillis ?? 0))
            #expect(refused.message.contains("429"))
            // The next one does not even leave, also for another path.
            let held = try #require(await failure { try await market.symbols(quote: "USDT") })
            #expect(held.type == "rate_limited" && held.message.contains("not sent"))
            #expect((1...3_600_000).contains(held.retryAfterMillis ?? 0))
        }
    }

    @Test(arguments: [
        (ExchangeFaults(outage: .closing), "exchange_unreachable", true),
        (ExchangeFaults(outage: .silent), "exchange_unreachable", true),
        (ExchangeFaults(outage: .stalling), "exchange_unreachable", true),
        (ExchangeFaults(outage: .truncating), "exchange_answer_invalid", true),
        (ExchangeFaults(errorRate: 1), "exchange_error", true),
        (ExchangeFaults(isForbidding: true), "exchange_refused", false),
    ])
    func `trouble is a failure with its address, never an empty answer`(
        faults: ExchangeFaults, type: String, isRetryable: Bool
    ) async throws {
        try await withExchange { exchange, market in
            try await exchange.setFaults(faults)
            var hasty = market
            // Waiting is what some of these are about; the others must not depend on speed.
            if [.silent, .stalling].contains(faults.outage) { hasty.timeoutLimitMillis = 300 }
            for ask in asks(hasty) {
                let failure = try #require(await failure { try await ask() })
                #expect(failure.type == type && failure.retryable == isRetryable)
                #expect(failure.message.contains(exchange.baseURL))
            }
            try await exchange.setFaults(.none)
            #expect(try await market.symbols(quote: "USDT").records.count > 100)
        }
    }

    private func asks(_ market: RESTMarket) -> [@Sendable () async throws -> Void] {
        var coins = SimulatedMarket(seed: 7, lifeDays: 20)
        let live = coins.coins(at: start.millis).first { $0.isLive(at: start.millis) }
        let symbol = live?.symbol ?? ""
        return [
            { _ = try await market.now() }, { _ = try await market.symbols(quote: "USDT") },
            { _ = try await market.calendar(at: start) },
            { _ = try await market.ticker(symbol: symbol) },
        ]
    }

    @Test func `a slow answer inside the limit is an answer`() async throws {
        try await withExchange { exchange, market in
            try await exchange.setFaults(ExchangeFaults(latencyMillis: 120))
            #expect(try await market.now() == start)
        }
    }

    @Test func `nobody listening is told with the address and what to do`() async throws {
        let exchange = try await SimulatedExchange.start(
            seed: 7, clock: SimulatedClock(start: start, speed: 0))
        let base = exchange.baseURL
        await exchange.stop()
        let market = RESTMarket(kind: .live, apiBase: base, webBase: base)
        let failure = try #require(await failure { try await market.symbols(quote: "USDT") })
        #expect(failure.type == "exchange_unreachable" && failure.retryable)
        #expect(failure.message.contains(base) && failure.message.contains("--market"))
        // The reason, not that the time was up.
        #expect(!failure.message.contains("no complete answer"))
    }

    @Test func `what the market does not have is told apart from trouble`() async throws {
        try await withExchange { exchange, market in
            let quote = try #require(await failure { try await market.symbols(quote: "EUR") })
            #expect(quote.type == "unknown_quote" && !quote.retryable)
            #expect(quote.message.contains("USDT"))
            for ask in [
                { _ = try await market.ticker(symbol: "NOSUCHUSDT") },
                { _ = try await market.exchangeInfo(symbol: "NOSUCHUSDT") },
                { _ = try await market.depth(symbol: "NOSUCHUSDT", limit: 1) },
            ] as [@Sendable () async throws -> Void] {
                let failure = try #require(await failure { try await ask() })
                #expect(failure.type == "unknown_symbol" && !failure.retryable)
                #expect(failure.message.contains("NOSUCHUSDT"))
            }
        }
    }

    @Test func `an address that is something else is told`() async throws {
        try await withExchange { exchange, _ in
            let market = RESTMarket(
                kind: .live, apiBase: exchange.baseURL + "/api/v3",
                webBase: exchange.baseURL + "/x",
                pace: .unhurried)
            let failure = try #require(await failure { try await market.symbols(quote: "USDT") })
            #expect(failure.type == "exchange_refused" && failure.message.contains("404"))
        }
    }
}
