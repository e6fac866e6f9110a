import AgentKit
import Coordination
import JSON
import Testing

@testable import MexcPack

/// What becomes of lists that are not as they should be, and that it is told.
struct MarketSnapshotTests {
    private func snapshot(_ list: SymbolList, _ calendar: CalendarAnswer? = nil) -> MarketSnapshot {
        MarketSnapshot(
            list, at: noon, from: MarketSource(kind: .live, name: "test"),
            calendar: calendar ?? CalendarAnswer(missing: .notAsked, "a test"), includingAll: true)
    }

    private func list(_ records: [SymbolRecord]) -> SymbolList {
        SymbolList(quote: "USDT", records: records, unidentified: 0, bytes: 0)
    }

    private func warnings(_ snapshot: MarketSnapshot) -> String {
        ListingReport(snapshot, minNoticeHours: 3.5).warnings.joined(separator: "\n")
    }

    @Test func `triples that are as frequent stand in the order of their numbers`() {
        var records: [SymbolRecord] = []
        for (index, numbers) in [(2, 2, 4), (2, 1, 4), (2, 2, 3), (1, 2, 9), (2, 1, 1)].enumerated()
        {
            var record = preOpen("T\(index)", hours: 5)
            (record.status, record.spotStatus, record.tradingType) = numbers
            records.append(record)
        }
        records.append(SymbolRecord(pairID: "p", vcoinID: "c", ticker: "T"))
        let expected = [nil, 9, 1, 4, 3, 4]
        // Each set has an order of its own, and each must give the same.
        for _ in 0..<20 {
            let triples = snapshot(list(records.shuffled())).triples
            #expect(triples.map(\.tradingType) == expected)
        }
    }

    @Test func `an entry that stands there twice counts once and is told`() async throws {
        let twice = preOpen("A", hours: 5)
        let snapshot = snapshot(list([twice, preOpen("B", hours: 6), twice, live("C"), live("C")]))
        #expect(snapshot.entries == 3 && snapshot.live == 1 && snapshot.duplicates == 2)
        #expect(snapshot.preOpen.map(\.ticker) == ["A", "B"] && snapshot.all?.count == 3)
        #expect(warnings(snapshot).contains("2 entries stand in the list more than once"))
        let report = ListingReport(snapshot, minNoticeHours: 3.5)
        let result = DiscoveryResult(report, PatternReport(report.listings, at: noon))
        #expect(result.listings.map { $0.patterns.count } == [2, 2])
    }

    @Test func `times that cannot be and calendar entries that say nothing are told`() {
        var odd = list([preOpen("A", hours: nil)])
        odd.implausibleTimes = 1
        let calendar = CalendarAnswer(
            NewCoinCalendar(
                entries: [
                    CalendarEntry(
                        vcoinID: "c", symbol: "C", projectName: nil, firstOpenMillis: noon.millis)
                ], unidentified: 3))
        let warnings = warnings(snapshot(odd, calendar))
        #expect(warnings.contains("1 opening times are not in the years 2015 to 2099"))
        #expect(warnings.contains("3 entries of the new-coin calendar could not be read"))
    }

    @Test func `a list as it should be says nothing of all that`() {
        let snapshot = snapshot(list([preOpen("A", hours: 5)]))
        #expect(snapshot.duplicates == nil && snapshot.implausibleTimes == nil)
        #expect(warnings(snapshot) == "the new-coin calendar was not used: a test")
    }

    @Test func `as many listings as there may be fit every payload, whatever they are called`()
        async throws
    {
        let long = String(repeating: "x", count: 5_000)
        let entries = (0..<MexcAPIAgent.maxListings).map { index in
            let id = "\(index)".padded(to: 32)
            return #"{"id":"\#(id)","cd":"\#(id)","vn":"\#(long)","fn":"\#(long)","sts":2,"st":2,"#
                + #""tt":4,"ca":"\#(long)","tp":"\#(long)","ps":5,"qs":2,"cp":["\#(long)","b"],"#
                + #""ot":\#(noon.adding(hours: 5).millis)}"#
        }
        let market = OpenMarket(
            try ReplayMarket(
                text: Array("[\(entries.joined(separator: ","))]".utf8), name: "l", now: noon),
            summary: "test")
        let runner = try DefinitionRunner(
            CalendarDiscovery.definition, MexcDomain.agents(market: market))
        let result = try await runner.run("{}")
        #expect(result.root["listings"]?.count == MexcAPIAgent.maxListings)
        #expect(runner.largestPayload.bytes < 2 << 20, "\(runner.largestPayload.bytes)")
    }
}

extension String {
    fileprivate func padded(to count: Int) -> String {
        String(repeating: "0", count: count - utf8.count) + self
    }
}
