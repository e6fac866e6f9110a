import Testing

@testable import MexcPack

struct CorrelationTests {
    private func listings(_ hours: [Double], name: String = "Plain Thing") -> [Listing] {
        hours.enumerated().map { listing(preOpen("T\($0.offset)", hours: $0.element, name: name)) }
    }

    private func clusters(_ hours: [Double]) -> [[String]] {
        CorrelationRule.clusters(listings(hours)).map(\.tickers)
    }

    @Test func `three openings inside two hours are a cluster, two are not`() {
        #expect(clusters([1, 2]) == [])
        #expect(clusters([1, 2, 3]) == [["T0", "T1", "T2"]])
        #expect(clusters([1, 2, 3.001]) == [])
    }

    @Test func `a listing belongs to one cluster, and passed openings to none`() {
        #expect(
            clusters([16, 17, 18, 19, 19, 19, 20]) == [
                ["T0", "T1", "T2"], ["T3", "T4", "T5", "T6"],
            ])
        #expect(clusters([1, 5, 5.5, 6, 30]) == [["T1", "T2", "T3"]])
        #expect(clusters([-0.5, 0.5, 1]) == [])
    }

    @Test func `a cluster in the busiest session is stronger`() {
        // Noon is in the European session; twelve hours later it is Asia's.
        #expect(CorrelationRule.clusters(listings([1, 1, 1])).first?.strength == 0.7)
        #expect(CorrelationRule.clusters(listings([12.5, 12.5, 12.5])).first?.strength == 0.6)
    }

    @Test func `readiness is reported from half on`() {
        func readiness(_ hours: [Double]) -> Correlation? {
            CorrelationRule.find(in: listings(hours)).first { $0.kind == .readiness }
        }
        #expect(readiness([5, -100])?.strength == 0.5)
        #expect(readiness([5, -100, -200]) == nil)
        #expect(readiness([5]) == nil)
        #expect(readiness([5, 50, 500, -100])?.isStrong == true)
        #expect(readiness([5, 50, -100])?.isStrong == false)
    }

    @Test func `a sector is reported from three in ten on`() {
        let games = listings([10, 20, 30], name: "Some Game")
        let others = listings([1, 2, 3, 40, 50, 60, 70])
        func sector(_ listings: [Listing]) -> Correlation? {
            CorrelationRule.find(in: listings).first { $0.kind == .sector }
        }
        #expect(sector(games + others)?.strength == 0.3)
        #expect(sector(games + others + listings([80])) == nil)
        #expect(sector(others) == nil)
    }
}

struct ListTransitionsTests {
    @Test func `changes are followed by coin and pair, never by ticker`() {
        let before = [
            preOpen("SPONGE", hours: -8_331, coin: "old"), preOpen("NODE", hours: 1),
            preOpen("AIN", hours: 67), live("BTC"), live("FUSIO"),
        ]
        var moved = preOpen("AIN", hours: 80)
        moved.tradingType = 4
        let after = [
            live("SPONGE", coin: "new"), live("NODE"), moved, preOpen("BTC", hours: 1),
            preOpen("M", hours: 18),
        ]
        let changes = ListTransitions(from: before, to: after)
        #expect(changes.wentLive.map(\.ticker) == ["NODE"])
        #expect(changes.appeared.map(\.vcoinID) == ["new", "coin-M"])
        #expect(changes.vanished.map(\.vcoinID) == ["old", "coin-FUSIO"])
        #expect(changes.stopped.map(\.ticker) == ["BTC"])
        #expect(changes.rescheduled.map(\.record.ticker) == ["AIN"])
        #expect(changes.rescheduled.first?.previousOpenMillis == before[2].openMillis)
    }

    @Test func `the same list twice has no changes`() {
        let list = [preOpen("A", hours: 1), live("B")]
        let changes = ListTransitions(from: list, to: list)
        #expect(changes.wentLive.isEmpty && changes.appeared.isEmpty && changes.vanished.isEmpty)
        #expect(changes.stopped.isEmpty && changes.rescheduled.isEmpty)
    }
}

struct DiscoverySummaryTests {
    private func summary(
        _ hours: [Double], minNoticeHours: Double = 3.5, isComplete: Bool = true
    ) -> DiscoverySummary {
        let listings = hours.enumerated().map {
            listing(preOpen("T\($0.offset)", hours: $0.element))
        }
        return DiscoverySummary(
            listings.sorted(by: Listing.soonestFirst), quote: "USDT",
            minNoticeHours: minNoticeHours, isComplete: isComplete)
    }

    @Test(
        arguments: [
            ([], [DiscoveryAction.Kind.keepScanning], 50), ([0.5], [.immediate], 70),
            ([2], [.prepare], 65), ([5], [.schedule], 60),
            ([0.5, 2, 5], [.immediate, .prepare, .schedule], 95),
            ([20, 21, 22, 23, 24], [.schedule], 70), ([-1], [.watchDelayed], 50),
            ([-10, -100], [.keepScanning], 50),
            ([0.5, 2, 5, 6, 7], [.immediate, .prepare, .schedule], 95),
        ] as [([Double], [DiscoveryAction.Kind], Int)])
    func `actions and confidence follow what is ahead`(
        hours: [Double], kinds: [DiscoveryAction.Kind], confidence: Int
    ) {
        #expect(summary(hours).actions.map(\.kind) == kinds)
        #expect(summary(hours).confidence == confidence)
    }

    @Test(arguments: [1, 4, 6, 24, 720] as [Double])
    func `every listing ahead is in one action, whatever notice is asked`(notice: Double) {
        let hours = [0.5, 2, 4, 5, 6, 12, 23, 24, 100, 719, 720, 721]
        let actions = summary(hours, minNoticeHours: notice).actions
        #expect(actions.flatMap(\.symbols).sorted() == hours.indices.map { "T\($0)USDT" }.sorted())
        #expect(!actions.contains { $0.kind == .keepScanning })
    }

    @Test func `what opens sooner than the asked notice is to be prepared for`() throws {
        let action = try #require(summary([5], minNoticeHours: 6).actions.first)
        #expect(action.kind == .prepare && action.reason.contains("asked notice of 6 h"))
        #expect(summary([5], minNoticeHours: 6).confidence == 65)
    }

    @Test(
        arguments: [(1e-7, "0"), (20, "20"), (3.5, "3.5"), (4.514, "4.51")] as [(Double, String)])
    func `hours are told with two decimals at the most`(notice: Double, text: String) {
        let reason = summary([900], minNoticeHours: notice).actions.first?.reason
        #expect(reason?.contains("at least \(text) h") == true, "\(reason ?? "")")
    }

    @Test func `nothing is only said of a list that was read whole`() {
        #expect(summary([]).actions.first?.reason == "nothing is about to open")
        #expect(
            summary([], isComplete: false).actions.first?.reason.contains("could be read") == true)
    }

    @Test func `the next launch is the soonest that is ahead`() {
        #expect(summary([-1, 5, 2]).nextSymbol == "T2USDT")
        #expect(summary([-1, 5, 2]).nextLaunch == noon.adding(hours: 2))
        #expect(summary([-1]).nextLaunch == nil)
    }

    @Test(
        arguments: [
            (0, DiscoverySummary.Activity.none), (1, .low), (3, .low), (4, .moderate),
            (6, .moderate),
            (7, .high), (9, .high), (10, .veryHigh),
        ] as [(Int, DiscoverySummary.Activity)])
    func `activity is told by the number of launches ahead`(
        count: Int, activity: DiscoverySummary.Activity
    ) {
        #expect(summary((0..<count).map { 5 + Double($0) }).activity == activity)
    }

    @Test func `a monitoring plan holds only alerts that are ahead`() {
        let clock = OpeningClock(now: noon)
        let plan = MonitoringPlan(opensAt: noon.adding(hours: 2), clock)
        #expect(plan.alerts.map(\.minutesBefore) == [60, 30, 5, 0])
        #expect(plan.pollMinutes == 15)
        #expect(MonitoringPlan(opensAt: noon.adding(hours: 0.5), clock).pollMinutes == 5)
        #expect(MonitoringPlan(opensAt: noon.adding(hours: 20), clock).alerts.count == 6)
        #expect(MonitoringPlan(opensAt: noon.adding(hours: -1), clock).alerts.isEmpty)
        #expect(MonitoringPlan(opensAt: noon.adding(hours: -1), clock).pollMinutes == 5)
        #expect(MonitoringPlan(opensAt: noon.adding(hours: -30), clock).pollMinutes == 0)
    }
}
