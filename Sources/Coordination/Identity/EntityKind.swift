/// What a stored entity is: everything durable that is neither a run nor a definition.
///
/// The number is stored, so it never changes its meaning and is never used again. Kinds below 128
/// are *hot*: recovery gives all of them back, and the engine holds them. Kinds from 128 on are
/// *cold*: there may be very many, they stay in the store and are read page by page.
public struct EntityKind: RawRepresentable, Sendable, Hashable {
    /// The stored number.
    public let rawValue: UInt8

    /// Wraps a stored number; any is allowed, since a newer server may have written it.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Whether recovery gives entities of this kind back.
    public var isRecovered: Bool { rawValue < Self.firstCold }

    /// The first number of the kinds that stay in the store.
    public static let firstCold: UInt8 = 128
}

extension EntityKind {
    /// A circuit breaker: its settings and its state.
    public static let breaker = EntityKind(rawValue: 1)
    /// The operating mode of a namespace.
    public static let operatingMode = EntityKind(rawValue: 2)
    /// How failures of an agent type are isolated.
    public static let isolationPolicy = EntityKind(rawValue: 3)
    /// An isolated agent.
    public static let isolation = EntityKind(rawValue: 4)
    /// A schedule that starts runs.
    public static let schedule = EntityKind(rawValue: 5)
    /// What a schedule has done and has yet to do; written with every slot.
    public static let scheduleState = EntityKind(rawValue: 6)
    /// A key whose steps are kept from beginning.
    public static let pausedKey = EntityKind(rawValue: 7)
    /// The settings of an agent type's pool.
    public static let agentType = EntityKind(rawValue: 8)
    /// When the next attempt with a rate key may begin.
    public static let keyPace = EntityKind(rawValue: 9)
    /// An answer that a step's attempt had to a call it made under a key.
    public static let recordedCall = EntityKind(rawValue: 11)

    /// What an operation of a workflow's step returned for an input, for modes in which it does not
    /// run.
    public static let stepOutput = EntityKind(rawValue: 10)

    /// What the earlier versions of a definition's name said, as fingerprints.
    public static let versionMarks = EntityKind(rawValue: 12)

    /// The totals of a series of ballots.
    public static let ballotSeries = EntityKind(rawValue: 40)
    /// A decision of a series: who said what.
    public static let ballotRecord = EntityKind(rawValue: 41)
    /// What a series has learnt of a voter.
    public static let voterAccuracy = EntityKind(rawValue: 42)

    /// How items of an operation are gathered.
    public static let batchDefinition = EntityKind(rawValue: 43)
    /// A durable item of a batch, or what it came to.
    public static let batchItem = EntityKind(rawValue: 44)
    /// Where the revision line of a namespace's shared memory stands.
    public static let memoryLine = EntityKind(rawValue: 20)
    /// One acquire that holds its locks. Brief.
    public static let lockAcquire = EntityKind(rawValue: 21)

    /// Whether such entities are written once, deleted soon after, and few at any time, with keys that
    /// ascend: a store may keep them where none of that costs an index.
    public var isBrief: Bool { self == .lockAcquire }

    /// A topic: its limits and how much was published to it and removed.
    public static let topic = EntityKind(rawValue: 30)
    /// How far topics of a namespace that are not known any more had sequences.
    public static let forgottenTopics = EntityKind(rawValue: 31)

    /// A durable subscription.
    public static let subscription = EntityKind(rawValue: 32)
    /// How far a target of one is; written with every acknowledgement.
    public static let subscriber = EntityKind(rawValue: 33)
    /// Which dead letters a target has.
    public static let eventDeadLetters = EntityKind(rawValue: 34)
    /// A publication that a target could not do. Cold: there may be very many.
    public static let eventDeadLetter = EntityKind(rawValue: 140)

    /// Work that was given up and waits for somebody to look at it. Cold: there may be very many.
    public static let deadLetter = EntityKind(rawValue: 128)
}
