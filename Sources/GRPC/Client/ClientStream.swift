import NIOConcurrencyHelpers
import NIOCore

/// A call of a client with its messages one by one.
///
/// One task may send while another reads; neither side may be used by two tasks at once. The sequence
/// ends with status OK and throws every other status. Cancelling a task that waits in here cancels
/// the call.
public final class ClientStream: Sendable, AsyncSequence {
    /// A message without its prefix.
    public typealias Element = [UInt8]
    /// The status of a call that did not end with OK.
    public typealias Failure = GRPCStatus

    /// Bytes on their way to the loop after which `send` waits.
    private static let maxUntakenBytes = 64 << 10
    /// Used bytes that are credited together, to spare the loop a wake-up per message.
    private static let creditBatchBytes = 32 << 10

    /// Who waits for what; at most one task each, by the class's rule.
    private struct Shared {
        var messages: ArraySlice<[UInt8]> = []
        var uncreditedBytes = 0
        var head: Metadata?
        var end: (status: GRPCStatus, trailers: Metadata)?
        var isTaken = false
        var isFull = false
        var untakenBytes = 0
        var hasFinishedSending = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
        var headWaiter: CheckedContinuation<Void, Never>?
        var takenWaiter: CheckedContinuation<Void, Never>?

        var canSend: Bool { !isFull && untakenBytes < ClientStream.maxUntakenBytes }
    }

    private let handle: CallHandle
    private let shared = NIOLockedValueBox(Shared())

    init(_ handle: CallHandle) {
        self.handle = handle
    }

    // MARK: Sending

    /// Sends one message (5 spare bytes and then the message); waits while too much is unsent.
    ///
    /// - Throws: the call's status once it has ended; FAILED_PRECONDITION after `finishSending`.
    public func send(framed: [UInt8]) async throws(GRPCStatus) {
        await wait(\.writer) { $0.canSend || $0.end != nil }
        let refusal = shared.withLockedValue { shared -> GRPCStatus? in
            if let end = shared.end { return end.status }
            if shared.hasFinishedSending {
                return GRPCStatus(.failedPrecondition, "send after finishSending")
            }
            shared.untakenBytes += framed.count
            return nil
        }
        if let refusal { throw refusal }
        handle.withCall { call in
            call.send(framed: framed)
            self.wake(\.writer) {
                $0.untakenBytes -= framed.count
                $0.isFull = !call.isWritable
                return $0.canSend
            }
        }
    }

    /// Half-closes: no more messages will be sent.
    public func finishSending() {
        shared.withLockedValue { $0.hasFinishedSending = true }
        handle.withCall { $0.finishSending() }
    }

    /// Resets the call: the sequence throws CANCELLED and the server is told.
    public func cancel() { handle.cancel() }

    // MARK: Receiving

    /// Metadata of the response's headers; waits for them. Empty when the server sent only trailers.
    ///
    /// - Throws: the call's status when it failed before its headers came.
    public var initialMetadata: Metadata {
        get async throws(GRPCStatus) {
            await wait(\.headWaiter) { $0.head != nil || $0.end != nil }
            let (head, end) = shared.withLockedValue { ($0.head, $0.end) }
            if let head { return head }
            if let end, end.status.code != .ok { throw end.status }
            return Metadata()
        }
    }

    /// Metadata of the trailers; empty before the call's end.
    public var trailers: Metadata { shared.withLockedValue { $0.end?.trailers ?? Metadata() } }

    /// The call's status, nil before its end. It may be known before all messages have been read.
    public var status: GRPCStatus? { shared.withLockedValue { $0.end?.status } }

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

    private func nextMessage() async throws(GRPCStatus) -> [UInt8]? {
        await wait(\.reader) { !$0.messages.isEmpty || $0.end != nil }
        let (message, credit) = shared.withLockedValue { shared -> ([UInt8]?, Int) in
            guard let message = shared.messages.popFirst() else { return (nil, 0) }
            shared.uncreditedBytes += message.count
            guard shared.uncreditedBytes >= Self.creditBatchBytes else { return (message, 0) }
            defer { shared.uncreditedBytes = 0 }
            return (message, shared.uncreditedBytes)
        }
        if credit > 0 { handle.withCall { $0.used(credit) } }
        if let message { return message }
        if let status, status.code != .ok { throw status }
        return nil
    }

    // MARK: Waiting

    /// Waits until the connection has taken the call, or throws why it did not.
    func taken() async throws(GRPCStatus) {
        await wait(\.takenWaiter) { $0.isTaken || $0.end != nil }
        let (isTaken, end) = shared.withLockedValue { ($0.isTaken, $0.end) }
        if !isTaken, let end { throw end.status }
    }

    /// Suspends until `isReady` holds; a cancelled task cancels the call, which makes it hold.
    private func wait(
        _ waiter: any WritableKeyPath<Shared, CheckedContinuation<Void, Never>?> & Sendable,
        until isReady: @Sendable (Shared) -> Bool
    ) async {
        if shared.withLockedValue({ isReady($0) }) { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = shared.withLockedValue { shared in
                    if isReady(shared) { return true }
                    shared[keyPath: waiter] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            handle.cancel()
        }
    }

    /// Changes what is shared and wakes the waiter when `change` says so.
    private func wake(
        _ waiter: WritableKeyPath<Shared, CheckedContinuation<Void, Never>?>,
        _ change: (inout Shared) -> Bool
    ) {
        let due = shared.withLockedValue { shared -> CheckedContinuation<Void, Never>? in
            guard change(&shared) else { return nil }
            defer { shared[keyPath: waiter] = nil }
            return shared[keyPath: waiter]
        }
        due?.resume()
    }

    // MARK: What the call tells

    func loopSink() -> any ClientCallSink { Sink(self) }

    private final class Sink: ClientCallSink {
        private let stream: ClientStream

        init(_ stream: ClientStream) { self.stream = stream }

        func headReceived(_ metadata: Metadata) {
            stream.wake(\.headWaiter) {
                $0.head = metadata
                return true
            }
        }

        func messageReceived(_ message: [UInt8]) {
            stream.wake(\.reader) {
                $0.messages.append(message)
                return true
            }
        }

        func becameWritable() {
            stream.wake(\.takenWaiter) {
                $0.isTaken = true
                return true
            }
            stream.wake(\.writer) {
                $0.isFull = false
                return $0.canSend
            }
        }

        func ended(_ status: GRPCStatus, _ trailers: Metadata) {
            stream.wake(\.reader) {
                $0.end = (status, trailers)
                return true
            }
            stream.wake(\.writer) { _ in true }
            stream.wake(\.headWaiter) { _ in true }
            stream.wake(\.takenWaiter) { _ in true }
        }
    }
}
