import Coordination

/// What somebody wants of batches and their items.
public enum ItemCommand: Sendable {
    // Durable.
    /// Answers `.configured`.
    case configure(Namespace, BatchDefinition, by: Signature)
    /// Answers `.deleted`.
    case delete(Namespace, operation: String, by: Signature)
    /// Items that must survive; answers as `submit`.
    case submitDurable(SubmitItems)

    // Volatile.
    /// Answers `.settled` when the last of the items has ended.
    case submit(SubmitItems)
    /// Answers `.flushed`.
    case flush(Namespace, operation: String)
    /// Of one operation, or of all; answers `.stats`.
    case stats(Namespace, operation: String?)
}

extension ItemCommand {
    /// Whether it changes nothing that is stored.
    var isVolatile: Bool {
        switch self {
        case .configure, .delete, .submitDurable: false
        case .submit, .flush, .stats: true
        }
    }

    /// Whether it asks for something to be stored that does not exist yet.
    var isNewWork: Bool {
        switch self {
        case .configure, .submitDurable: true
        case .delete, .submit, .flush, .stats: false
        }
    }

    /// About how much memory it takes while it waits.
    var inputBytes: Int {
        guard case .submitDurable(let submit) = self else { return 0 }
        return submit.items.reduce(0) { $0 + $1.payload.bytes.count }
    }
}

/// Items for one operation: all are taken, or none.
public struct SubmitItems: Sendable {
    /// One of them.
    public struct Item: Sendable {
        /// JSON.
        public var payload: Payload
        /// Names it; empty: nobody asks for it again.
        public var requestID: String
        /// What its fields' names begin with in the request, such as `items[3].`.
        public var path: String
        /// Of the payload; made by whoever builds the command.
        let fingerprint: UInt64

        /// Combines the parts.
        public init(payload: Payload, requestID: String = "", path: String = "") {
            self.payload = payload
            self.requestID = requestID
            self.path = path
            var hash = StableHash()
            if !requestID.isEmpty { hash.combine(payload.bytes) }
            fingerprint = hash.value
        }
    }

    /// Where the batch belongs.
    public var namespace: Namespace
    /// The name of the batch.
    public var operation: String
    /// At least one.
    public var items: [Item]

    /// Combines the parts.
    public init(namespace: Namespace, operation: String, items: [Item]) {
        self.namespace = namespace
        self.operation = operation
        self.items = items
    }
}

/// What the engine answers to an ``ItemCommand``.
public enum ItemAnswer: Sendable {
    case configured(BatchDefinition)
    case deleted
    /// In the order of the items.
    case settled([ItemOutcome])
    /// So many items waited.
    case flushed(Int)
    case stats([BatchStats])
}

/// How an item ended.
public struct ItemOutcome: Sendable {
    /// Its result, or why it failed.
    public var outcome: AssignmentOutcome
    /// How many items the batch had that brought it.
    public var batchItems: Int
    /// From its arrival to its last departure.
    public var waitedNanos: Int64
    /// How often it was given to an agent.
    public var attempts: Int
    /// Who did it; `nil`: nobody.
    public var agent: AgentID?
    /// Whether it had ended before it was submitted again.
    public var isRepeat = false
}

/// How the batches of an operation stand.
public struct BatchStats: Sendable {
    /// As it was configured, defaults filled in.
    public var definition: BatchDefinition
    /// Items that wait, those that are to be tried again included.
    public var waitingItems: Int
    /// Payload bytes of those.
    public var waitingBytes: Int
    /// Batches that have left and not ended.
    public var inFlightBatches: Int
    /// Items in those.
    public var inFlightItems: Int
    /// Of the oldest item that waits; 0: none does.
    public var oldestWaitMillis: Int64
    /// Since the server started.
    public var counts: BatchCounts
}

/// What happened in the batches of an operation since the server started.
public struct BatchCounts: Sendable, Hashable {
    /// Items that were taken.
    public var submitted: Int64 = 0
    /// Items with a result.
    public var succeeded: Int64 = 0
    /// Items that failed for good.
    public var failed: Int64 = 0
    /// For want of room.
    public var refused: Int64 = 0
    /// Their caller left before they did.
    public var abandoned: Int64 = 0
    /// Items that were tried again.
    public var retried: Int64 = 0
    /// Batches that left, by what made them.
    public var left: [BatchLine.Cause: Int64] = [:]
    /// Items in those.
    public var itemsLeft: Int64 = 0

    /// Nothing has happened.
    public init() {}
}

/// Something about batches that is worth counting.
public enum ItemNotice: Sendable, Hashable {
    /// A batch left.
    case left(operation: String, cause: BatchLine.Cause, items: Int)
    /// An item ended.
    case ended(operation: String, isSuccess: Bool, waitedSeconds: Double)
    /// Items were refused for want of room.
    case refused(operation: String, items: Int)
}

extension EngineObserver {
    /// Counts nothing.
    public func noted(_ notice: ItemNotice) {}
}
