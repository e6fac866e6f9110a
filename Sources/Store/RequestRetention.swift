/// How long remembered requests live, counted in whole hours so that old ones go in bulk.
///
/// Both stores use it, and neither reads a clock: the time is that of the claim and of the newest
/// request, which their callers took from theirs.
struct RequestRetention: Sendable {
    /// A request of hour h is remembered until hour h + `hours` has passed; at least 1.
    let hours: Int64
    /// Requests of earlier hours are gone.
    private(set) var oldestHour: Int64 = .min

    /// Nothing is too old yet.
    init(hours: Int64) {
        precondition(hours >= 1, "requests are remembered for at least an hour")
        self.hours = hours
    }

    /// The hour that a moment belongs to.
    static func hour(ofMillis millis: Int64) -> Int64 {
        let hour = millis / 3_600_000
        return millis % 3_600_000 < 0 ? hour - 1 : hour
    }

    /// Takes notice of the time.
    ///
    /// - Returns: whether `oldestHour` moved, so that there may be something to drop.
    mutating func timePassed(toMillis millis: Int64) -> Bool {
        let oldest = Self.hour(ofMillis: millis) - hours
        guard oldest > oldestHour else { return false }
        oldestHour = oldest
        return true
    }

    /// Whether a request made at `millis` is still remembered.
    func remembers(createdMillis millis: Int64) -> Bool {
        Self.hour(ofMillis: millis) >= oldestHour
    }
}
