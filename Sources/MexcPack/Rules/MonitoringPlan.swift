/// When to look at a listing again before it opens.
struct MonitoringPlan: Sendable, Hashable, Codable {
    /// A moment to look.
    struct Alert: Sendable, Hashable, Codable {
        var at: UTCInstant
        /// Minutes before the opening; 0 is the opening itself.
        var minutesBefore: Int

        enum CodingKeys: String, CodingKey {
            case at
            case minutesBefore = "minutes_before"
        }
    }

    var opensAt: UTCInstant
    /// The alerts that are still ahead, soonest first.
    var alerts: [Alert]
    /// How often to look until the next alert, minutes: 5 in the last hour, 15 in the last six,
    /// else 30; 5 while late; 0 once nothing is expected any more.
    var pollMinutes: Int

    enum CodingKeys: String, CodingKey {
        case opensAt = "opens_at"
        case alerts
        case pollMinutes = "poll_minutes"
    }

    /// Six hours, three, one, thirty minutes, five, the opening.
    static let ladderMinutes = [360, 180, 60, 30, 5, 0]

    /// Plans for an opening as seen at the clock's instant.
    init(opensAt: UTCInstant, _ clock: OpeningClock) {
        self.opensAt = opensAt
        alerts = MonitoringPlan.ladderMinutes.compactMap { minutes in
            let at = UTCInstant(millis: opensAt.millis - Int64(minutes) * 60_000)
            return at > clock.now ? Alert(at: at, minutesBefore: minutes) : nil
        }
        let hours = clock.noticeHours(opensAt)
        pollMinutes =
            switch clock.state(opensAt) {
            case .upcoming: hours <= 1 ? 5 : hours <= 6 ? 15 : 30
            case .overdue: clock.isDelayed(opensAt) ? 5 : 30
            case .stale, .unknown: 0
            }
    }
}
