import Coordination

/// The bounds of what callers can make the engine hold.
public struct EngineLimits: Sendable, Hashable {
    /// Runs that have not ended; each costs about 1 KiB plus its steps.
    public var maxOpenRuns = 1_000_000
    /// Runs of one workflow id that wait for the open one to end.
    public var maxQueuedRuns = 1_000
    /// Open runs that descend, by child steps and events, from one that began by itself. After a
    /// restart runs that an event started count as such.
    public var maxDescendants = 10_000
    /// Runs that steps start or feed in one commit; other such steps wait for the next one.
    public var maxStartsPerBatch = 128
    /// Runs that one event starts or feeds, and bytes that all of them get together.
    public var maxReceivers = 10_000
    public var maxReceivedBytes = 64 << 20
    /// Work that waits for a free slot, per agent type.
    public var maxWaitingPerType = 10_000
    /// Payload bytes of all plain invokes that are open; further ones over 64 KiB are refused then.
    public var maxInvokeBytes = 256 << 20
    /// Durable commands in one commit: more adds latency and little throughput.
    public var maxCommandsPerBatch = 256
    /// Places of one commit that commands never take: so many for schedules, for entries of shared
    /// memory and for leases and waits of locks whose time has come. More of them share the commands'
    /// places.
    public var maxDuePerBatch = 64
    /// Durable commands that may wait for the next commit; then new work is refused.
    public var maxBacklogCommands = 4_096
    /// Bytes of inputs and definitions that may wait there; then new work is refused.
    public var maxBacklogBytes = 64 << 20
    /// Bytes of recently stored payloads kept in memory.
    public var maxCachedBytes = 64 << 20
    /// Remembered request ids of one namespace; past it its oldest are forgotten early.
    public var maxRequests = 1_000_000
    /// Those of all namespaces together; past it the namespace that brings another loses its oldest.
    public var maxRequestsInAll = 4_000_000
    /// How long a request id is remembered: 24 hours.
    public var requestLifeMillis: Int64 = 86_400_000
    /// Calls on behalf of calls, one below the other.
    public var maxCallDepth = 64
    /// Attempts of a plain invoke whose instances were lost.
    public var maxInvokeAttempts = 5
    /// Answers that a step keeps for its next attempt, and the size of each.
    public var maxRecordedCalls = 256
    public var maxRecordedBytes = 64 << 10
    /// Remote instances that are connected or within their lease.
    public var maxSessions = 100_000
    /// Agent types that have joined, or that a step has asked for, since the start of the process.
    public var maxAgentTypes = 10_000
    /// Agent types with an isolation policy of their own.
    public var maxIsolationPolicies = 10_000
    /// Payload bytes of an input or result that are still rendered on the draining thread.
    public var maxInlineBytes = 16 << 10
    /// Bytes that rendering it may look at and write there, every reference taken for its whole
    /// source: at most some 13,000 names compared.
    public var maxInlineWorkBytes = 64 << 10
    /// Bytes of each text of an audit line; longer ones are cut.
    public var maxAuditText = 4_096
    /// Definitions of the whole server; each version that is put takes the place of the last one.
    public var maxDefinitions = 10_000
    /// Bytes of a definition as it is stored: what is said of a run grows with it, and must fit into
    /// one answer.
    public var maxDefinitionBytes = 1 << 20
    /// Callers that watch the agents, and callers that watch one run or wait for its end.
    public var maxAgentWatchers = 10_000
    public var maxRunWatchers = 10_000
    /// How long closed runs are kept, as the ``RetentionPruner`` was told; `nil`: for ever.
    public var retentionMillis: Int64?
    /// Breakers of one namespace.
    public var maxBreakers = 1_000
    /// Namespaces that have breakers or a mode.
    public var maxModes = 10_000
    /// Callers that watch breakers or modes at once.
    public var maxBreakerWatchers = 10_000
    /// Keys that are paused at once.
    public var maxPausedKeys = 10_000
    /// Callers that watch graphs at once.
    public var maxGraphWatchers = 100
    /// How long those who work for steps have to come back after a restart before it counts that they
    /// have not, milliseconds; as long as a lease that no worker has chosen.
    public var returnMillis: Int64 = 10_000
    /// Ballots that are open at once, and series of the whole server.
    public var maxBallots = 10_000
    public var maxBallotSeries = 1_000
    /// Bytes of the answers that one open ballot holds, and all of them together.
    public var maxBallotBytes = 16 << 20
    public var maxBallotBytesInAll = 256 << 20
    /// Batches of the whole server, and payload bytes of the items in them.
    public var maxBatches = 1_000
    public var maxItemBytes = 256 << 20
    /// Ended items that are kept for whoever submits them again: how many, for how long, and how much
    /// of a result.
    public var maxEndedItems = 10_000
    public var endedItemMillis: Int64 = 3_600_000
    public var maxEndedItemBytes = 16 << 10
    /// Topics of one namespace, and of all of them.
    public var maxTopics = 10_000
    public var maxTopicsInAll = 100_000
    /// Publications that one namespace holds; past it a topic gives up its oldest for a new one.
    public var maxPublications = 1_000_000
    /// Durable subscriptions of the whole server.
    public var maxSubscriptions = 10_000
    /// Dead letters of one target of a subscription; past it the oldest go.
    public var maxEventDeadLetters = 1_000
    /// Socket loops and namespaces together that follow what is published.
    public var maxEventFollowers = 10_000
    /// Schedules of the whole server.
    public var maxSchedules = 10_000
    /// Bounds of one namespace's shared memory.
    public var memory = MemoryLimits()
    /// Bytes of the shared memory of all namespaces.
    public var maxMemoryBytes = 1 << 30
    /// Namespaces that have shared memory, and callers that watch it.
    public var maxMemoryNamespaces = 10_000
    public var maxMemoryWatchers = 10_000
    /// Bounds of one namespace's locks, and namespaces that have some.
    public var locks = LockLimits()
    public var maxLockNamespaces = 10_000
    public var run = RunLimits.defaults

    /// The documented bounds.
    public static let defaults = EngineLimits()

    /// The documented bounds, to be changed one by one.
    public init() {}
}
