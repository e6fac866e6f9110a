import AgentKit
import Coordination

/// The exchange's breaker around each request of a market.
///
/// While the exchange has trouble, requests are refused here, at once, instead of each waiting out
/// its time limit and adding to the trouble. Only what was asked of the exchange counts: a request
/// waits for its turn outside, and neither one that was held back there, nor one that its caller
/// gave up, nor a failure that is not retryable (an unknown symbol, a refused key) says anything
/// about the exchange's health.
struct RequestGuard: Sendable {
    /// `nil`: every request passes.
    var breaker: BreakerHandle?
    /// The market's name, for messages.
    let name: String

    /// Refuses at once what the breaker lets not through, before it waits for a turn.
    func refuseWhileOpen() throws(StepFailure) {
        do throws(BreakerHandle.Refused) { try breaker?.refuseWhileOpen() } catch {
            throw MarketFailure.breakerOpen(name, error)
        }
    }

    /// Makes a request if the breaker lets it through, and tells it how it went.
    func run<Value: Sendable>(
        _ request: @Sendable () async throws(StepFailure) -> Value
    ) async throws(StepFailure) -> Value {
        guard let breaker else { return try await request() }
        do {
            return try await breaker.run {
                do { return try await request() } catch {
                    if Task.isCancelled { throw CancellationError() }
                    throw error
                }
            }
        } catch let refused as BreakerHandle.Refused {
            throw MarketFailure.breakerOpen(name, refused)
        } catch let failure as StepFailure {
            throw failure
        } catch {
            throw MarketFailure.cancelled
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
