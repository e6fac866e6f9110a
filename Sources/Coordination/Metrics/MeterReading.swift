/// Everything that coordination is measured by, as it stands at one instant. Tallies only grow from
/// the start of the process on; what happened in a window is the difference of two readings.
public struct MeterReading: Sendable, Hashable {
    /// The instant.
    public var time: EngineTime
    /// When counting began.
    public var since: EngineTime
    /// Runs that began and ended.
    public var runs = RunTally()
    /// From start to end, of those that ended.
    public var runDurations = DurationTally()
    /// Runs that have not ended.
    public var activeRuns: Int64 = 0
    /// By agent type; see ``AgentTypeReading``.
    public var types: [AgentTypeReading] = []
    /// Times of the accepted results of all types; see ``FinishedWork``.
    public var queue = DurationTally()
    public var execution = DurationTally()
    public var overhead = DurationTally()
    public var communication = DurationTally()
    /// Assignments given up before a result came.
    public var abandoned: Int64 = 0
    /// Results that came too late or twice.
    public var staleResults: Int64 = 0
    /// Ballots.
    public var consensus = ConsensusTally()
    /// From a step's first failed attempt to its success.
    public var workRecoveries = DurationTally()
    /// From an instance's isolation to its full return.
    public var agentRecoveries = DurationTally()
    /// From a breaker's opening until it lets every call pass again.
    public var breakerRecoveries = DurationTally()
    /// Breakers, and those of them that refuse calls.
    public var breakers = 0
    public var openBreakers = 0
    /// Namespaces whose operating mode is degraded.
    public var degraded = 0
    /// Namespaces whose operating mode is emergency.
    public var emergencies = 0
    /// From handing a batch to the store to its being on disk.
    public var commits = DurationTally()
    /// Durable commands in those batches.
    public var commands: Int64 = 0
    /// Work that waits for a slot.
    public var waiting: Int64 = 0
    /// Durable commands that wait for room in a batch.
    public var backlog: Int64 = 0

    /// All at zero.
    public init(time: EngineTime, since: EngineTime) {
        self.time = time
        self.since = since
    }
}

/// One agent type in a reading.
public struct AgentTypeReading: Sendable, Hashable {
    /// Its name; ``MeterReading/otherTypes`` for what is beyond the bound.
    public var name: String
    /// Instances in the pool, and those of them that get no new work.
    public var instances = 0
    public var heldInstances = 0
    /// Slots of all those instances, and those of them that are taken.
    public var slots: Int64 = 0
    public var taken: Int64 = 0
    /// Slot time up to the reading, there and taken; only differences mean anything.
    public var slotNanos: Int128 = 0
    public var takenNanos: Int128 = 0
    /// Times a slot was taken or given back.
    public var slotChanges: Int64 = 0
    /// Work that waits for it.
    public var waiting: Int64 = 0
    /// Accepted results.
    public var work = WorkTally()

    /// A type with nothing.
    public init(name: String) { self.name = name }

    /// Takes another type's numbers in.
    mutating func add(_ other: AgentTypeReading) {
        instances += other.instances
        heldInstances += other.heldInstances
        slots += other.slots
        taken += other.taken
        slotNanos += other.slotNanos
        takenNanos += other.takenNanos
        slotChanges += other.slotChanges
        waiting += other.waiting
        work = work + other.work
    }
}

extension MeterReading {
    /// How many agent types a reading has under their names.
    public static let maxTypes = 64
    /// The name of all others together.
    public static let otherTypes = "other"

    /// Adds a type; past the bound its numbers go to the others'. The same types must always be
    /// added in the same order.
    public mutating func add(_ type: AgentTypeReading) {
        if types.count < Self.maxTypes { return types.append(type) }
        if types.count == Self.maxTypes { types.append(AgentTypeReading(name: Self.otherTypes)) }
        types[Self.maxTypes].add(type)
    }
}
