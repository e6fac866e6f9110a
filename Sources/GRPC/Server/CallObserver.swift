/// Where a server reports its calls; the door to metrics.
///
/// The server asks once per method when it is made and keeps the answer, so that a call costs no
/// look-up by name.
public protocol CallObserver: Sendable {
    /// The observer of one method; nil stands for every path that is not served (label `other`).
    func observer(of method: MethodDescriptor?) -> any MethodObserver
}

/// Told about each call of one method; called on socket loops, must not block.
public protocol MethodObserver: Sendable {
    /// A call's headers have been accepted.
    func callStarted()
    /// A call has ended, for whatever reason; `callStarted` was called for it before.
    func callEnded(_ summary: CallSummary)
}

/// What is known of a call at its end.
public struct CallSummary: Sendable {
    /// The status the client was or would have been given.
    public let code: GRPCStatusCode
    /// Nanoseconds from the headers' receipt to the end.
    public let nanoseconds: Int64
    /// Message bytes received, prefixes included.
    public let bytesReceived: Int
    /// Message bytes sent, prefixes included.
    public let bytesSent: Int
}
