import Coordination

/// Something about locks that is worth counting.
public enum LockNotice: Sendable, Hashable {
    /// Somebody got what it claimed, after so long a wait.
    case granted(waitedNanos: Int64)
    case ended(LockEnd)
    /// A wait was over before it was served.
    case timedOut
    case cycleRefused
    /// What there is now.
    case gauges(LockGauges)
}

/// What there is of locks; gauges of this moment.
public struct LockGauges: Sendable, Hashable {
    /// Acquires that hold something.
    public var held = 0
    public var waiting = 0

    /// Nothing.
    public init() {}
}

extension EngineObserver {
    /// Counts nothing.
    public func noted(_ notice: LockNotice) {}
}
