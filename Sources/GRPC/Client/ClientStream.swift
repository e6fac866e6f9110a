/// A call of a client with its messages one by one.
///
/// One task may send while another reads; neither side may be used by two tasks at once. The sequence
/// ends with status OK and throws every other status. Cancelling a task that waits in here cancels
/// the call.
public final class ClientStream: Sendable, AsyncSequence {
    public typealias Element = [UInt8]
    public typealias Failure = GRPCStatus

    /// Sends one message (5 spare bytes and then the message); waits while too much is unsent.
    ///
    /// - Throws: the call's status once it has ended; CANCELLED after `finishSending`.
    public func send(framed: [UInt8]) async throws(GRPCStatus) {}

    /// Half-closes: no more messages will be sent.
    public func finishSending() {}

    /// Resets the call: the sequence throws CANCELLED and the server is told.
    public func cancel() {}

    /// Metadata of the response's headers; waits for them.
    public var initialMetadata: Metadata {
        get async throws(GRPCStatus) { throw GRPCStatus(.unimplemented) }
    }

    /// Metadata of the trailers; empty before the call's end.
    public var trailers: Metadata { Metadata() }

    /// The call's status, nil before its end.
    public var status: GRPCStatus? { nil }

    /// The messages as they come, unframed.
    public func makeAsyncIterator() -> Iterator { Iterator(stream: self) }

    /// Reads one message after another; unread messages hold the server back by flow control.
    public struct Iterator: AsyncIteratorProtocol {
        let stream: ClientStream

        /// The next message; nil after the last one when the status is OK.
        public mutating func next() async throws(GRPCStatus) -> [UInt8]? {
            try await stream.nextMessage()
        }

        /// As `next()`; the isolation makes no difference.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(GRPCStatus) -> [UInt8]? {
            let stream = self.stream
            return try await stream.nextMessage()
        }
    }

    func nextMessage() async throws(GRPCStatus) -> [UInt8]? { nil }
}
