import Coordination

/// A time that never goes back and does not believe every leap of the wall clock.
///
/// Deadlines, schedules and retention act on the wall clock, and what they did cannot be undone. A
/// leap ahead of more than an hour counts only when it has lasted; until then time runs on with the
/// monotonic clock. While the wall clock is behind, time goes on at half that rate, so that nothing
/// stands still and the two meet again.
struct SteadyClock: Sendable {
    /// Leaps up to this count at once.
    static let maxLeapMillis: Int64 = 3_600_000

    private let trustNanos: Int64
    private(set) var now = EngineTime(monotonicNanos: 0, wallMillis: 0)
    private var isSet = false
    /// When the leap that is not believed yet was seen first.
    private var leapNanos: Int64?
    /// What has passed of the next millisecond.
    private var restNanos: Int64 = 0

    /// - Parameter trustNanos: how long a great leap must last before it counts.
    init(trustNanos: Int64 = 10_000_000_000) { self.trustNanos = trustNanos }

    /// Takes a reading of both clocks; the first one counts as it is.
    mutating func advance(to reading: EngineTime) {
        let elapsed = max(0, reading.monotonicNanos - now.monotonicNanos)
        now.monotonicNanos += elapsed
        guard isSet else {
            isSet = true
            now.wallMillis = reading.wallMillis
            return
        }
        if reading.wallMillis < now.wallMillis {
            leapNanos = nil
            pass(elapsed / 2)
        } else if isGreatLeap(reading, after: elapsed) {
            pass(elapsed)
        } else {
            leapNanos = nil
            restNanos = 0
            now.wallMillis = reading.wallMillis
        }
    }

    private mutating func isGreatLeap(_ reading: EngineTime, after elapsed: Int64) -> Bool {
        let lead = reading.wallMillis - now.wallMillis - elapsed / 1_000_000
        guard lead > Self.maxLeapMillis else { return false }
        let since = leapNanos ?? now.monotonicNanos
        leapNanos = since
        return now.monotonicNanos - since < trustNanos
    }

    private mutating func pass(_ nanos: Int64) {
        restNanos += nanos
        now.wallMillis += restNanos / 1_000_000
        restNanos %= 1_000_000
    }
}
