import AgentKit
import Coordination
import Testing

@testable import MexcPack

/// What the exchange's breaker hears of requests, over real sockets.
struct RequestGuardTests {
    private func verdicts(
        _ link: WatchedBreaker, _ market: RESTMarket, _ body: (RESTMarket) async throws -> Void
    ) async throws -> [CallVerdict] {
        let handle = BreakerHandle(ExchangeBreaker.name, link: link)
        try await body(market.guarded(by: handle))
        handle.flush()
        return link.verdicts
    }

    @Test func `a request that our own pace held back is not counted`() async throws {
        try await withExchange(pace: .single) { _, market in
            let verdicts = try await verdicts(WatchedBreaker(), market) { market in
                _ = try await market.now()
                for _ in 0..<20 {
                    let held = try #require(await failure { try await market.now() })
                    #expect(held.type == "rate_limited" && held.message.contains("not sent"))
                }
            }
            #expect(verdicts == [.success])
        }
    }

    @Test func `one refusal for too many requests counts once, what it holds back does not`()
        async throws
    {
        let rates = RateWindow(maxWeight: 0, windowMillis: 3_600_000)
        try await withExchange(rates: rates) { _, market in
            let verdicts = try await verdicts(WatchedBreaker(), market) { market in
                for _ in 0..<10 {
                    let refused = try #require(await failure { try await market.now() })
                    #expect(refused.type == "rate_limited")
                }
            }
            #expect(verdicts == [.failure])
        }
    }

    @Test func `a request whose caller gives up is not counted`() async throws {
        try await withExchange { exchange, market in
            try await exchange.setFaults(ExchangeFaults(outage: .silent))
            let verdicts = try await verdicts(WatchedBreaker(), market) { market in
                let asking = Task { await failure { try await market.now() } }
                asking.cancel()
                #expect(await asking.value?.type == "cancelled")
            }
            #expect(!verdicts.contains(.failure))
        }
    }

    @Test func `a request that waits for its turn when its caller gives up is not counted`()
        async throws
    {
        var pace = RequestPace.single
        pace.maxWaitNanos = .max / 2
        try await withExchange(pace: pace) { _, market in
            let verdicts = try await verdicts(WatchedBreaker(), market) { market in
                _ = try await market.now()
                let asking = Task { await failure { try await market.now() } }
                asking.cancel()
                #expect(await asking.value?.type == "cancelled")
            }
            #expect(verdicts == [.success])
        }
    }

    @Test func `a quote that is not there does not count, nor the calendar given up for it`()
        async throws
    {
        var pace = RequestPace()
        pace.spacingNanos = 20_000_000
        try await withExchange(pace: pace) { _, market in
            let link = WatchedBreaker()
            let signals = BreakerSignals(link)
            for _ in 0..<5 {
                let unknown = await failure {
                    try await call(
                        MexcAPIAgent(market: market), "symbols", #"{"quote":"ZZZ"}"#, signals)
                }
                #expect(unknown?.type == "unknown_quote")
            }
            signals.breakers.flush()
            #expect(link.verdicts.contains(.success) && !link.verdicts.contains(.failure))
        }
    }

    @Test func `trouble of the exchange counts`() async throws {
        try await withExchange { exchange, market in
            try await exchange.setFaults(ExchangeFaults(errorRate: 1))
            let verdicts = try await verdicts(WatchedBreaker(), market) { market in
                #expect(await failure { try await market.now() }?.type == "exchange_error")
            }
            #expect(verdicts == [.failure])
        }
    }

    @Test func `an open breaker refuses at once and takes no turn`() async throws {
        try await withExchange(pace: .single) { _, market in
            let verdicts = try await verdicts(WatchedBreaker(.open), market) { market in
                for _ in 0..<3 {
                    let refused = try #require(await failure { try await market.now() })
                    #expect(refused.type == "exchange_breaker_open" && refused.retryable)
                    #expect(refused.message.contains("cadre breaker show mexc-exchange"))
                }
            }
            #expect(verdicts.isEmpty)
            // The only turn is still there.
            #expect(try await market.now() == exchangeStart)
        }
    }
}
