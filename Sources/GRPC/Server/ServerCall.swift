public import NIOCore

/// One call on the server.
///
/// It belongs to the event loop of its connection: every property and method may be used on that
/// loop only, and the compiler holds it there because the class is not `Sendable`. A handler that
/// answers later keeps `loopBound`, hops back with `eventLoop.execute`, and takes the call out
/// there. After the call has ended every method does nothing, so a late answer is harmless.
public final class ServerCall {
    /// The request's metadata, without what belongs to the protocol.
    public let metadata: Metadata
    /// The loop every use of the call must be on.
    public let eventLoop: any EventLoop
    /// The method called.
    public let method: MethodDescriptor
    /// When the client stops waiting (`grpc-timeout`, counted from receipt); nil when it never does.
    public let deadline: NIODeadline?
    /// The client's address, such as `127.0.0.1:43210`; for logs.
    public var peer: String { "" }
    /// False once the call has ended, by `finish` or before it.
    public var isOpen: Bool { false }
    /// The call as something that may travel between threads and be opened on its own loop.
    public var loopBound: NIOLoopBound<ServerCall> { NIOLoopBound(self, eventLoop: eventLoop) }

    /// Streaming requests: called with each message, which is valid during the call only.
    ///
    /// Set it before returning from the method's `stream` closure. A thrown status ends the call.
    public var onMessage: ((RawSpan) throws(GRPCStatus) -> Void)?
    /// Streaming requests: called once when the client has sent its last message.
    public var onHalfClose: (() -> Void)?
    /// Called once when the call ends before `finish`: reset, deadline, connection lost, shutdown.
    /// Never called after `finish`.
    public var onCancel: ((CallEnd) -> Void)?
    /// Called when `isWritable` becomes true after it was false.
    public var onWritable: (() -> Void)?

    init(
        method: MethodDescriptor, metadata: Metadata, deadline: NIODeadline?,
        eventLoop: any EventLoop
    ) {
        self.method = method
        self.metadata = metadata
        self.deadline = deadline
        self.eventLoop = eventLoop
    }

    /// Sends the response's headers now, with this metadata; else they go with the first message.
    ///
    /// Does nothing after the first message.
    public func sendInitialMetadata(_ metadata: Metadata) {}

    /// Sends one message: `framed` is 5 spare bytes and then the message; the spare bytes become the
    /// prefix. It is queued; see `isWritable`.
    public func send(framed: consuming [UInt8]) {}

    /// False when more than the configured number of bytes wait to be sent on this call.
    ///
    /// A producer that goes on regardless is not stopped, but it uses memory: wait for `onWritable`.
    public var isWritable: Bool { true }

    /// Ends the call with this status and these trailers, after what was sent before.
    public func finish(_ status: GRPCStatus, trailers: Metadata = Metadata()) {}

    /// Stops `onMessage`, and in time the client: nothing more is credited until `resumeReading`.
    public func pauseReading() {}

    /// Goes on after `pauseReading`; messages that have come already are delivered on this loop soon.
    public func resumeReading() {}
}
