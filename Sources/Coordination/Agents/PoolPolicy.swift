/// How many in-process instances of an agent type there are, and how much may wait for one.
public struct PoolPolicy: Sendable, Hashable {
    /// Instances that are always there, 0 to ``maxInstances``. Default 1.
    public var minInstances: Int
    /// Instances that there are at most, 1 to 1,000. Default 4.
    public var maxInstances: Int
    /// Assignments that each takes at once, 1 to 65,536. Default 1.
    public var slots: Int
    /// An instance beyond ``minInstances`` that did nothing for this long is destroyed, at the
    /// latest after twice as long; milliseconds, 10 to 86,400,000. Default 60,000.
    public var idleMillis: Int64
    /// Calls that may wait for the type, 1 to 1,000,000; more are refused. Steps of workflows always
    /// may. Default 10,000.
    public var maxWaiting: Int

    /// Combines the parts; see each for its default.
    public init(
        minInstances: Int = 1, maxInstances: Int = 4, slots: Int = 1, idleMillis: Int64 = 60_000,
        maxWaiting: Int = 10_000
    ) {
        self.minInstances = minInstances
        self.maxInstances = maxInstances
        self.slots = slots
        self.idleMillis = idleMillis
        self.maxWaiting = maxWaiting
    }

    /// One to four instances, one assignment each, a minute of idleness.
    public static let defaults = PoolPolicy()

    /// Everything that is wrong with it.
    public var faults: [FieldFault] {
        var check = RangeCheck()
        check.range("max_instances", maxInstances, 1...1_000)
        check.range("min_instances", minInstances, 0...min(max(maxInstances, 1), 1_000))
        check.range("slots", slots, 1...65_536)
        check.millis("idle_millis", idleMillis, 10...86_400_000)
        check.range("max_waiting", maxWaiting, 1...1_000_000)
        return check.faults
    }
}

/// An agent type of which a host makes instances when they are wanted.
public struct PoolRegistration: Sendable, Hashable {
    /// The agent type.
    public var type: String
    /// What every instance of it can do: known before the first one is there.
    public var operations: [OperationDescriptor]
    /// How many there are.
    public var policy: PoolPolicy

    /// Combines the parts.
    public init(type: String, operations: [OperationDescriptor], policy: PoolPolicy) {
        self.type = type
        self.operations = operations
        self.policy = policy
    }
}

/// What the engine wants of the host of a pool.
public enum InstanceOrder: Sendable, Hashable {
    /// Make so many more instances of a type; each joins when it is ready, or is reported as failed.
    case create(type: String, count: Int)
    /// The instance is out of the pool and holds nothing: destroy it.
    case retire(AgentID)
}
