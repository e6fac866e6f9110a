import Coordination
import Testing

@testable import MexcPack

struct OpenMarketTests {
    @Test(arguments: [
        ("simulator", MarketSelection.simulator(seed: 1, speed: 1)),
        ("simulator:9", .simulator(seed: 9, speed: 1)),
        ("simulator:9@60", .simulator(seed: 9, speed: 60)),
        ("replay:lists/a b.json", .replay(path: "lists/a b.json")),
        ("https://api.mexc.com/", .address("https://api.mexc.com")),
        ("http://127.0.0.1:8080", .address("http://127.0.0.1:8080")),
    ])
    func `a market is selected by one word`(text: String, selection: MarketSelection) throws {
        #expect(try MarketSelection(parsing: text) == selection)
    }

    @Test(arguments: [
        "", "replay:", "replay", "api.mexc.com", "ftp://x", "http://", "simulator:x",
        "simulator:1@-1", "simulator:1@fast", "https://x?y=1", "simulators",
    ])
    func `another word is refused with what can be written`(text: String) {
        let failure = #expect(throws: StepFailure.self) { try MarketSelection(parsing: text) }
        #expect(failure?.type == "invalid_input")
        #expect(failure?.message.contains("write simulator") == true)
    }

    @Test(arguments: [
        "http://bob:hunter2@host", "https://bob@host/x", "https://@host", "ftp://bob:hunter2@host",
    ])
    func `an address with a user is refused without being repeated`(text: String) {
        let failure = #expect(throws: StepFailure.self) { try MarketSelection(parsing: text) }
        #expect(failure?.message.contains("no password") == true)
        #expect(failure?.message.contains("bob") == false)
        #expect(failure?.message.contains("hunter2") == false)
    }

    @Test(arguments: [
        "https://api.mexc.com?key=s3cret", "https://api.mexc.com/#s3cret", "u:s3cret@api.mexc.com",
        "s3cret@api.mexc.com?x",
    ])
    func `what may be a secret is not repeated`(text: String) {
        let failure = #expect(throws: StepFailure.self) { try MarketSelection(parsing: text) }
        #expect(failure?.message.contains("is no market") == true)
        #expect(failure?.message.contains("s3cret") == false)
    }

    @Test(arguments: ["1970-01-01T00:00:00Z", "2014-12-31T23:59:59Z", "2100-01-01T00:00:00Z"])
    func `the simulator is of our time`(instant: String) async throws {
        let failure = try #require(
            await failure {
                try await OpenMarket.open(.simulator(seed: 1, speed: 0), now: at(instant))
            })
        #expect(failure.type == "invalid_input" && failure.message.contains("--now"))
    }

    @Test func `an at sign elsewhere is no user`() throws {
        #expect(
            try MarketSelection(parsing: "https://host/a@b") == .address("https://host/a@b"))
    }

    @Test func `a replay needs an instant and a live exchange has its own`() async throws {
        let replay = try #require(
            await failure { try await OpenMarket.open(.replay(path: "x.json")) })
        #expect(replay.message.contains("--now"))
        let live = try #require(
            await failure { try await OpenMarket.open(.address("http://x"), now: noon) })
        #expect(live.message.contains("--now"))
    }

    @Test func `the simulator starts at the instant it is given`() async throws {
        let market = try await OpenMarket.open(.simulator(seed: 3, speed: 0), now: noon)
        let time = try await market.data.now()
        await market.close()
        #expect(time == noon)
        #expect(market.summary.contains("seed 3"))
    }
}
