/// How sure it is that a listing opens at its opening time.
///
/// The rule this replaces adds 50 for the triple, 30 for its exactness and 25 for a complete
/// record, so that every entry scores 100, a leftover of two years too. This one adds:
///
/// | part | points |
/// |---|---|
/// | triple | (2,2,4) 40 · `sts` 2 with the rest unknown 25 · in the calendar only 10 |
/// | opening | in a week 30 · later 25 · delayed 20 · overdue 10 · unknown 5 · stale 0 |
/// | record | coin id 8 · contract 4 · price scale 4 · quantity scale 4 |
/// | calendar | agrees to a minute 10 · not asked, or alone 5 · differs or knows it not 0 |
///
/// A complete record on time scores 95, without a contract 91, late inside the grace 85; the
/// leftovers score 65 at most, a list without `st` and `tt` 76 at most. It is reported from 85.
/// On the recorded lists this separates all entries that opened from all that did not.
enum ReadyStateRule {
    /// From this confidence on a ready state is reported.
    static let reportAt: Double = 85

    /// The pattern, however weak; `nil` when a known triple says otherwise.
    static func assess(_ listing: Listing) -> PatternMatch? {
        let record = listing.record
        guard listing.phase == .preOpen || listing.phase == .unknown else { return nil }
        return PatternMatch(
            .readyState, record, noticeHours: listing.hoursToOpening,
            evidence: [
                triple(record), opening(listing), completeness(record), calendar(record),
            ], risk: risk(record),
            recommending: { recommendation($0, listing) })
    }

    private static func triple(_ record: SymbolRecord) -> ConfidencePart {
        switch record.triple.match(.ready) {
        case .exact: ConfidencePart("triple (2,2,4)", 40)
        case .partial: ConfidencePart("status 2, the rest of the triple unknown", 25)
        case .none: ConfidencePart("triple unknown", 10)
        }
    }

    private static func opening(_ listing: Listing) -> ConfidencePart {
        switch listing.state {
        case .upcoming where (listing.hoursToOpening ?? 0) > 168:
            ConfidencePart("opens in more than a week", 25)
        case .upcoming: ConfidencePart("opens within a week", 30)
        case .overdue where listing.isDelayed: ConfidencePart("late inside the grace", 20)
        case .overdue: ConfidencePart("late beyond the grace", 10)
        case .stale: ConfidencePart("opening time passed long ago", 0)
        case .unknown: ConfidencePart("no opening time", 5)
        }
    }

    private static func completeness(_ record: SymbolRecord) -> ConfidencePart {
        let points =
            (record.vcoinID.isEmpty ? 0 : 8) + (record.hasContract ? 4 : 0)
            + (record.priceScale == nil ? 0 : 4) + (record.quantityScale == nil ? 0 : 4)
        return ConfidencePart("complete record", Double(points))
    }

    private static func calendar(_ record: SymbolRecord) -> ConfidencePart {
        guard let opinion = record.calendar else { return ConfidencePart("calendar not asked", 5) }
        guard let theirs = opinion.openMillis else {
            return ConfidencePart("calendar does not know it", 0)
        }
        guard let ours = record.opensAt else { return ConfidencePart("calendar alone", 5) }
        let minutes = UTCInstant(millis: theirs).hours(since: ours) * 60
        return abs(minutes) <= 1
            ? ConfidencePart("calendar agrees", 10) : ConfidencePart("calendar differs", 0)
    }

    /// Low with coin id, contract and both scales; high without coin id or status; else medium.
    private static func risk(_ record: SymbolRecord) -> RiskLevel {
        if record.vcoinID.isEmpty || record.status == nil { return .high }
        let complete =
            record.hasContract && record.priceScale != nil && record.quantityScale != nil
        return complete ? .low : .medium
    }

    /// Immediate in the last hour and while late; preparing below 12 hours; then watching.
    private static func recommendation(_ confidence: Double, _ listing: Listing) -> Recommendation {
        guard confidence >= reportAt, let hours = listing.hoursToOpening else { return .wait }
        return hours < 1 ? .immediateAction : hours < 12 ? .prepareEntry : .monitorClosely
    }
}

extension SymbolRecord {
    /// Whether a contract address is known and not empty.
    var hasContract: Bool { contractAddress?.isEmpty == false }
}
