import Coordination

/// What a host of pooled in-process instances says.
public enum PoolCommand: Sendable {
    /// It makes instances of a type when asked to, through this port. Said again: another policy.
    case joined(PoolRegistration, PortNumber)
    /// It makes none of this type any more.
    case left(type: String)
    /// An instance that was asked for cannot be made.
    case failed(type: String, message: String)
}

/// A pool of in-process instances as the engine sees it; gauges of this moment.
public struct PoolSummary: Sendable, Hashable {
    /// The agent type.
    public var type: String
    /// How many there may be.
    public var policy: PoolPolicy
    /// Instances that take work.
    public var instances: Int
    /// Instances in the making.
    public var starting: Int
    /// Assignments that wait for a free slot.
    public var waiting: Int
    /// Instances made since the start.
    public var created: Int64
    /// Instances destroyed for being idle since the start.
    public var retired: Int64
    /// Why the last one could not be made; empty: it could.
    public var lastFailure: String
}

/// Something about a pool that is worth counting.
public enum PoolNotice: Sendable, Hashable {
    /// So many instances are there now.
    case instances(type: String, Int)
    /// An instance was made.
    case created(type: String)
    /// An instance was destroyed for being idle.
    case retired(type: String)
    /// An instance could not be made.
    case failed(type: String)
}

extension EngineObserver {
    /// Counts nothing.
    public func noted(_ notice: PoolNotice) {}
}
