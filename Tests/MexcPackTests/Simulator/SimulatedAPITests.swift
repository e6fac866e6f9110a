import Testing

@testable import MexcPack

/// Whatever comes over the wire, the simulated exchange answers: it lives in the server's process.
struct SimulatedAPITests {
    private let now = at("2026-03-02T10:20:00Z").millis

    private func answer(_ target: String) throws -> SimulatedAPI.Answer {
        var api = SimulatedAPI(seed: 7, lifeDays: 20)
        return api.answer(SimulatedAPI.Request(target: target), at: now, realMillis: 0)
    }

    private func liveSymbol() throws -> String {
        var market = SimulatedMarket(seed: 7, lifeDays: 20)
        return try #require(market.coins(at: now).first { $0.isLive(at: now) }).symbol
    }

    @Test(arguments: ["/?=", "/?a=1&=", "/?==&&=x&y", "?", "", "=", "/?a", "/?a=&=b"])
    func `a target of any shape is answered`(target: String) throws {
        #expect(try answer(target).status == 404)
    }

    @Test func `names and values of a query may be empty`() {
        let request = SimulatedAPI.Request(target: "/p?=&a=&=b&c&d=e=f")
        #expect(request.query == ["": "b", "a": "", "c": "", "d": "e=f"])
    }

    @Test(
        arguments: ["startTime", "endTime"],
        [Int64.min, .min + 1, -1, 0, .max - 1, .max])
    func `candles of any instant are answered`(name: String, millis: Int64) throws {
        let symbol = try liveSymbol()
        for interval in KlineInterval.allCases {
            let target = "/api/v3/klines?symbol=\(symbol)&interval=\(interval.rawValue)&limit=1000"
            #expect(try answer("\(target)&\(name)=\(millis)").status == 200)
            #expect(try answer("\(target)&startTime=\(millis)&endTime=\(millis)").status == 200)
        }
    }

    @Test(arguments: [Int64.min, -1, 0, .max])
    func `a limit of any size is answered`(limit: Int64) throws {
        let symbol = try liveSymbol()
        for path in ["klines", "depth"] {
            let target = "/api/v3/\(path)?symbol=\(symbol)&interval=60m&limit=\(limit)"
            #expect(try answer(target).status == 200)
        }
    }
}
