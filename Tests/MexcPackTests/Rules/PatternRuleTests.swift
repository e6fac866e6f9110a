import Testing

@testable import MexcPack

struct ReadyStateRuleTests {
    private func confidence(_ record: SymbolRecord) -> Double? {
        ReadyStateRule.assess(listing(record))?.confidence
    }

    @Test(
        arguments: [
            (20, 95), (168, 95), (168.1, 90), (-1, 85), (-4, 75), (-23, 75), (-24, 65),
            (-20_000, 65),
            (nil, 70),
        ] as [(Double?, Double)])
    func `the opening time separates what the triple cannot`(hours: Double?, expected: Double) {
        #expect(confidence(preOpen(hours: hours)) == expected)
    }

    @Test func `only entries that can be expected to open reach the threshold`() {
        for hours in [-30_000, -24, -23.9, -4] {
            #expect((confidence(preOpen(hours: hours)) ?? 100) < ReadyStateRule.reportAt)
        }
        for hours in [-3.9, 0.1, 20, 1_000] {
            #expect((confidence(preOpen(hours: hours)) ?? 0) >= ReadyStateRule.reportAt)
        }
    }

    @Test func `missing facts lower the confidence and raise the risk`() {
        var record = preOpen(hours: 20)
        record.contractAddress = ""
        #expect(confidence(record) == 91)
        #expect(ReadyStateRule.assess(listing(record))?.risk == .medium)
        #expect(ReadyStateRule.assess(listing(preOpen(hours: 20)))?.risk == .low)
        record.spotStatus = nil
        record.tradingType = nil
        record.contractAddress = nil
        #expect(confidence(record) == 76)
    }

    @Test func `the calendar confirms or contradicts`() {
        var record = preOpen(hours: 20)
        record.calendar = CalendarOpinion(openMillis: record.openMillis.map { $0 + 60_000 })
        #expect(confidence(record) == 100)
        record.calendar = CalendarOpinion(openMillis: record.openMillis.map { $0 + 60_001 })
        #expect(confidence(record) == 90)
        record.calendar = CalendarOpinion(openMillis: nil)
        #expect(confidence(record) == 90)
    }

    @Test func `a coin that only the calendar knows is possible, not ready`() {
        let entry = CalendarEntry(
            vcoinID: "c", symbol: "NEW", projectName: "New Coin",
            firstOpenMillis: noon.adding(hours: 30).millis)
        let listing = listing(SymbolRecord(entry))
        #expect(listing.state == .upcoming && !listing.isReady && listing.phase == .unknown)
        #expect(ReadyStateRule.assess(listing)?.confidence == 53)
    }

    @Test func `a triple that says otherwise is no ready state`() {
        #expect(confidence(live("BTC")) == nil)
        var odd = preOpen(hours: 20)
        odd.spotStatus = 1
        #expect(confidence(odd) == nil)
    }

    @Test(
        arguments: [
            (0.5, Recommendation.immediateAction), (-2, .immediateAction), (1, .prepareEntry),
            (11.9, .prepareEntry), (12, .monitorClosely), (-30, .wait),
        ] as [(Double, Recommendation)])
    func `the recommendation follows the clock`(hours: Double, expected: Recommendation) {
        #expect(ReadyStateRule.assess(listing(preOpen(hours: hours)))?.recommendation == expected)
    }
}

struct LaunchSequenceRuleTests {
    // Noon of 2025-06-30 is a Monday; 24 hours later is inside 8 to 15 h UTC on a weekday.
    @Test(
        arguments: [
            (3.5, [40, 10, 18, 15, 5, 5]), (5.9, [40, 10, 18, 15, 5, 0]),
            (6, [40, 15, 18, 15, 5, 0]), (12, [40, 20, 18, 15, 5, 0]),
            (24, [40, 20, 18, 15, 5, 5]), (120, [40, 20, 18, 15, 0, 5]),
        ] as [(Double, [Double])])
    func `confidence adds up as documented`(hours: Double, parts: [Double]) throws {
        let match = try #require(
            LaunchSequenceRule.assess(listing(preOpen(hours: hours)), pairCount: 1))
        #expect(match.evidence.map(\.points) == [parts[0] + parts[1]] + parts[2...])
        #expect(match.confidence == min(100, parts.reduce(0, +)))
    }

    @Test func `too little notice is no launch sequence`() {
        #expect(LaunchSequenceRule.assess(listing(preOpen(hours: 3.49)), pairCount: 1) == nil)
        #expect(LaunchSequenceRule.assess(listing(preOpen(hours: -1)), pairCount: 1) == nil)
        #expect(LaunchSequenceRule.assess(listing(preOpen(hours: nil)), pairCount: 1) == nil)
    }

    @Test func `more pairs, a name and a status add to the record`() throws {
        var record = preOpen(hours: 12, name: "FRAG")
        record.status = nil
        let few = try #require(LaunchSequenceRule.assess(listing(record), pairCount: 1))
        // 40 + 20 notice, 18 sector, nothing for the record, 5 weekday, 0 hour.
        #expect(few.confidence == 83)
        let more = try #require(LaunchSequenceRule.assess(listing(record), pairCount: 2))
        #expect(more.confidence == few.confidence + 5)
    }

    @Test(
        arguments: [
            (3.5, RiskLevel.low), (48, .low), (48.1, .medium), (168, .medium), (168.1, .high),
        ] as [(Double, RiskLevel)])
    func `risk grows with distance`(hours: Double, risk: RiskLevel) {
        let match = LaunchSequenceRule.assess(listing(preOpen(hours: hours)), pairCount: 1)
        #expect(match?.risk == risk)
    }

    @Test func `preparing is for the next twelve hours`() {
        func recommendation(_ hours: Double) -> Recommendation? {
            LaunchSequenceRule.assess(listing(preOpen(hours: hours)), pairCount: 1)?.recommendation
        }
        #expect(recommendation(12) == .prepareEntry)
        #expect(recommendation(12.1) == .monitorClosely)
    }
}

struct PreReadyRuleTests {
    @Test(
        arguments: [
            (2, 2, 3, 85), (2, 1, 1, 75), (2, 2, 4, nil), (1, 1, 1, nil), (1, 1, 4, nil),
            (2, nil, nil, nil), (2, 2, nil, nil), (2, 3, 1, nil),
        ] as [(Int, Int?, Int?, Double?)])
    func `only known numbers on the way to the triple count`(
        status: Int, spot: Int?, type: Int?, confidence: Double?
    ) {
        var record = preOpen(hours: 10)
        record.status = status
        record.spotStatus = spot
        record.tradingType = type
        #expect(PreReadyRule.assess(listing(record))?.confidence == confidence)
    }
}

struct SectorTests {
    @Test(
        arguments: [
            ("Y8U.AI", Sector.ai), ("OnChainMetrics", .infrastructure), ("MemeCore", .meme),
            ("NUTX Chain", .infrastructure), ("Location Cation", .other), ("Paint Aid", .other),
            ("Sponge Bob", .other), ("GameFi Land", .gameFi), ("DeFi Kingdom", .defi),
            ("Dogmatic", .other), ("Hot Dog", .meme), ("chain-gpt", .ai), ("", .other),
        ] as [(String, Sector)])
    func `names are read word by word`(name: String, sector: Sector) {
        #expect(Sector(preOpen(hours: 1, name: name)) == sector)
    }

    @Test func `the exchange's own zones come first`() {
        var record = preOpen(hours: 1, name: "Dog Network")
        record.zones = ["mc-trade-zone-0fees", "mc-trade-zone-ai"]
        #expect(Sector(record) == .ai)
        record.zones = ["mc-trade-zone-desci"]
        #expect(Sector(record) == .infrastructure)
        record.zones = ["mc-trade-zone-GameFi"]
        #expect(Sector(record) == .gameFi)
    }
}
