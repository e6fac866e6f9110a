import AgentKit
import Coordination
import JSON
import Testing

@testable import MexcPack

/// The whole definition over payloads, with the engine's templates and the real agents.
struct CalendarDiscoveryTests {
    /// Two upcoming, one late, one leftover, one without time, and two that trade.
    private static let entries: [UInt8] = listText(
        entry("SOON", "c1", 2, 2, 4, hours: 0.5), entry("LATER", "c2", 2, 2, 4, hours: 20),
        entry("LATE", "c3", 2, 2, 4, hours: -1), entry("OLD", "c4", 2, 2, 4, hours: -9_000),
        entry("NEVER", "c5", 2, 2, 4, hours: nil), entry("BTC", "c6", 1, 1, 1, hours: -90_000),
        entry("LATER", "c7", 1, 1, 1, hours: -500))

    private static func entry(
        _ ticker: String, _ coin: String, _ status: Int, _ spot: Int, _ type: Int, hours: Double?
    ) -> String {
        let opening = hours.map { #","ot":\#(noon.adding(hours: $0).millis)"# } ?? ""
        return #"{"id":"p\#(coin)","cd":"\#(coin)","vn":"\#(ticker)","fn":"\#(ticker) Labs""#
            + #","sts":\#(status),"st":\#(spot),"tt":\#(type),"ps":5,"qs":2,"ca":"0x1"\#(opening)}"#
    }

    private func runner(failing: Set<String> = []) throws -> DefinitionRunner {
        let market = OpenMarket(
            try ReplayMarket(text: Self.entries, name: "list.json", now: noon), summary: "test")
        var runner = try DefinitionRunner(
            try #require(MexcDomain.definitions.first), MexcDomain.agents(market: market))
        runner.failing = failing
        return runner
    }

    @Test func `the result has everything, soonest first`() async throws {
        let result = try await runner().run("{}").root
        let totals = try #require(result["totals"])
        let expected = [
            "entries": 7, "ready_triples": 5, "ready": 3, "upcoming": 2, "with_notice": 1,
            "overdue": 1, "delayed": 1, "stale": 1, "unknown": 1, "live": 2,
        ]
        for (name, count) in expected { #expect(totals[name]?.int64 == Int64(count), "\(name)") }
        let listings = try #require(result["listings"]).elements.map { $0 }
        #expect(
            listings.map { $0["symbol"]?.string } == [
                "SOONUSDT", "LATERUSDT", "LATEUSDT", "OLDUSDT", "NEVERUSDT",
            ])
        let first = try #require(listings.first)
        #expect(first["open_time"]?.string == "2025-06-30T12:30:00Z")
        #expect(first["open_millis"]?.int64 == noon.adding(hours: 0.5).millis)
        #expect(first["notice_hours"]?.double == 0.5 && first["age_hours"]?.isNull == true)
        #expect(first["urgency"]?.string == "critical" && first["state"]?.string == "upcoming")
        #expect(first["confidence"]?.double == 95 && first["vcoin_id"]?.string == "c1")
        #expect(first["patterns"]?[0]?["type"]?.string == "ready_state")
        #expect(first["unknown_fields"]?[0]?.string == "fot")
        #expect(listings[2]["is_delayed"]?.bool == true && listings[2]["is_ready"]?.bool == true)
        #expect(
            listings[3]["age_hours"]?.double == 9_000 && listings[3]["state"]?.string == "stale")
        #expect(listings[4]["open_time"]?.isNull == true)
    }

    @Test func `the result says what to do and where it is from`() async throws {
        let result = try await runner().run(#"{"trigger":"manual"}"#).root
        #expect(result["market_time"]?.string == "2025-06-30T12:00:00Z")
        #expect(result["source"]?["kind"]?.string == "replay")
        #expect(result["source"]?["name"]?.string == "list.json")
        let actions = try #require(result["actions"]).elements.map { $0["kind"]?.string }
        #expect(actions == ["immediate", "schedule", "watch_delayed"])
        #expect(result["next_symbol"]?.string == "SOONUSDT")
        #expect(result["confidence"]?.int64 == 80)
        #expect(result["patterns_available"]?.bool == true)
        let warnings = try #require(result["warnings"]).rawText
        #expect(warnings.contains("calendar") && warnings.contains("vcoin_id"))
        #expect(warnings.contains("LATE") && warnings.contains("cp"))
    }

    @Test func `without the patterns step there is a result that says so`() async throws {
        let result = try await runner(failing: ["patterns"]).run("{}").root
        #expect(result["patterns_available"]?.bool == false)
        #expect(result["warnings"]?.rawText.contains("patterns step failed") == true)
        #expect(result["listings"]?.count == 5)
        #expect(result["listings"]?[0]?["confidence"]?.double == 95)
    }

    @Test func `the input sets notice and confidence`() async throws {
        let more = try await runner().run(#"{"min_notice_hours": 0.25, "min_confidence": 90}"#).root
        #expect(more["totals"]?["with_notice"]?.int64 == 2)
        let late = try #require(more["listings"]?.elements.first { $0["vcoin_id"]?.string == "c3" })
        #expect(late["patterns"]?.count == 0 && late["confidence"]?.double == 85)
    }

    @Test(arguments: [
        ("[]", "invalid_input"), (#"{"quote":7}"#, "invalid_input"),
        (#"{"quote":"US DT"}"#, "invalid_input"), (#"{"quote":"EUR"}"#, "unknown_quote"),
        (#"{"min_notice_hours":-1}"#, "invalid_input"),
        (#"{"min_notice_hours":"soon"}"#, "invalid_input"),
        (#"{"min_notice_hours":720.1}"#, "invalid_input"),
        (#"{"min_confidence":101}"#, "invalid_input"), (#"{"min_confidence":-1}"#, "invalid_input"),
    ])
    func `bad input is refused and not tried again`(input: String, type: String) async throws {
        let runner = try runner()
        let failure = try #require(await failure { try await runner.run(input) })
        #expect(failure.type == type && !failure.retryable)
    }

    @Test(arguments: [
        ("{}", true), (#"{"quote":"usdc","min_notice_hours":720,"min_confidence":100}"#, true),
        (#"{"quote":null,"min_notice_hours":null,"trigger":"manual"}"#, true), ("[]", false),
        (#"{"min_confidence":101}"#, false), (#"{"min_confidence":-1}"#, false),
        (#"{"min_notice_hours":720.1}"#, false), (#"{"min_notice_hours":"soon"}"#, false),
        (#"{"quote":7}"#, false), (#"{"quote":""}"#, false),
    ])
    func `the contract of the input refuses at the start what the steps would`(
        input: String, isFitting: Bool
    ) throws {
        let contract = try #require(WorkflowPlan(CalendarDiscovery.definition).inputContract)
        let document = try JSONDocument(parsing: Array(input.utf8))
        #expect(contract.faults(of: document.root).isEmpty == isFitting)
    }

    @Test func `required and optional steps, limits and retries are as documented`() throws {
        let definition = CalendarDiscovery.definition
        #expect(definition.steps.map(\.id) == ["fetch", "listings", "patterns", "synthesis"])
        #expect(definition.steps.map(\.isRequired) == [true, true, false, true])
        #expect(definition.steps.map(\.startToCloseMillis).prefix(3) == [20_000, 15_000, 25_000])
        #expect(definition.steps.map(\.retry.maxAttempts) == [3, 2, 2, 2])
        #expect(definition.runTimeoutMillis == 60_000)
    }

    @Test func `it works on the simulated exchange with its calendar`() async throws {
        let exchange = try await SimulatedExchange.start(
            seed: 7, clock: SimulatedClock(start: at("2026-03-02T10:20:00Z"), speed: 0))
        let url = exchange.baseURL
        var rest = RESTMarket(kind: .simulator, apiBase: url, webBase: url)
        rest.patience = 30
        let market = OpenMarket(rest, exchange: exchange, summary: "test")
        let runner = try DefinitionRunner(
            CalendarDiscovery.definition, MexcDomain.agents(market: market))
        let result = try await runner.run("{}").root
        await market.close()
        #expect((result["totals"]?["upcoming"]?.int64 ?? 0) > 3)
        #expect((result["totals"]?["stale"]?.int64 ?? 0) > 0)
        #expect(result["warnings"]?.rawText.contains("calendar was not used") == false)
        let sure = result["listings"]?.elements.filter { $0["confidence"]?.double == 100 } ?? []
        #expect(!sure.isEmpty)
        let announced = result["listings"]?.elements.filter { $0["phase"]?.string == "unknown" }
        #expect(announced?.isEmpty == false)
    }

    @Test(.enabled(if: RecordedList.arePresent, "the recorded lists are not here"))
    func `payloads of a recorded list stay small and the figures hold`() async throws {
        let market = try await OpenMarket.open(
            .replay(path: RecordedList.june2025.path), now: at("2025-06-29T15:00:00Z"))
        let agents = MexcDomain.agents(market: market)
        let fetched = try await call(agents[0], "symbols", Payload(bytes: Array("{}".utf8)))
        #expect(fetched.bytes.count < 20_000)
        let all = try await call(agents[0], "symbols", Payload(bytes: Array(#"{"all":true}"#.utf8)))
        #expect(all.bytes.count < 1 << 20)
        let result = try await DefinitionRunner(CalendarDiscovery.definition, agents).run("{}").root
        let totals = try #require(result["totals"])
        #expect(totals["entries"]?.int64 == 2_862 && totals["ready_triples"]?.int64 == 16)
        #expect(totals["upcoming"]?.int64 == 11 && totals["stale"]?.int64 == 5)
        let notice = try #require(result["listings"]).elements.compactMap {
            $0["notice_hours"]?.double
        }
        #expect(notice.count == 11 && notice.allSatisfy { $0 > 3.5 })
    }
}
