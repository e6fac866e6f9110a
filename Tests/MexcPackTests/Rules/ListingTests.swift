import Testing

@testable import MexcPack

struct ListingTests {
    @Test(
        arguments: [
            (2, 2, 4, ListingPhase.preOpen, TripleMatch.exact), (1, 1, 1, .live, .none),
            (2, nil, nil, .preOpen, .partial), (1, nil, nil, .live, .none),
            (2, 2, nil, .preOpen, .partial), (2, 2, 3, .unrecorded, .none),
            (1, 2, 4, .unrecorded, .none), (3, nil, nil, .unrecorded, .none),
            (nil, 2, 4, .unknown, .none), (nil, nil, nil, .unknown, .none),
        ] as [(Int?, Int?, Int?, ListingPhase, TripleMatch)])
    func `the triple tells the phase, and a missing number is unknown`(
        status: Int?, spot: Int?, type: Int?, phase: ListingPhase, match: TripleMatch
    ) {
        let triple = ReadinessTriple(status, spot, type)
        #expect(triple.phase == phase)
        #expect(triple.match(.ready) == match)
    }

    @Test(
        arguments: [
            (0.000_001, OpeningState.upcoming, false), (0, .overdue, true),
            (-3.999, .overdue, true),
            (-4, .overdue, false), (-23.999, .overdue, false), (-24, .stale, false),
            (-20_000, .stale, false), (139, .upcoming, false),
        ] as [(Double, OpeningState, Bool)])
    func `the opening time tells the state`(hours: Double, state: OpeningState, isDelayed: Bool) {
        // One millisecond is the least that an opening can be ahead.
        let record = preOpen(hours: hours == 0.000_001 ? 1.0 / 3_600_000 : hours)
        #expect(listing(record).state == state)
        #expect(listing(record).isDelayed == isDelayed)
        #expect(listing(record).isReady == (state == .upcoming || isDelayed))
    }

    @Test func `the grace is as long as it is set`() {
        let clock = OpeningClock(now: noon, graceHours: 1)
        #expect(Listing(preOpen(hours: -0.9), clock).isReady)
        #expect(!Listing(preOpen(hours: -1), clock).isReady)
    }

    @Test func `without an opening time the state is unknown and nothing is ready`() {
        let listing = listing(preOpen(hours: nil))
        #expect(listing.state == .unknown)
        #expect(!listing.isReady)
        #expect(listing.urgency == .unknown)
        #expect(listing.noticeHours == nil && listing.ageHours == nil)
        #expect(listing.record.unknownFields == ["ot", "fot"])
    }

    @Test func `a future opening alone does not make an entry ready`() {
        var record = preOpen(hours: 5)
        record.tradingType = 3
        #expect(listing(record).state == .upcoming)
        #expect(!listing(record).isReady)
    }

    @Test func `notice and age are hours with two decimals`() {
        #expect(listing(preOpen(hours: 5.126)).noticeHours == 5.13)
        #expect(listing(preOpen(hours: 5.126)).ageHours == nil)
        #expect(listing(preOpen(hours: -1.001)).ageHours == 1)
        #expect(listing(preOpen(hours: -1.001)).noticeHours == nil)
        #expect(listing(preOpen(hours: 0)).ageHours == 0)
    }

    @Test func `a pair that trades is launched, whatever its opening time`() {
        var record = live("BTC")
        #expect(listing(record).urgency == .launched && !listing(record).isReady)
        record.openMillis = noon.adding(hours: 20).millis
        #expect(listing(record).urgency == .launched && !listing(record).isReady)
        #expect(LaunchSequenceRule.assess(listing(record), pairCount: 1) == nil)
    }

    @Test(
        arguments: [
            (0.5, Urgency.critical), (0.999, .critical), (1, .high), (3.99, .high), (4, .medium),
            (11.99, .medium), (12, .low), (500, .low), (-0.5, .overdue), (-23.9, .overdue),
            (-24, .stale),
        ] as [(Double, Urgency)])
    func `urgency follows the hours of notice`(hours: Double, urgency: Urgency) {
        #expect(listing(preOpen(hours: hours)).urgency == urgency)
    }

    @Test(
        arguments: [
            (-0.1, NoticeQuality.expired, 0), (0, .critical, 30), (0.99, .critical, 30),
            (1, .poor, 50),
            (3.49, .poor, 50), (3.5, .good, 80), (11.9, .good, 80), (12, .excellent, 95),
            (47.9, .excellent, 95), (48, .early, 70),
        ] as [(Double, NoticeQuality, Int)])
    func `the quality of notice has the documented bounds`(
        hours: Double, quality: NoticeQuality, score: Int
    ) {
        #expect(NoticeQuality(noticeHours: hours) == quality)
        #expect(quality.score == score)
    }

    @Test func `listings are sorted soonest first, then the latest passed, then without time`() {
        let hours: [Double?] = [nil, -5_000, 40, -1, 2, 139, -26]
        let sorted = hours.enumerated().map { listing(preOpen("T\($0.offset)", hours: $0.element)) }
            .sorted(by: Listing.soonestFirst)
        #expect(sorted.map(\.hoursToOpening) == [2, 40, 139, -1, -26, -5_000, nil])
    }

    @Test func `totals count each kind once`() {
        var odd = preOpen("ODD", hours: 1)
        odd.tradingType = 9
        let listings = [
            preOpen("A", hours: 5), preOpen("B", hours: 2), preOpen("C", hours: -1),
            preOpen("D", hours: -10), preOpen("E", hours: -100), preOpen("F", hours: nil), odd,
        ].map(listing)
        let totals = ListingTotals(listings, entries: 107, live: 100, minNoticeHours: 3.5)
        #expect(totals.entries == 107 && totals.live == 100)
        #expect(totals.readyTriples == 6 && totals.ready == 3)
        #expect(totals.upcoming == 3 && totals.withNotice == 1)
        #expect(totals.overdue == 2 && totals.delayed == 1)
        #expect(totals.stale == 1 && totals.unknown == 1)
    }

    @Test func `the risk of delay grows with distance and missing facts`() {
        #expect(DelayRisk(noticeHours: 20, record: preOpen(hours: 20)) == .low)
        #expect(DelayRisk(noticeHours: 169, record: preOpen(hours: 169)) == .medium)
        #expect(DelayRisk(noticeHours: 20, record: preOpen(hours: 20, name: "frag")) == .medium)
        var old = preOpen(hours: 20)
        old.tradingType = nil
        #expect(DelayRisk(noticeHours: 20, record: old) == .high)
    }
}
