import Coordination

/// How an ``EngineHost`` works. Values only; where they come from is `cadre`'s business.
public struct EngineConfiguration: Sendable, Hashable {
    /// What one engine takes.
    public var limits = EngineLimits.defaults
    /// New work that may wait to be decided; beyond it callers are refused.
    public var mailboxCapacity = 65_536
    /// The wait before a full disk is tried again, milliseconds.
    public var fullRetryMillis: Int64 = 500

    /// The documented defaults.
    public static let defaults = EngineConfiguration()

    /// The documented defaults, to be changed one by one.
    public init() {}
}
