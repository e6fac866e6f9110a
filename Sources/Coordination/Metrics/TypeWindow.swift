/// One agent type in a window.
public struct TypeWindow: Sendable, Hashable {
    /// Tallies and slot time of the window, gauges of its end.
    public let reading: AgentTypeReading

    /// What happened between two readings; no earlier one: the type came in the window.
    init(from earlier: AgentTypeReading?, to later: AgentTypeReading) {
        var difference = later
        if let earlier {
            difference.slotNanos -= earlier.slotNanos
            difference.takenNanos -= earlier.takenNanos
            difference.slotChanges -= earlier.slotChanges
            difference.work = later.work - earlier.work
        }
        reading = difference
    }

    /// The share of slot time that was taken; `nil`: there was no slot.
    public var utilization: MeasuredShare? {
        guard reading.slotNanos > 0 else { return nil }
        return MeasuredShare(
            value: Double(reading.takenNanos) / Double(reading.slotNanos),
            observations: reading.slotChanges)
    }

    /// The share of the finished assignments that failed.
    public var failures: MeasuredShare? {
        MeasuredShare(reading.work.failed, of: reading.work.finished)
    }

    /// A mean over the finished assignments, in nanoseconds; `nil`: none finished.
    public func mean(_ sum: KeyPath<WorkTally, Int64>) -> Int64? {
        reading.work.finished > 0 ? reading.work[keyPath: sum] / reading.work.finished : nil
    }
}
