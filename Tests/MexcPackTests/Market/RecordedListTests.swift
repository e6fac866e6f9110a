import Coordination
import JSON
import Testing

@testable import MexcPack

/// What the rules say about lists that were really recorded; the figures were counted by hand.
///
/// The lists are not in the repository, so these tests are skipped where they are absent.
@Suite(.enabled(if: RecordedList.arePresent, "the recorded lists are not here"))
struct RecordedListTests {
    private func market(_ list: RecordedList, _ now: String) throws -> ReplayMarket {
        try ReplayMarket(path: list.path, now: at(now))
    }

    private func report(_ list: RecordedList, _ now: String) async throws -> ListingReport {
        let market = try market(list, now)
        let snapshot = MarketSnapshot(
            try await market.symbols(quote: "USDT"), at: try await market.now(),
            from: market.source, calendar: CalendarAnswer(missing: .notRecorded, "replay"),
            includingAll: false)
        return ListingReport(snapshot, minNoticeHours: 3.5)
    }

    @Test func `on 2025-06-29 eleven of sixteen are upcoming, all with notice`() async throws {
        let report = try await report(.june2025, "2025-06-29T15:00:00Z")
        #expect(report.totals.entries == 2_862 && report.totals.live == 2_846)
        #expect(report.totals.readyTriples == 16 && report.totals.ready == 11)
        #expect(report.totals.upcoming == 11 && report.totals.withNotice == 11)
        #expect(report.totals.stale == 5 && report.totals.overdue == 0)
        #expect(report.totals.unknown == 0)
        #expect(report.listings.first?.record.ticker == "SRX")
        #expect(report.listings.first?.noticeHours == 16)
        #expect(report.summary.actions.map(\.kind) == [.schedule])
        #expect(report.summary.confidence == 70 && report.summary.activity == .veryHigh)
        // The calendar, and nothing else, is missing.
        #expect(report.warnings.count == 1)
    }

    @Test func `on 2025-07-02 five are upcoming, one is late, five are stale`() async throws {
        let report = try await report(.july2025, "2025-07-02T15:00:00Z")
        #expect(report.totals.entries == 2_890 && report.totals.readyTriples == 11)
        #expect(report.totals.upcoming == 5 && report.totals.withNotice == 5)
        #expect(report.totals.overdue == 1 && report.totals.delayed == 1)
        #expect(report.totals.stale == 5 && report.totals.ready == 6)
        let late = try #require(report.listings.first { $0.isDelayed })
        #expect(late.record.ticker == "YAPYO" && late.ageHours == 1)
        #expect(report.warnings.contains { $0.contains("YAPYO") })
    }

    @Test func `the ready state reports all that open and none of the leftovers`() async throws {
        for (list, now, count) in [
            (RecordedList.june2025, "2025-06-29T15:00:00Z", 11),
            (.july2025, "2025-07-02T15:00:00Z", 6),
        ] {
            let report = try await report(list, now)
            let patterns = PatternReport(report.listings, at: report.marketTime)
            let ready = patterns.matches.filter { $0.type == .readyState }
            #expect(ready.count == count)
            #expect(
                Set(ready.map(\.vcoinID))
                    == Set(report.listings.filter(\.isReady).map(\.record.vcoinID)))
        }
    }

    @Test func `from one list to the next ten went live`() async throws {
        let before = try await market(.june2025, "2025-06-29T15:00:00Z").symbols(quote: "USDT")
        let after = try await market(.july2025, "2025-07-02T15:00:00Z").symbols(quote: "USDT")
        let changes = ListTransitions(from: before.records, to: after.records)
        #expect(changes.wentLive.count == 10)
        #expect(
            Set(changes.wentLive.map(\.ticker)) == [
                "DKT", "FRAG", "G8D", "GO", "INFOFI", "NODE", "OCMT", "SRX", "TICS", "VULPEFI",
            ])
        #expect(changes.appeared.count == 29 && changes.vanished.map(\.ticker) == ["FUSIO"])
        #expect(changes.stopped.isEmpty && changes.rescheduled.isEmpty)
    }

    @Test func `on the list of 2024 it works by status and names what is unknown`() async throws {
        let report = try await report(.april2024, "2024-04-22T13:00:00Z")
        #expect(report.totals.entries == 2_631 && report.totals.readyTriples == 15)
        #expect(report.totals.upcoming == 10 && report.totals.withNotice == 8)
        #expect(report.totals.stale == 5)
        let unknown = ["st", "tt", "ca"]
        for listing in report.listings { #expect(listing.record.unknownFields == unknown) }
        let warning = try #require(report.warnings.first { $0.contains("does not carry") })
        for field in unknown { #expect(warning.contains(field)) }
        #expect(!warning.contains("first_open_millis"))
    }

    @Test func `one ticker of two coins is two listings`() async throws {
        let old = try await market(.april2024, "2024-04-22T13:00:00Z").symbols(quote: "USDT")
        let new = try await market(.july2025, "2025-07-02T15:00:00Z").symbols(quote: "USDT")
        for ticker in ["SPONGE", "SPOT"] {
            let before = try #require(old.records.first { $0.ticker == ticker })
            let changes = ListTransitions(from: [before], to: new.records)
            let after = new.records.first { $0.ticker == ticker }
            #expect(after?.vcoinID != before.vcoinID)
            #expect(!changes.wentLive.contains { $0.ticker == ticker })
            #expect(changes.vanished.map(\.vcoinID) == [before.vcoinID])
        }
    }

    @Test(arguments: 0..<40)
    func `a recorded list cut off at any of many places is refused`(number: Int) throws {
        let whole = try RecordedList.june2025.text()
        // Spread over the file, at odd places; the last is one byte short of the closing bracket.
        let size = number == 39 ? whole.lastIndex(of: UInt8(ascii: "]"))! : number * 38_611 + number
        let failure = #expect(throws: StepFailure.self) {
            try ReplayMarket(text: Array(whole.prefix(size)), name: "cut.json", now: noon)
        }
        #expect(failure?.type == "replay_unreadable")
        #expect(failure?.message.contains("byte ") == true)
    }
}
