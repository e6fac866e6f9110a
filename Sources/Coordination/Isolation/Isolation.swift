/// Where an instance stands with the failure isolator.
public enum IsolationState: UInt8, Sendable, Hashable {
    /// It gets work as it has slots.
    case healthy = 0
    /// It gets no work.
    case isolated = 1
    /// It gets one assignment at a time, until enough went well.
    case canary = 2
}

/// What the isolator knows of one instance, for people and for the store.
public struct Isolation: Sendable, Hashable {
    /// Where it stands.
    public var state = IsolationState.healthy
    /// Why it was isolated the last time.
    public var reason = ""
    /// Who isolated it; empty: its failures.
    public var actor = ""
    /// When it was isolated the last time, milliseconds since 1970.
    public var sinceMillis: Int64 = 0
    /// While isolated: when it becomes a canary, milliseconds since 1970; `nil`: when restored.
    public var untilMillis: Int64?
    /// Isolations in a row, less those forgotten in healthy times.
    public var streak = 0
    /// Isolations since it joined first.
    public var total: Int64 = 0
    /// Failures since the last success.
    public var consecutiveFailures = 0
    /// Canary: assignments that must still go well.
    public var canariesLeft = 0

    /// Healthy, with no past.
    public init() {}
}

/// Something the isolator decided.
public struct IsolationChange: Sendable, Hashable {
    /// What happened to an instance.
    public enum Kind: Sendable, Hashable {
        /// It gets no work any more.
        case isolated
        /// Its time is over, or it is needed: it gets one assignment at a time.
        case canary
        /// It gets its full load again.
        case restored
        /// It should be isolated and is not: it is the last one, or too many are already.
        case spared(IsolationRefusal)
    }

    /// The instance, by the caller's number.
    public var agent: Int32
    /// What happened.
    public var kind: Kind

    /// Combines the parts.
    public init(agent: Int32, kind: Kind) {
        self.agent = agent
        self.kind = kind
    }
}

/// Why an instance may not be isolated.
public enum IsolationRefusal: Sendable, Hashable, Error {
    /// No such instance has joined.
    case unknownAgent
    /// No other instance is there to do the work and no backup type stands ready.
    case lastInstance
    /// As many of the type are isolated as may be.
    case poolShare
}
