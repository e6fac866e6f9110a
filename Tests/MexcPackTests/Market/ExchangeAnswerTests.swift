import AgentKit
import Coordination
import JSON
import Testing

@testable import MexcPack

private let listPath = "/api/platform/spot/market-v2/web/symbolsV2"
private let calendarPath = "/api/operation/new_coin_calendar"
private let tickerPath = "/api/v3/ticker/24hr"
private let timePath = "/api/v3/time"

/// Answers with 200 that are none, over real sockets.
struct ExchangeAnswerTests {
    private func answering(
        _ path: String, _ body: String,
        _ check: (RESTMarket) async throws -> Void
    ) async throws {
        try await withExchange { exchange, market in
            try await exchange.setFaults(ExchangeFaults(bodies: [path: body]))
            try await check(market)
        }
    }

    @Test func `a refusal that comes with 200 says what the exchange said`() async throws {
        let body = #"{"code":700002,"msg":"Signature for this request is not valid.","data":null}"#
        try await answering(listPath, body) { market in
            let refused = try #require(await failure { try await market.symbols(quote: "USDT") })
            #expect(refused.type == "exchange_refused" && !refused.retryable)
            #expect(refused.message.contains("700002") && refused.message.contains("Signature"))
        }
        try await answering(timePath, #"{"code":10072,"msg":"Api key info invalid"}"#) { market in
            let refused = try #require(await failure { try await market.now() })
            #expect(refused.type == "exchange_refused")
            #expect(refused.message.contains("10072") && refused.message.contains("Api key"))
        }
    }

    @Test(arguments: [
        (10007, "unknown_symbol", false), (429, "rate_limited", true), (510, "rate_limited", true),
        (503, "exchange_error", true), (33333, "exchange_refused", false),
    ])
    func `the code in a body decides`(code: Int, type: String, isRetryable: Bool) async throws {
        try await answering(tickerPath, #"{"code":\#(code),"msg":"so"}"#) { market in
            let refused = try #require(await failure { try await market.ticker(symbol: "ABUSDT") })
            #expect(refused.type == type && refused.retryable == isRetryable)
        }
    }

    @Test(arguments: [0, 200])
    func `a code that says nothing is wrong is no refusal`(code: Int) async throws {
        let time = exchangeStart.millis
        try await answering(timePath, #"{"code":\#(code),"serverTime":\#(time)}"#) { market in
            let now = try await market.now()
            #expect(now == exchangeStart)
        }
    }

    @Test(arguments: ["0", "1772446800", "1772446800000000", "-1", "9223372036854775807"])
    func `a server time that cannot be is no time`(time: String) async throws {
        try await answering(timePath, #"{"serverTime":\#(time)}"#) { market in
            let invalid = try #require(await failure { try await market.now() })
            #expect(invalid.type == "exchange_answer_invalid" && invalid.retryable)
            #expect(invalid.message.contains("serverTime"))
        }
    }

    @Test(arguments: [
        #"{"coin":"c","name":"A","opens":1751290200000}"#,
        #"{"vcoinId":"c","vcoinName":"A","firstOpenTime":1751290200}"#,
        #"{"vcoinId":"c","vcoinName":"A","firstOpenTime":"soon"}"#,
    ])
    func `a calendar of another shape could not be asked, it does not know nothing`(
        entry: String
    ) async throws {
        let body = #"{"data":{"newCoins":[\#(entry),\#(entry)]}}"#
        try await answering(calendarPath, body) { market in
            let invalid = await failure { try await market.calendar(at: exchangeStart) }
            #expect(invalid?.type == "exchange_answer_invalid")
            let agent = MexcAPIAgent(market: market)
            let snapshot = try await call(agent, "symbols", "{}").root
            #expect(snapshot["calendar"]?["state"]?.string == "unavailable")
            #expect(snapshot["calendar"]?["detail"]?.string?.contains("2 entries") == true)
            #expect(snapshot["pre_open"]?[0]?["calendar"] == nil)
        }
    }

    @Test func `an empty calendar is one, and digits in a string are a time`() async throws {
        try await answering(calendarPath, #"{"data":{"newCoins":[]}}"#) { market in
            let calendar = try await market.calendar(at: exchangeStart)
            #expect(calendar.entries.isEmpty)
        }
        let entry = #"{"vcoinId":"c","vcoinName":"A","firstOpenTime":"1751290200000"}"#
        try await answering(calendarPath, #"{"data":{"newCoins":[\#(entry),7]}}"#) { market in
            let calendar = try await market.calendar(at: exchangeStart)
            #expect(calendar.entries.map(\.firstOpenMillis) == [1_751_290_200_000])
            #expect(calendar.unidentified == 1)
        }
    }

    @Test func `https to a port that does not speak it is told so`() async throws {
        try await withExchange { exchange, _ in
            let base = exchange.baseURL.replacing("http://", with: "https://")
            let market = RESTMarket(kind: .live, apiBase: base, webBase: base, pace: .unhurried)
            let failure = try #require(await failure { try await market.now() })
            #expect(failure.type == "exchange_unreachable")
            #expect(failure.message.contains("does not speak TLS"), "\(failure.message)")
            #expect(!failure.message.contains(".swift") && !failure.message.contains("/ssl/"))
        }
    }

    @Test(arguments: [
        ("handshakeFailed(… CERTIFICATE_VERIFY_FAILED at /x/handshake.cc:393)", "not trusted"),
        ("something else", "something else"),
    ])
    func `an error of the network becomes a sentence`(text: String, sentence: String) {
        struct Fault: Error, CustomStringConvertible { let description: String }
        #expect(TransportFault.sentence(Fault(description: text)).contains(sentence))
    }
}
