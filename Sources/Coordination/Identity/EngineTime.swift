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
}
