import AgentKit
import Coordination
import JSON
import Testing

@testable import MexcPack

/// A market whose answers a test sets.
private struct ScriptedMarket: MarketData {
    let source = MarketSource(kind: .live, name: "scripted")
    var records: [SymbolRecord] = []
    var calendarAnswer: Result<NewCoinCalendar, StepFailure> = .success(
        NewCoinCalendar(entries: [], unidentified: 0))
    var timeFailure: StepFailure?

    func now() async throws(StepFailure) -> UTCInstant {
        if let timeFailure { throw timeFailure }
        return noon
    }
    func symbols(quote: String) async throws(StepFailure) -> SymbolList {
        SymbolList(quote: quote, records: records, unidentified: 0, bytes: 0)
    }
    func calendar(at now: UTCInstant) async throws(StepFailure) -> NewCoinCalendar {
        try calendarAnswer.get()
    }
    func exchangeInfo(symbol: String) async throws(StepFailure) -> ExchangeSymbol {
        throw MarketFailure.unknownSymbol(symbol, "scripted")
    }
    func klines(_ query: KlineQuery) async throws(StepFailure) -> [Candle] {
        [
            Candle(
                openMillis: query.startMillis ?? 0, open: "1", high: "2", low: "1", close: "2",
                volume: "\(query.limit)", closeMillis: query.endMillis ?? 0,
                quoteVolume: query.interval.rawValue)
        ]
    }
    func ticker(symbol: String) async throws(StepFailure) -> Ticker {
        throw MarketFailure.unknownSymbol(symbol, "scripted")
    }
    func depth(symbol: String, limit: Int) async throws(StepFailure) -> OrderBook {
        OrderBook(lastUpdateID: Int64(limit), bids: [], asks: [])
    }
}

struct MexcAPIAgentTests {
    private let unreachable = MarketFailure.unreachable("http://x", "test")

    @Test func `the calendar stands beside the list and adds what the list lacks`() async throws {
        let listed = preOpen("A", hours: 5)
        let market = ScriptedMarket(
            records: [listed, preOpen("B", hours: 6), live("C")],
            calendarAnswer: .success(
                NewCoinCalendar(
                    entries: [
                        CalendarEntry(
                            vcoinID: listed.vcoinID, symbol: "A", projectName: nil,
                            firstOpenMillis: 1),
                        CalendarEntry(
                            vcoinID: "x", symbol: "X", projectName: "Xen", firstOpenMillis: 2),
                        CalendarEntry(
                            vcoinID: "coin-C", symbol: "C", projectName: nil, firstOpenMillis: 3),
                    ], unidentified: 2)))
        let snapshot = try await call(MexcAPIAgent(market: market), "symbols", "{}").root
        #expect(snapshot["calendar"]?["state"]?.string == "merged")
        #expect(snapshot["calendar"]?["unidentified"]?.int64 == 2)
        #expect(snapshot["pre_open"]?[0]?["calendar"]?["open_millis"]?.int64 == 1)
        #expect(snapshot["pre_open"]?[1]?["calendar"]?.count == 0)
        #expect(snapshot["calendar_only"]?.count == 1)
        #expect(snapshot["calendar_only"]?[0]?["symbol"]?.string == "X")
    }

    @Test func `a calendar that cannot be had is said, and the list is reported`() async throws {
        let market = ScriptedMarket(
            records: [preOpen("A", hours: 5)], calendarAnswer: .failure(unreachable))
        let agent = MexcAPIAgent(market: market)
        let snapshot = try await call(agent, "symbols", "{}").root
        #expect(snapshot["calendar"]?["state"]?.string == "unavailable")
        #expect(snapshot["calendar"]?["detail"]?.string?.contains("http://x") == true)
        #expect(snapshot["pre_open"]?.count == 1)
        let unasked = try await call(agent, "symbols", #"{"calendar":false}"#).root
        #expect(unasked["calendar"]?["state"]?.string == "not_asked")
        let alone = try #require(await failure { try await call(agent, "calendar", "{}") })
        #expect(alone.type == "exchange_unreachable")
    }

    @Test func `thousands of pairs that do not trade are a format we do not know`() async throws {
        let market = ScriptedMarket(
            records: (0...MexcAPIAgent.maxListings).map { preOpen("T\($0)", hours: 1) })
        let agent = MexcAPIAgent(market: market)
        let failure = try #require(await failure { try await call(agent, "symbols", "{}") })
        #expect(failure.type == "exchange_answer_invalid")
    }

    @Test func `health asks the market for its time`() async throws {
        #expect(try await MexcAPIAgent(market: ScriptedMarket()).health().state == .healthy)
        let sick = MexcAPIAgent(market: ScriptedMarket(timeFailure: unreachable))
        let health = try await sick.health()
        #expect(health.state == .unhealthy && health.detail.contains("http://x"))
    }

    @Test func `candles are asked for as the input says`() async throws {
        let input =
            #"{"symbol":"btcusdt","interval":"4h","limit":7,"#
            + #""start_time":"2025-06-30T12:00:00Z"}"#
        let agent = MexcAPIAgent(market: ScriptedMarket())
        let candle = try await call(agent, "klines", input).root["candles"]?[0]
        #expect(candle?["volume"]?.string == "7" && candle?["quote_volume"]?.string == "4h")
        #expect(candle?["open_millis"]?.int64 == noon.millis)
    }

    @Test(arguments: [
        ("klines", #"{"symbol":"BTCUSDT","interval":"2m"}"#),
        ("klines", #"{"symbol":"A","limit":0}"#),
        ("klines", #"{"symbol":"A","limit":1001}"#), ("klines", #"{"interval":"1m"}"#),
        ("depth", #"{"symbol":"A","limit":5001}"#), ("depth", #"{"symbol":"A?B"}"#),
        ("ticker", #"{"symbol":""}"#), ("ticker", "7"), ("symbols", "{"),
    ])
    func `input that makes no sense is refused`(operation: String, input: String) async throws {
        let agent = MexcAPIAgent(market: ScriptedMarket())
        let failure = try #require(await failure { try await call(agent, operation, input) })
        #expect(failure.type == "invalid_input" && !failure.retryable)
    }

    @Test func `a replay has no prices and says so`() async throws {
        let market = try ReplayMarket(
            text: listText(#"{"id":"p","cd":"c","vn":"A","sts":1}"#), name: "list.json", now: noon)
        let agent = MexcAPIAgent(market: market)
        for operation in ["ticker", "klines", "depth", "exchange_info"] {
            let failure = try #require(
                await failure { try await call(agent, operation, #"{"symbol":"AUSDT"}"#) })
            #expect(failure.type == "not_recorded" && failure.message.contains("list.json"))
        }
        let time = try await call(agent, "server_time", "{}").root
        #expect(time["market_time"]?.string == noon.description)
    }
}

struct PatternDiscoveryAgentTests {
    private let agent = PatternDiscoveryAgent(market: ScriptedMarket())

    @Test func `one record is validated with its evidence`() async throws {
        let input =
            #"{"record":{"pair_id":"p","vcoin_id":"c","ticker":"A","status":2,"#
            + #""spot_status":2,"trading_type":4,"open_millis":\#(noon.adding(hours: 9).millis)}}"#
        let result = try await call(agent, "validate_ready", input).root
        #expect(result["is_ready"]?.bool == true && result["triple"]?.string == "exact")
        // 40 triple, 30 opening, 8 coin id, 5 calendar not asked.
        #expect(result["pattern"]?["confidence"]?.double == 83)
        #expect(result["pattern"]?["evidence"]?.count == 4)
    }

    @Test func `the agent hears of a symbol's status by its route`() async throws {
        let route = try #require(
            MexcDomain.subscriptions.first { $0.name == "route/symbol.status.changed" })
        #expect(route.targets.map(\.name).contains("agent/pattern-discovery/on_event"))
        let event =
            #"{"from":"announced","record":{"pair_id":"p","vcoin_id":"c","ticker":"A","status":2,"#
            + #""spot_status":2,"trading_type":4,"open_millis":\#(noon.adding(hours: 9).millis)}}"#
        let heard = try await call(agent, "on_event", event).root
        #expect(heard["validation"]?["is_ready"]?.bool == true)
        let bare = try await call(agent, "on_event", #"{"symbol":"AUSDT"}"#).root
        #expect(bare["validation"] == nil)
    }

    @Test func `records are analysed at the market's time or another one`() async throws {
        let input =
            #"{"records":[{"pair_id":"p","vcoin_id":"c","ticker":"A","status":2,"#
            + #""open_millis":\#(noon.adding(hours: 9).millis)}]"#
        let now = try await call(agent, "analyse", input + "}").root
        #expect(now["matches"]?[0]?["type"]?.string == "launch_sequence")
        let later = try await call(agent, "analyse", input + #","at":"2025-07-03T00:00:00Z"}"#).root
        #expect(later["matches"]?.count == 0 && later["below_threshold"]?.int64 == 1)
    }

    @Test func `transitions need every entry of the later list`() async throws {
        let before = ScriptedMarket(records: [preOpen("A", hours: 5), live("B")])
        let after = ScriptedMarket(records: [live("A"), live("B"), live("D")])
        let earlier = try await call(MexcAPIAgent(market: before), "symbols", "{}").root.rawText
        let short = try await call(MexcAPIAgent(market: after), "symbols", "{}").root.rawText
        let whole = try await call(
            MexcAPIAgent(market: after), "symbols", #"{"all":true}"#
        ).root.rawText
        let result = try await call(
            agent, "transitions", #"{"previous":\#(earlier),"current":\#(whole)}"#
        ).root
        #expect(result["went_live"]?[0]?["vcoin_id"]?.string == "coin-A")
        #expect(result["scope"]?.string == "pre_open" && result["appeared"]?.count == 0)
        let refused = try #require(
            await failure {
                try await call(
                    agent, "transitions", #"{"previous":\#(earlier),"current":\#(short)}"#)
            })
        #expect(refused.type == "invalid_input" && refused.message.contains("all"))
    }
}

struct CalendarAgentTests {
    private let agent = CalendarAgent(market: ScriptedMarket())

    @Test func `one opening time is judged by the market's clock`() async throws {
        let timing = try await call(
            agent, "timing", #"{"open_time":"2025-06-30T14:30:00Z"}"#
        ).root
        #expect(timing["hours_to_opening"]?.double == 2.5)
        #expect(timing["urgency"]?.string == "high" && timing["notice_quality"]?.string == "poor")
        #expect(timing["session"]?.string == "europe" && timing["is_weekend"]?.bool == false)
    }

    @Test func `a plan can be made for another instant`() async throws {
        let plan = try await call(
            agent, "monitoring_plan",
            #"{"open_time":"2025-07-01T00:00:00Z","at":"2025-06-30T23:50:00Z"}"#
        ).root
        #expect(plan["alerts"]?.count == 2 && plan["poll_minutes"]?.int64 == 5)
        #expect(plan["alerts"]?[0]?["at"]?.string == "2025-06-30T23:55:00Z")
    }
}
