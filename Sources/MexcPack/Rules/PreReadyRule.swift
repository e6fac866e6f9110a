/// Triples on their way to (2,2,4): (2,2,x) 85, (2,1,x) 75.
///
/// The third row that is often given, (1,1,x) 60, is left out: on recorded lists (1,1,1) is what
/// all 2,846 trading pairs carry, so it would announce each of them. An unknown number is not a
/// step on the way, so lists without `st` and `tt` yield nothing here.
enum PreReadyRule {
    /// From this confidence on a pre-ready state is reported.
    static let reportAt: Double = 60

    /// The pattern; `nil` when the triple is ready, live, incomplete or anything else.
    static func assess(_ listing: Listing) -> PatternMatch? {
        let triple = listing.record.triple
        guard triple.status == 2, let spot = triple.spotStatus, let type = triple.tradingType,
            let (points, hours) = estimate(spot, type)
        else { return nil }
        return PatternMatch(
            .preReady, listing.record, noticeHours: listing.hoursToOpening,
            evidence: [
                ConfidencePart("triple (2,\(spot),\(type)), about \(hours) h to ready", points)
            ], risk: .medium, recommending: { _ in .monitorClosely })
    }

    private static func estimate(_ spot: Int, _ type: Int) -> (Double, Double)? {
        switch (spot, type) {
        case (2, 4): nil
        case (2, _): (85, 0.5)
        case (1, _): (75, 2)
        default: nil
        }
    }
}
