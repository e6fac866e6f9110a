/// Runs that began and ended, as far as that is on disk; only grow.
public struct RunTally: Sendable, Hashable {
    /// Starts on disk.
    public var started: Int64 = 0
    /// Open runs of earlier processes that were taken up.
    public var recovered: Int64 = 0
    /// Ends on disk, by status.
    public var completed: Int64 = 0
    public var failed: Int64 = 0
    public var timedOut: Int64 = 0
    public var cancelled: Int64 = 0
    public var terminated: Int64 = 0
    public var otherwiseEnded: Int64 = 0

    /// Nothing yet.
    public init() {}

    /// Counts an end.
    mutating func ended(_ status: RunStatus) {
        switch status {
        case .completed: completed += 1
        case .failed: failed += 1
        case .timedOut: timedOut += 1
        case .cancelled: cancelled += 1
        case .terminated: terminated += 1
        default: otherwiseEnded += 1
        }
    }

    /// Ends that say whether runs succeed: nobody asked for them.
    public var judged: Int64 { completed + failed + timedOut }

    static func - (left: RunTally, right: RunTally) -> RunTally {
        var result = RunTally()
        result.started = left.started - right.started
        result.recovered = left.recovered - right.recovered
        result.completed = left.completed - right.completed
        result.failed = left.failed - right.failed
        result.timedOut = left.timedOut - right.timedOut
        result.cancelled = left.cancelled - right.cancelled
        result.terminated = left.terminated - right.terminated
        result.otherwiseEnded = left.otherwiseEnded - right.otherwiseEnded
        return result
    }
}
