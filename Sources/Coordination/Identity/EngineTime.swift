/// The one reading of time that an engine turn works with.
///
/// Leases and timeouts run on the monotonic clock while the process lives; what is stored is
/// wall-clock milliseconds. Neither goes back between two turns.
public struct EngineTime: Sendable, Hashable {
    /// Nanoseconds of the monotonic clock; only differences mean anything.
    public var monotonicNanos: Int64
    /// Milliseconds since 1970-01-01T00:00:00Z.
    public var wallMillis: Int64

    /// Combines two readings taken together.
    public init(monotonicNanos: Int64, wallMillis: Int64) {
        self.monotonicNanos = monotonicNanos
        self.wallMillis = wallMillis
    }

    /// The earliest instant that stands for a stored one. It may be subtracted from any reading.
    public static let earliestNanos = Int64.min / 2

    /// The monotonic instant of a stored wall-clock one, as the clocks stand now. One that has passed
    /// lies before now, so that what fell due while nobody looked keeps its order. Every stored number
    /// has one: those too far away give the latest instant there is, or ``earliestNanos``.
    public func monotonicNanos(atWallMillis millis: Int64) -> Int64 {
        let (wait, isTooFar) = millis.subtractingReportingOverflow(wallMillis)
        guard isTooFar || wait < 0 else { return monotonicNanos(inMillis: wait) }
        if millis > wallMillis { return .max }
        let (nanos, isTooLong) = wait.multipliedReportingOverflow(by: 1_000_000)
        if isTooFar || isTooLong { return Self.earliestNanos }
        return max(Self.earliestNanos, monotonicNanos + max(Self.earliestNanos, nanos))
    }

    /// The monotonic instant so many milliseconds from now, or the latest there is.
    public func monotonicNanos(inMillis millis: Int64) -> Int64 {
        let (nanos, isTooLong) = millis.multipliedReportingOverflow(by: 1_000_000)
        if isTooLong { return .max }
        let (instant, isTooLate) = monotonicNanos.addingReportingOverflow(nanos)
        return isTooLate ? .max : instant
    }
}
