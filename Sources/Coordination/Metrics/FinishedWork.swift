/// The times of one assignment whose result was accepted, in nanoseconds of the engine's clock.
public struct FinishedWork: Sendable, Hashable {
    /// When a slot was wanted for it.
    public var wantedNanos: Int64
    /// When it was granted one.
    public var grantedNanos: Int64
    /// When it left the engine for its agent.
    public var dispatchedNanos: Int64
    /// When its result was accepted.
    public var acceptedNanos: Int64
    /// How long the agent says it worked.
    public var executionNanos: Int64
    public var isFailure: Bool

    /// Combines the parts.
    public init(
        wantedNanos: Int64, grantedNanos: Int64, dispatchedNanos: Int64, acceptedNanos: Int64,
        executionNanos: Int64, isFailure: Bool
    ) {
        self.wantedNanos = wantedNanos
        self.grantedNanos = grantedNanos
        self.dispatchedNanos = dispatchedNanos
        self.acceptedNanos = acceptedNanos
        self.executionNanos = executionNanos
        self.isFailure = isFailure
    }

    /// Waiting for a slot.
    public var queueNanos: Int64 { max(0, grantedNanos &- wantedNanos) }
    /// What the server added between the slot and the result.
    public var overheadNanos: Int64 { max(0, acceptedNanos &- grantedNanos &- executionNanos) }
    /// The way to the agent and back.
    public var communicationNanos: Int64 {
        max(0, acceptedNanos &- dispatchedNanos &- executionNanos)
    }
}
