import AgentKit
import Coordination

/// The failures of market sources: stable types, messages that say what to do.
///
/// | type | tried again | meaning |
/// |---|---|---|
/// | `exchange_unreachable` | yes | no connection, or no answer in time |
/// | `exchange_breaker_open` | yes, after its wait | too many requests failed; none is made for a while |
/// | `exchange_error` | yes | the exchange answered with 5xx |
/// | `rate_limited` | yes, after its wait | 429, 418, or our own pace leaves no room |
/// | `exchange_refused` | no | 403 and other 4xx: firewall, key, parameters |
/// | `exchange_answer_invalid` | yes | an answer that is cut off or of another shape |
/// | `unknown_symbol`, `unknown_quote` | no | the market does not have it |
/// | `not_recorded` | no | a replay that holds a symbol list only |
/// | `invalid_input` | no | the request itself is wrong |
/// | `cancelled` | yes | whoever asked gave up; nothing was learned about the exchange |
enum MarketFailure {
    static func unreachable(_ url: String, _ why: String) -> StepFailure {
        StepFailure(
            type: "exchange_unreachable",
            message: "\(url) could not be asked: \(why). Check the address and the network, or "
                + "start with --market simulator or --market replay:FILE.",
            retryable: true)
    }

    static func breakerOpen(_ name: String, _ refused: BreakerHandle.Refused) -> StepFailure {
        StepFailure(
            type: "exchange_breaker_open",
            message: "\(name) is not asked: \(refused). See `cadre breaker show "
                + "\(refused.breaker)` for what it saw.",
            retryable: true, retryAfterMillis: refused.refusal.retryAfterMillis)
    }

    static func invalidAnswer(_ url: String, _ why: String) -> StepFailure {
        StepFailure(
            type: "exchange_answer_invalid",
            message: "\(url) gave an answer that cannot be used: \(why). Check that the address "
                + "is a MEXC API; if it is, its format may have changed.",
            retryable: true)
    }

    static func unknownSymbol(_ symbol: String, _ where: String) -> StepFailure {
        StepFailure(
            type: "unknown_symbol",
            message: "\(`where`) has no symbol '\(symbol)'. Write ticker and quote together, such "
                + "as BTCUSDT; the operation 'symbols' lists what there is.",
            retryable: false)
    }

    static func unknownQuote(_ quote: String, available: [String], in name: String) -> StepFailure {
        let known = available.isEmpty ? "none" : available.sorted().joined(separator: ", ")
        return StepFailure(
            type: "unknown_quote",
            message: "\(name) has no pairs quoted in '\(quote)'; it has \(known).",
            retryable: false)
    }

    static func notRecorded(_ what: String, in name: String) -> StepFailure {
        StepFailure(
            type: "not_recorded",
            message: "the replay of \(name) holds a symbol list only, no \(what). Use --market "
                + "simulator or a live address for it.",
            retryable: false)
    }

    static let cancelled = StepFailure(
        type: "cancelled", message: "the request was given up before it was answered",
        retryable: true)

    static func invalidInput(_ message: String) -> StepFailure {
        StepFailure(type: "invalid_input", message: message, retryable: false)
    }
}
