/// Where the opening time of a pair that is not open yet stands against the market's clock.
enum OpeningState: String, Sendable, Hashable, Codable {
    /// The opening time is later than now.
    case upcoming
    /// It passed less than 24 hours ago: delayed, or the list is older than it looks.
    case overdue
    /// It passed 24 hours ago or more: a leftover. It may still open months later, so it is
    /// shown apart and never dropped.
    case stale
    /// The list gives no opening time.
    case unknown
}

/// Compares opening times with the market's clock.
struct OpeningClock: Sendable, Hashable {
    /// The market's time, not this machine's.
    var now: UTCInstant
    /// How long after its opening time a pair still counts as about to open, hours. Default 4:
    /// recorded delays are of the order of one hour, and leftovers begin at thousands.
    var graceHours: Double = 4
    /// From when on an entry is a leftover, hours. Default 24.
    var staleHours: Double = 24

    /// Hours from now to `opening`; negative when it has passed.
    func noticeHours(_ opening: UTCInstant) -> Double { opening.hours(since: now) }

    /// Where `opening` stands; `nil`, no opening time, is ``OpeningState/unknown``.
    func state(_ opening: UTCInstant?) -> OpeningState {
        guard let opening else { return .unknown }
        let notice = noticeHours(opening)
        if notice > 0 { return .upcoming }
        return -notice < staleHours ? .overdue : .stale
    }

    /// Whether `opening` has passed and a late start can still be expected.
    func isDelayed(_ opening: UTCInstant?) -> Bool {
        guard let opening else { return false }
        let age = -noticeHours(opening)
        return age >= 0 && age < graceHours
    }
}
