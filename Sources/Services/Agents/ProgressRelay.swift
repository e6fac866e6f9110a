import Coordination
import Messages
import NIOCore
import Stubs
import Threads

/// Carries chunks of progress from wherever an agent's stream is read to the loop of the caller
/// that watches, past the engine. What a slow caller does not take is dropped and counted.
final class ProgressRelay: ProgressPort {
    private struct State: Sendable {
        var waiting: [InvokeProgress] = []
        var bytes = 0
        var missed: Int64 = 0
    }

    private static let maxWaiting = 1_000
    private static let maxBytes = 4 << 20

    private let loop: any EventLoop
    private let call: NIOLoopBound<ServerStreamCall<InvokeStreamResponse>>
    private let state = Locked(State())

    /// Must be made on the call's loop.
    init(_ call: ServerStreamCall<InvokeStreamResponse>) {
        loop = call.eventLoop
        self.call = NIOLoopBound(call, eventLoop: call.eventLoop)
        call.onWritable { self.deliver() }
    }

    func progress(_ chunk: Coordination.Payload, attempt: Int) {
        let isFirst = state.withLock { state in
            guard state.waiting.count < Self.maxWaiting,
                state.bytes + chunk.bytes.count <= Self.maxBytes
            else {
                state.missed += 1
                return false
            }
            state.bytes += chunk.bytes.count
            state.waiting.append(
                InvokeProgress(
                    chunk: Messages.Payload(chunk), attempt: Int32(clamping: attempt),
                    missed: state.missed))
            state.missed = 0
            return state.waiting.count == 1
        }
        if isFirst { loop.execute { self.deliver() } }
    }

    /// Sends what the caller takes now; on its loop. Before the result all that is left.
    func deliver(isLast: Bool = false) {
        guard call.value.isWritable || isLast else { return }
        let taken = state.withLock { state in
            defer {
                state.waiting = []
                state.bytes = 0
            }
            return state.waiting
        }
        for progress in taken {
            var response = InvokeStreamResponse()
            response.update = .progress(progress)
            call.value.send(response)
        }
    }
}
