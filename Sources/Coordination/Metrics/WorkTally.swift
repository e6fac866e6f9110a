/// Sums over the accepted results of one agent type; only grow.
public struct WorkTally: Sendable, Hashable {
    /// Accepted results.
    public var finished: Int64 = 0
    /// Those of them that were failures.
    public var failed: Int64 = 0
    /// Times of the accepted, summed; see ``FinishedWork``.
    public var queueNanos: Int64 = 0
    public var executionNanos: Int64 = 0
    public var overheadNanos: Int64 = 0
    public var communicationNanos: Int64 = 0

    /// Nothing yet.
    public init() {}

    /// Adds one.
    public mutating func add(_ work: FinishedWork) {
        finished += 1
        if work.isFailure { failed += 1 }
        queueNanos &+= work.queueNanos
        executionNanos &+= work.executionNanos
        overheadNanos &+= work.overheadNanos
        communicationNanos &+= work.communicationNanos
    }

    static func + (left: WorkTally, right: WorkTally) -> WorkTally {
        left.combined(right, by: &+)
    }

    static func - (left: WorkTally, right: WorkTally) -> WorkTally {
        left.combined(right, by: &-)
    }

    private func combined(_ other: WorkTally, by step: (Int64, Int64) -> Int64) -> WorkTally {
        var result = WorkTally()
        result.finished = step(finished, other.finished)
        result.failed = step(failed, other.failed)
        result.queueNanos = step(queueNanos, other.queueNanos)
        result.executionNanos = step(executionNanos, other.executionNanos)
        result.overheadNanos = step(overheadNanos, other.overheadNanos)
        result.communicationNanos = step(communicationNanos, other.communicationNanos)
        return result
    }
}
