import GRPC
import Messages
import NIOCore

/// What the calls given to handlers have in common.
///
/// A call lives on the socket loop of its connection and may be used nowhere else; the compiler
/// holds it there. To answer later keep ``loopBound`` and open it inside `eventLoop.execute`.
/// After the call's end everything here does nothing.
public protocol TypedServerCall {
    /// The call below, in bytes.
    var call: ServerCall { get }
}

extension TypedServerCall {
    /// The request's metadata.
    @inlinable public var metadata: Metadata { call.metadata }

    /// The loop every use of the call must be on.
    public var eventLoop: any EventLoop { call.eventLoop }

    /// When the client stops waiting; nil when it never does.
    public var deadline: NIODeadline? { call.deadline }

    /// When the request's headers were read from the socket.
    public var receivedAt: NIODeadline { call.receivedAt }

    /// The client's address, for logs.
    public var peer: String { call.peer }

    /// False once the call has ended.
    public var isOpen: Bool { call.isOpen }

    /// The call as something that may travel between threads and be opened on its own loop.
    public var loopBound: NIOLoopBound<Self> { NIOLoopBound(self, eventLoop: call.eventLoop) }

    /// Sends the response's headers now instead of with the first message.
    public func sendInitialMetadata(_ metadata: Metadata) {
        call.sendInitialMetadata(metadata)
    }

    /// Sets what happens when the call ends without us: reset, deadline, connection lost.
    public func onCancel(_ action: @escaping (CallEnd) -> Void) {
        call.onCancel = action
    }

    /// Says that the call never ends by itself, so that a server that shuts down ends it at once.
    public func endAtShutdown() { call.endAtShutdown() }

    /// Ends the call with an error.
    ///
    /// The delay of a status that carries `RetryInfo` is also sent as the pushback that a retrying
    /// client obeys (`grpc-retry-pushback-ms`, gRFC A6).
    public func fail(_ status: GRPCStatus, trailers: Metadata = Metadata()) {
        call.finish(status, trailers: trailers, retryPushback: status.retryDelay)
    }
}

extension ServerCall {
    /// Frames and sends one message.
    @inlinable
    func send(_ message: some WireMessage) {
        send(framed: message.encoded(leaving: Framing.prefixBytes))
    }
}

/// The length-prefixed message of gRPC over HTTP/2.
@usableFromInline
enum Framing {
    /// One flag byte and four bytes of length, written by the GRPC room.
    @inlinable
    static var prefixBytes: Int { 5 }
}
