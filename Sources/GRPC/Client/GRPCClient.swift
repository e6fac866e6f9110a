import NIOConcurrencyHelpers
public import NIOCore

/// A gRPC client of one server: one connection, made when the first call needs it and made again
/// when it is lost.
///
/// Any thread may call it. Close it when done; the event loop group is the owner's.
public final class GRPCClient: Sendable {
    /// Runs tasks on the client's loop. Optional: a task with this preference
    /// (`withTaskExecutorPreference`) saves two hand-overs between threads in each call.
    public let executor: ClientExecutor
    private let eventLoop: any EventLoop
    private let core: NIOLoopBoundBox<ClientCore?>
    private let host: String
    private let port: Int
    private let configuration: ClientConfiguration

    /// A client of the server at `host` and `port`; does not connect yet.
    public init(
        host: String, port: Int, group: any EventLoopGroup,
        configuration: ClientConfiguration = .defaults
    ) {
        self.host = host
        self.port = port
        self.configuration = configuration
        eventLoop = group.next()
        executor = ClientExecutor(eventLoop)
        core = .makeEmptyBox(valueType: ClientCore.self, eventLoop: eventLoop)
    }

    /// Makes a call with one request and one response.
    ///
    /// `framed` is 5 spare bytes and then the message. Cancelling the task cancels the call.
    /// - Throws: the status, when it is not OK; UNAVAILABLE names the address and the reason.
    public func unary(
        _ method: MethodDescriptor, framed: [UInt8], options: CallOptions = .defaults
    ) async throws(GRPCStatus) -> ClientResponse {
        let handle = CallHandle(eventLoop)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                onLoop {
                    let sink = UnaryResponseSink(continuation, handle)
                    let call = self.makeCall(method, options, sink, creditsOnUse: false)
                    handle.begin(call, core: self.loopCore()) {
                        call.send(framed: framed)
                        call.finishSending()
                    }
                }
            }
        } onCancel: {
            handle.cancel()
        }
        return try result.get()
    }

    /// Begins a call of any kind; returns when the connection has taken it.
    ///
    /// - Throws: UNAVAILABLE when there is no connection (see `CallOptions.waitForReady`).
    public func stream(
        _ method: MethodDescriptor, options: CallOptions = .defaults
    ) async throws(GRPCStatus) -> ClientStream {
        let handle = CallHandle(eventLoop)
        let stream = ClientStream(handle)
        eventLoop.execute {
            let call = self.makeCall(method, options, stream.loopSink(), creditsOnUse: true)
            handle.begin(call, core: self.loopCore()) {}
        }
        try await stream.taken()
        return stream
    }

    /// Ends open calls with CANCELLED and closes the connection; every later call is UNAVAILABLE.
    public func close() async {
        // The future cannot fail: closing waits for channels to go and has no other outcome.
        try? await eventLoop.flatSubmit { self.loopCore().close() }.get()
    }

    /// At once when the caller is on the loop already, which `executor` is for.
    private func onLoop(_ body: @escaping @Sendable () -> Void) {
        if eventLoop.inEventLoop { body() } else { eventLoop.execute(body) }
    }

    private func makeCall(
        _ method: MethodDescriptor, _ options: CallOptions, _ sink: any ClientCallSink,
        creditsOnUse: Bool
    ) -> ClientCall {
        ClientCall(
            method, options: options, core: loopCore(), sink: sink, creditsOnUse: creditsOnUse)
    }

    /// The client's part on its loop, made at first use.
    private func loopCore() -> ClientCore {
        if let made = core.value { return made }
        let made = ClientCore(
            host: host, port: port, configuration: configuration, eventLoop: eventLoop)
        core.value = made
        return made
    }
}

/// A call as seen from any thread: it can be cancelled, before it has begun too.
final class CallHandle: Sendable {
    let eventLoop: any EventLoop
    private let call: NIOLoopBoundBox<ClientCall?>
    private let isCancelled = NIOLockedValueBox(false)

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        call = .makeEmptyBox(valueType: ClientCall.self, eventLoop: eventLoop)
    }

    /// On the loop: starts the call unless it has been cancelled already.
    func begin(_ call: ClientCall, core: ClientCore, _ prepare: () -> Void) {
        self.call.value = call
        if isCancelled.withLockedValue({ $0 }) { return call.failed(Self.cancelled) }
        prepare()
        core.start(call)
    }

    /// Does something with the call on its loop.
    func withCall(_ body: @escaping @Sendable (ClientCall) -> Void) {
        eventLoop.execute {
            if let call = self.call.value { body(call) }
        }
    }

    /// Ends the call with CANCELLED.
    func cancel() {
        isCancelled.withLockedValue { $0 = true }
        withCall { $0.abort(Self.cancelled) }
    }

    static let cancelled = GRPCStatus(.cancelled, "the caller cancelled the call")
}

/// Collects the one response of a unary call.
private final class UnaryResponseSink: ClientCallSink {
    private let continuation: CheckedContinuation<Result<ClientResponse, GRPCStatus>, Never>
    private let handle: CallHandle
    private var initialMetadata = Metadata()
    private var messages: [[UInt8]] = []

    init(
        _ continuation: CheckedContinuation<Result<ClientResponse, GRPCStatus>, Never>,
        _ handle: CallHandle
    ) {
        self.continuation = continuation
        self.handle = handle
    }

    func headReceived(_ metadata: Metadata) { initialMetadata = metadata }

    func messageReceived(_ message: [UInt8]) {
        messages.append(message)
        if messages.count == 2 {
            handle.withCall {
                $0.abort(GRPCStatus(.internalError, "the server sent more than one response"))
            }
        }
    }

    func becameWritable() {}

    func ended(_ status: GRPCStatus, _ trailers: Metadata) {
        guard status.code == .ok else { return continuation.resume(returning: .failure(status)) }
        guard messages.count == 1 else {
            let wrong = GRPCStatus(
                .internalError, "the server sent \(messages.count) responses, expected one")
            return continuation.resume(returning: .failure(wrong))
        }
        continuation.resume(
            returning: .success(
                ClientResponse(
                    message: messages[0], initialMetadata: initialMetadata, trailers: trailers)))
    }
}
