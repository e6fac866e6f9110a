import Coordination
import Messages
import NIOCore
import Stubs
import Threads

/// Carries chunks of progress from wherever an agent's stream is read to the loop of the caller
/// that watches, past the engine. What a slow caller does not take is dropped and counted.
final class ProgressRelay: ProgressPort {
    private let loop: any EventLoop
    private let call: NIOLoopBound<ServerStreamCall<InvokeStreamResponse>>
    private let backlog = Locked(ProgressBacklog())

    /// Must be made on the call's loop.
    init(_ call: ServerStreamCall<InvokeStreamResponse>) {
        loop = call.eventLoop
        self.call = NIOLoopBound(call, eventLoop: call.eventLoop)
        call.onWritable { self.deliver() }
    }

    func progress(_ chunk: Coordination.Payload, attempt: Int) {
        let isFirst = backlog.withLock { $0.add(chunk, attempt: attempt) }
        if isFirst { loop.execute { self.deliver() } }
    }

    /// Sends what the caller takes now; on its loop. Before the result all that is left, and how many
    /// were missed behind that.
    func deliver(isLast: Bool = false) {
        guard call.value.isWritable || isLast else { return }
        let taken = backlog.withLock { $0.take(isLast: isLast) }
        for progress in taken {
            var response = InvokeStreamResponse()
            response.update = .progress(progress)
            call.value.send(response)
        }
    }
}
