/// One line of the audit log: who changed what by hand. Appended and never changed.
public struct AuditRow: Sendable, Hashable {
    /// Its number, ascending from 1 in the order of commits. The store gives it: 0 in a batch.
    public var sequence: Int64
    /// When, in milliseconds since 1970.
    public var atMillis: Int64
    /// The namespace that was changed; empty for the whole server.
    public var namespace: String
    /// Who did it, as authenticated or as told.
    public var actor: String
    /// What was done: the method's name, such as `ForceBreaker`.
    public var action: String
    /// To what, such as `breaker/payments`.
    public var subject: String
    /// What held before, as text; empty: nothing.
    public var before: String
    /// What holds after, as text; empty: nothing.
    public var after: String
    /// The id of the request that asked for it; may be empty.
    public var requestID: String

    /// Combines the columns.
    public init(
        sequence: Int64 = 0, atMillis: Int64, namespace: String, actor: String, action: String,
        subject: String, before: String, after: String, requestID: String
    ) {
        self.sequence = sequence
        self.atMillis = atMillis
        self.namespace = namespace
        self.actor = actor
        self.action = action
        self.subject = subject
        self.before = before
        self.after = after
        self.requestID = requestID
    }

    /// Bytes of its texts.
    var byteCount: Int {
        namespace.utf8.count + actor.utf8.count + action.utf8.count + subject.utf8.count
            + before.utf8.count + after.utf8.count + requestID.utf8.count
    }
}
