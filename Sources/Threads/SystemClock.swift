#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Readings of the machine's two clocks. Any thread may call; neither allocates.
///
/// Shells read a clock once per turn and hand the reading down as `now`; state machines never
/// call this.
public enum SystemClock {
    /// Nanoseconds since an arbitrary start, never going back and not moved by setting the wall
    /// clock: for leases, timeouts and durations inside this process. Not comparable between
    /// processes or restarts.
    public static func monotonicNanos() -> Int64 {
        nanos(of: CLOCK_MONOTONIC)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z without leap seconds: for stored deadlines and
    /// time stamps. May jump in both directions when the machine's time is set.
    public static func wallMillis() -> Int64 {
        nanos(of: CLOCK_REALTIME) / 1_000_000
    }

    private static func nanos(of clock: clockid_t) -> Int64 {
        var reading = timespec()
        // Fails only for an unknown clock id or a bad pointer; both are constants here.
        unsafe clock_gettime(clock, &reading)
        return Int64(reading.tv_sec) * 1_000_000_000 + Int64(reading.tv_nsec)
    }
}
