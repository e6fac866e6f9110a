extension EngineTime {
    /// The monotonic instant so many milliseconds from now, or the latest there is.
    public func nanos(inMillis millis: Int64) -> Int64 {
        let (nanos, isTooLong) = millis.multipliedReportingOverflow(by: 1_000_000)
        if isTooLong { return .max }
        let (instant, isTooLate) = monotonicNanos.addingReportingOverflow(nanos)
        return isTooLate ? .max : instant
    }

    /// The monotonic instant of a stored wall-clock one, as the clocks stand now; one that has
    /// passed is now.
    public func nanos(atWallMillis millis: Int64) -> Int64 {
        if millis <= wallMillis { return monotonicNanos }
        let (wait, isTooLong) = millis.subtractingReportingOverflow(wallMillis)
        return isTooLong ? .max : nanos(inMillis: wait)
    }

    /// The wall-clock milliseconds of a monotonic instant, as the clocks stand now, rounded up.
    public func wallMillis(atNanos nanos: Int64) -> Int64 {
        if nanos <= monotonicNanos { return wallMillis }
        return wallMillis + ((nanos - monotonicNanos - 1) / 1_000_000 + 1)
    }
}
