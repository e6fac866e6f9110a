import AgentKit
import Coordination

/// The agent `calendar`: says which listings are coming and how soon to act.
struct CalendarAgent: Agent {
    static let type = "calendar"
    let market: any MarketData

    var dependencies: [String] { [MexcAPIAgent.type] }
    var execution: AgentExecution { .ownThread }

    var operations: [AgentOperation] {
        [
            AgentOperation(
                "listings", "Classifies a snapshot's listings, soonest first, with a summary.",
                isIdempotent: true
            ) { (request: ListingsRequest, _: AgentContext) in
                // Here, where it fails the run: the step that uses it is optional.
                _ = try request.options.checkedMinConfidence()
                return ListingReport(
                    request.snapshot, minNoticeHours: try request.options.checkedMinNotice())
            },
            AgentOperation(
                "synthesis", "Joins listings and patterns to the final result.", isIdempotent: true
            ) { (request: SynthesisRequest, _: AgentContext) in
                DiscoveryResult(request.report, request.patterns)
            },
            AgentOperation(
                "timing", "Notice, urgency and state of one opening time.", isIdempotent: true
            ) { (request: OpeningRequest, context: AgentContext) in
                OpeningTiming(request.openTime, try await clock(at: request.at, context))
            },
            AgentOperation(
                "monitoring_plan", "When to look at an opening again.", isIdempotent: true
            ) { (request: OpeningRequest, context: AgentContext) in
                MonitoringPlan(opensAt: request.openTime, try await clock(at: request.at, context))
            },
        ]
    }

    private func clock(
        at instant: UTCInstant?, _ context: AgentContext
    ) async throws(StepFailure) -> OpeningClock {
        if let instant { return OpeningClock(now: instant) }
        return OpeningClock(now: try await market.guarded(context).now())
    }
}

/// What a run of `calendar-discovery` is started with; every member may be left out.
struct DiscoveryOptions: Sendable, Codable {
    /// The least notice that counts as enough, hours, 0 to 720. Default 3.5.
    var minNoticeHours: Double?
    /// The least confidence of a reported pattern, 0 to 100. Default: each rule's own.
    var minConfidence: Double?

    enum CodingKeys: String, CodingKey {
        case minNoticeHours = "min_notice_hours"
        case minConfidence = "min_confidence"
    }

    func checkedMinNotice() throws(StepFailure) -> Double {
        let hours = minNoticeHours ?? LaunchSequenceRule.minNoticeHours
        guard (0...720).contains(hours) else {
            throw MarketFailure.invalidInput("min_notice_hours: \(hours) is not in 0...720")
        }
        return hours
    }

    func checkedMinConfidence() throws(StepFailure) -> Double {
        let confidence = minConfidence ?? 0
        guard (0...100).contains(confidence) else {
            throw MarketFailure.invalidInput("min_confidence: \(confidence) is not in 0...100")
        }
        return confidence
    }
}

/// Input of `calendar.listings`.
struct ListingsRequest: Sendable, Codable {
    /// The output of `mexc-api.symbols`.
    var snapshot: MarketSnapshot
    /// The run's input.
    var request: DiscoveryOptions?

    var options: DiscoveryOptions { request ?? DiscoveryOptions() }
}

/// Input of `calendar.synthesis`.
struct SynthesisRequest: Sendable, Codable {
    /// The output of `calendar.listings`.
    var report: ListingReport
    /// The output of `pattern-discovery.discover`; `null` when that step failed.
    var patterns: PatternReport?
}

/// Input of `calendar.timing` and `calendar.monitoring_plan`.
struct OpeningRequest: Sendable, Codable {
    var openTime: UTCInstant
    /// Seen from this instant. Default: the market's clock.
    var at: UTCInstant?

    enum CodingKeys: String, CodingKey {
        case openTime = "open_time"
        case at
    }
}

/// Output of `calendar.timing`.
struct OpeningTiming: Sendable, Codable {
    var marketTime: UTCInstant
    var openTime: UTCInstant
    /// Negative when the opening time has passed.
    var hoursToOpening: Double
    var state: OpeningState
    var isDelayed: Bool
    var urgency: Urgency
    var noticeQuality: NoticeQuality
    var noticeScore: Int
    /// Which part of the world trades at the opening.
    var session: TradingSession
    var isWeekend: Bool

    enum CodingKeys: String, CodingKey {
        case marketTime = "market_time"
        case openTime = "open_time"
        case hoursToOpening = "hours_to_opening"
        case state
        case isDelayed = "is_delayed"
        case urgency
        case noticeQuality = "notice_quality"
        case noticeScore = "notice_score"
        case session
        case isWeekend = "is_weekend"
    }

    init(_ opening: UTCInstant, _ clock: OpeningClock) {
        let hours = clock.noticeHours(opening)
        marketTime = clock.now
        openTime = opening
        hoursToOpening = hours.twoDecimals
        state = clock.state(opening)
        isDelayed = clock.isDelayed(opening)
        urgency = Urgency(state: state, noticeHours: hours)
        noticeQuality = NoticeQuality(noticeHours: hours)
        noticeScore = noticeQuality.score
        session = TradingSession(opening)
        isWeekend = opening.isWeekend
    }
}
