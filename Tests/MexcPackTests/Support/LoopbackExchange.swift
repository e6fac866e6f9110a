@testable import MexcPack

/// The instant at which the exchange of ``withExchange(rates:pace:_:)`` stands.
let exchangeStart = at("2026-03-02T10:20:00Z")

/// Gives `body` a simulated exchange on loopback and the real client that asks it.
func withExchange(
    rates: RateWindow = RateWindow(), pace: RequestPace = .unhurried,
    _ body: (SimulatedExchange, RESTMarket) async throws -> Void
) async throws {
    let exchange = try await SimulatedExchange.start(
        seed: 7, clock: SimulatedClock(start: exchangeStart, speed: 0), rates: rates,
        lifeDays: 20)
    var market = RESTMarket(
        kind: .simulator, apiBase: exchange.baseURL, webBase: exchange.baseURL, pace: pace)
    // All other tests want the same two cores.
    market.patience = 30
    do { try await body(exchange, market) } catch {
        await exchange.stop()
        throw error
    }
    await exchange.stop()
}

extension RequestPace {
    /// No waiting between requests.
    static var unhurried: RequestPace {
        var pace = RequestPace()
        pace.spacingNanos = 0
        return pace
    }

    /// One request, and no second one for as long as a test lives.
    static var single: RequestPace {
        var pace = RequestPace()
        pace.spacingNanos = 3_600_000_000_000
        return pace
    }
}
