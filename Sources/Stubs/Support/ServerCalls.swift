import GRPC
import Messages

/// A call with one request and one response.
public struct UnaryCall<Response: WireMessage>: TypedServerCall {
    /// The call below, in bytes.
    public let call: ServerCall

    /// Wraps a call whose method answers with `Response`.
    public init(_ call: ServerCall) {
        self.call = call
    }

    /// Answers and ends the call with OK.
    @inlinable
    public func respond(_ response: Response, trailers: Metadata = Metadata()) {
        call.send(response)
        call.finish(.ok, trailers: trailers)
    }
}

/// A call with one request and any number of responses.
public struct ServerStreamCall<Response: WireMessage>: TypedServerCall {
    /// The call below, in bytes.
    public let call: ServerCall

    /// Wraps a call whose method answers with `Response` messages.
    public init(_ call: ServerCall) {
        self.call = call
    }

    /// Queues one response. Nothing stops a producer that goes on while ``isWritable`` is false,
    /// but memory does: wait for ``onWritable(_:)``.
    public func send(_ response: Response) {
        call.send(response)
    }

    /// False while more than the configured number of bytes wait to be sent.
    public var isWritable: Bool { call.isWritable }

    /// Sets what happens when ``isWritable`` becomes true again.
    public func onWritable(_ action: @escaping () -> Void) {
        call.onWritable = action
    }

    /// Ends the call with OK, after what was sent before.
    public func finish(trailers: Metadata = Metadata()) {
        call.finish(.ok, trailers: trailers)
    }
}

/// A call with any number of requests; of responses as many as its kind allows.
public struct BidirectionalCall<Request: WireMessage, Response: WireMessage>: TypedServerCall {
    /// The call below, in bytes.
    public let call: ServerCall

    /// Wraps a call whose method takes `Request` and answers with `Response` messages.
    public init(_ call: ServerCall) {
        self.call = call
    }

    /// Sets what happens with each request. To be called before the handler returns. A request
    /// that cannot be decoded ends the call, as does a status thrown by the action.
    public func onMessage(_ action: @escaping (Request) throws(GRPCStatus) -> Void) {
        call.onMessage = { (bytes) throws(GRPCStatus) in
            try action(try Request.received(bytes))
        }
    }

    /// Sets what happens when the client has sent its last request.
    public func onHalfClose(_ action: @escaping () -> Void) {
        call.onHalfClose = action
    }

    /// Queues one response; see ``ServerStreamCall/send(_:)``.
    public func send(_ response: Response) {
        call.send(response)
    }

    /// The one response of a client-streaming call, and its end.
    public func respond(_ response: Response, trailers: Metadata = Metadata()) {
        call.send(response)
        call.finish(.ok, trailers: trailers)
    }

    /// False while more than the configured number of bytes wait to be sent.
    public var isWritable: Bool { call.isWritable }

    /// Sets what happens when ``isWritable`` becomes true again.
    public func onWritable(_ action: @escaping () -> Void) {
        call.onWritable = action
    }

    /// Stops `onMessage`, and in time the client, until ``resumeReading()``.
    public func pauseReading() {
        call.pauseReading()
    }

    /// Goes on after ``pauseReading()``.
    public func resumeReading() {
        call.resumeReading()
    }

    /// Ends the call with OK, after what was sent before.
    public func finish(trailers: Metadata = Metadata()) {
        call.finish(.ok, trailers: trailers)
    }
}
