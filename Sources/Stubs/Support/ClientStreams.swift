import GRPC
import Messages

/// The responses of a streaming call, as they come.
///
/// Ends with status OK and throws every other status. One task reads it; unread messages hold
/// the server back. Cancelling the task that reads cancels the call.
public struct MessageStream<Message: WireMessage>: AsyncSequence, Sendable {
    /// What the server sends.
    public typealias Element = Message
    /// The status that ended the call, unless it is OK.
    public typealias Failure = GRPCStatus

    /// The call below, in bytes.
    public let stream: ClientStream

    /// Reads the messages of a call.
    public init(_ stream: ClientStream) {
        self.stream = stream
    }

    /// Metadata of the response's headers; waits for them.
    public var initialMetadata: Metadata {
        get async throws(GRPCStatus) { try await stream.initialMetadata }
    }

    /// Metadata of the trailers; empty before the call's end.
    public var trailers: Metadata { stream.trailers }

    /// Ends the call; the sequence then throws CANCELLED.
    public func cancel() {
        stream.cancel()
    }

    /// For the one task that reads.
    public func makeAsyncIterator() -> Iterator {
        Iterator(stream: stream, bytes: stream.makeAsyncIterator())
    }

    /// Reads one message after another.
    public struct Iterator: AsyncIteratorProtocol {
        let stream: ClientStream
        var bytes: ClientStream.Iterator

        /// The next message; nil after the last. A message that cannot be decoded ends the call.
        public mutating func next() async throws(GRPCStatus) -> Message? {
            guard let message = try await bytes.next() else { return nil }
            return try decoded(message)
        }

        /// As `next()`; the isolation makes no difference.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(GRPCStatus) -> Message? {
            guard let message = try await bytes.next(isolation: actor) else { return nil }
            return try decoded(message)
        }

        private func decoded(_ bytes: [UInt8]) throws(GRPCStatus) -> Message {
            do {
                return try Message.decoded(from: bytes)
            } catch {
                stream.cancel()
                throw GRPCStatus(undecodable: error)
            }
        }
    }
}

/// A call in which the client sends a stream.
///
/// One task may send while another reads ``responses``.
public struct DuplexStream<Request: WireMessage, Response: WireMessage>: Sendable {
    /// What the server sends.
    public let responses: MessageStream<Response>

    /// Sends and reads the messages of a call.
    public init(_ stream: ClientStream) {
        responses = MessageStream(stream)
    }

    /// Sends one request; waits while too much is unsent.
    ///
    /// - Throws: the call's status once it has ended.
    public func send(_ request: Request) async throws(GRPCStatus) {
        try await responses.stream.send(framed: request.encoded(leaving: Framing.prefixBytes))
    }

    /// Says that no more requests will come.
    public func finishSending() {
        responses.stream.finishSending()
    }

    /// The one response of a client-streaming call: finishes sending, then waits for it and for
    /// the call's end.
    ///
    /// - Throws: the call's status; INTERNAL when the server sent none or more than one.
    public func response() async throws(GRPCStatus) -> Response {
        finishSending()
        var iterator = responses.makeAsyncIterator()
        guard let response = try await iterator.next() else {
            throw GRPCStatus(.internalError, "the server sent no response")
        }
        guard try await iterator.next() == nil else {
            cancel()
            throw GRPCStatus(.internalError, "the server sent more than one response")
        }
        return response
    }

    /// Ends the call; the responses then throw CANCELLED.
    public func cancel() {
        responses.cancel()
    }
}

/// How generated clients make calls.
extension GRPCClient {
    /// One request, one response.
    public func unary<Request: WireMessage, Response: WireMessage>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(GRPCStatus) -> Response {
        let framed = request.encoded(leaving: Framing.prefixBytes)
        let answer = try await unary(method, framed: framed, options: options)
        do {
            return try Response.decoded(from: answer.message)
        } catch {
            throw GRPCStatus(undecodable: error)
        }
    }

    /// One request, many responses.
    public func serverStream<Request: WireMessage, Response: WireMessage>(
        _ method: MethodDescriptor, _ request: Request, _ options: CallOptions
    ) async throws(GRPCStatus) -> MessageStream<Response> {
        let stream = try await stream(method, options: options)
        try await stream.send(framed: request.encoded(leaving: Framing.prefixBytes))
        stream.finishSending()
        return MessageStream(stream)
    }

    /// Many requests; one response or many.
    public func duplexStream<Request: WireMessage, Response: WireMessage>(
        _ method: MethodDescriptor, _ options: CallOptions
    ) async throws(GRPCStatus) -> DuplexStream<Request, Response> {
        DuplexStream(try await stream(method, options: options))
    }
}
