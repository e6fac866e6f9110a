/// How well a launch can be prepared for: the advance-notice rule.
///
/// Applies from 3.5 hours of notice on. Confidence = 40 + notice (12 h or more 20, 6 h or more 15,
/// else 10) + 0.3 x sector score + record (own project name 5, more than one pair 5, status known
/// 10) + 5 when the opening is on no weekend + 5 when it is at 8 to 15 h UTC; clamped to 0...100
/// and reported from 70. Promotions of the exchange would add up to 16 more; no source here tells
/// of them, so none are counted.
enum LaunchSequenceRule {
    /// From this confidence on a launch is reported.
    static let reportAt: Double = 70
    /// The least notice that makes a launch sequence, hours.
    static let minNoticeHours: Double = 3.5

    /// The pattern; `nil` below the least notice and for pairs that trade.
    ///
    /// - Parameter pairCount: how many pairs of the same coin the list has.
    static func assess(_ listing: Listing, pairCount: Int) -> PatternMatch? {
        guard listing.phase != .live, let hours = listing.hoursToOpening,
            hours >= minNoticeHours, let opening = listing.record.effectiveOpening
        else { return nil }
        let sector = Sector(listing.record)
        let record = completeness(listing.record, pairCount: pairCount)
        let evidence = [
            ConfidencePart("advance notice", 40 + notice(hours)),
            ConfidencePart("sector \(sector.rawValue)", 0.3 * Double(sector.score)),
            ConfidencePart("complete record", record),
            ConfidencePart("opens on a weekday", opening.isWeekend ? 0 : 5),
            ConfidencePart("opens at 8 to 15 h UTC", (8...15).contains(opening.hourOfDay) ? 5 : 0),
        ]
        return PatternMatch(
            .launchSequence, listing.record, noticeHours: hours, evidence: evidence,
            risk: risk(hours), recommending: { recommendation($0, hours) })
    }

    private static func notice(_ hours: Double) -> Double {
        hours >= 12 ? 20 : hours >= 6 ? 15 : 10
    }

    private static func completeness(_ record: SymbolRecord, pairCount: Int) -> Double {
        (record.hasOwnName ? 5 : 0) + (pairCount > 1 ? 5 : 0) + (record.status == nil ? 0 : 10)
    }

    /// High when more than a week ahead, low up to 48 hours, else medium.
    private static func risk(_ hours: Double) -> RiskLevel {
        hours > 168 ? .high : hours <= 48 ? .low : .medium
    }

    private static func recommendation(_ confidence: Double, _ hours: Double) -> Recommendation {
        if confidence >= 80, hours <= 12 { return .prepareEntry }
        return confidence >= reportAt ? .monitorClosely : .wait
    }
}
