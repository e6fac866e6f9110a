/// Which promise a message has in a ``Mailbox``.
public enum MailboxLane: Sendable, Hashable {
    /// New work: refused when the mailbox is full.
    case work
    /// What ends or keeps work: never refused.
    case vital
}

/// What became of one posted message.
public enum PostResult: Sendable, Hashable {
    /// Taken; the consumer was already due to look.
    case posted
    /// Taken, and it was the first: whoever drives a passive consumer must do so now.
    case postedAndWasEmpty
    /// Refused, the work lane is full: answer RESOURCE_EXHAUSTED.
    case full
    /// Refused, the consumer is shutting down: answer UNAVAILABLE.
    case closed
}

/// What became of a posted batch.
public struct BatchPostResult: Sendable, Hashable {
    /// How many messages were taken.
    public let taken: Int
    /// How many were refused.
    public let refused: Int
    /// Whether the mailbox was empty before and is not now.
    public let wasEmpty: Bool

    /// A result as a mailbox reports it.
    @inlinable
    public init(taken: Int, refused: Int, wasEmpty: Bool) {
        self.taken = taken
        self.refused = refused
        self.wasEmpty = wasEmpty
    }
}

/// How a wait for messages ended.
public enum WaitResult: Sendable, Hashable {
    /// At least one message was taken.
    case drained
    /// The time passed without a message.
    case timedOut
    /// Closed and empty: the consumer should end.
    case closed
}
