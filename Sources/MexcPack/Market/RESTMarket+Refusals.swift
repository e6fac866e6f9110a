import Coordination
import JSON

/// What the exchange says instead of an answer: by its status, or with 200 by `code` alone.
extension RESTMarket {
    /// Lets 2xx pass and turns every other status into a failure.
    func checked(
        _ answer: RawAnswer, _ endpoint: RESTEndpoint
    ) async throws(StepFailure) -> RawAnswer {
        switch answer.status {
        case 200..<300: return answer
        case 418, 429: throw await rateLimited(answer)
        case 500...: throw serverError(answer, answer.root)
        default: throw refused(answer, answer.root, endpoint)
        }
    }

    /// The failure that a body of 200 tells of; `nil` when it is an answer. `code` is left out, 0 or
    /// 200 in those.
    func refusal(
        in root: JSONView?, _ answer: RawAnswer, _ endpoint: RESTEndpoint
    ) async -> StepFailure? {
        guard let code = root?["code"]?.int64, code != 0, code != 200 else { return nil }
        return switch code {
        // 510 is its web pages' word for too many requests.
        case 418, 429, 510: await rateLimited(answer)
        case 500..<600: serverError(answer, root)
        default: refused(answer, root, endpoint)
        }
    }

    /// 429 asks for a pause; 418 is the ban for not having made one. Both hold all requests back.
    private func rateLimited(_ answer: RawAnswer) async -> StepFailure {
        // Without a header: a minute, six of the exchange's windows. At most the longest ban.
        let seconds = max(Self.waitMillis(seconds: answer.retryAfterSeconds ?? 60) / 1_000, 1)
        await pacer.pause(millis: seconds * 1_000)
        return StepFailure(
            type: "rate_limited",
            message: "\(answer.url) answered \(answer.status): too many requests from this "
                + "address. Nothing is asked for \(seconds) s; then it can be tried again.",
            retryable: true, retryAfterMillis: seconds * 1_000)
    }

    /// A wait that an answer asks for, milliseconds: 0 to three days, the longest ban. The number
    /// comes from outside and can be anything.
    static func waitMillis(seconds: Int64) -> Int64 {
        min(max(seconds, 0), 3 * 86_400) * 1_000
    }

    private func serverError(_ answer: RawAnswer, _ root: JSONView?) -> StepFailure {
        StepFailure(
            type: "exchange_error",
            message: "\(answer.url) answered \(answer.status)\(Self.said(root)): the exchange has "
                + "trouble. Try again later.",
            retryable: true, retryAfterMillis: answer.retryAfterSeconds.map(Self.waitMillis))
    }

    private func refused(
        _ answer: RawAnswer, _ root: JSONView?, _ endpoint: RESTEndpoint
    ) -> StepFailure {
        if let symbol = endpoint.symbol, let code = root?["code"]?.int64,
            RESTMarket.unknownSymbolCodes.contains(code)
        {
            return MarketFailure.unknownSymbol(symbol, source.name)
        }
        return StepFailure(
            type: "exchange_refused",
            message: "\(answer.url) refused with \(answer.status)\(Self.said(root)). Check the "
                + "address; 403 means that a firewall keeps this machine out.",
            retryable: false)
    }

    /// Code and message of the body, as far as there are such.
    private static func said(_ root: JSONView?) -> String {
        let code = root?["code"]?.int64.map { ", code \($0)" } ?? ""
        let message = root?["msg"]?.string.map { ", saying \"\($0.prefix(200))\"" } ?? ""
        return code + message
    }

    /// Bad symbol, invalid symbol (30014, 30021), and the code that other exchanges use.
    private static let unknownSymbolCodes: Set<Int64> = [10007, 30014, 30021, -1121]
}

extension RawAnswer {
    /// The body, when it is JSON.
    fileprivate var root: JSONView? { try? JSONDocument(parsing: body).root }
}
