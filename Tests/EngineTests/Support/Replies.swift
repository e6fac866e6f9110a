import Coordination
import Engine
import Threads

/// A reply port that keeps what it gets and lets tests await the answers to one call.
final class Replies: ReplyPort {
    private struct State: Sendable {
        var answers: [UInt64: [Answer]] = [:]
        var waiting: [UInt64: [CheckedContinuation<Answer, Never>]] = [:]
    }

    private let state = Locked(State())

    func deliver(_ replies: [Reply]) {
        for reply in replies {
            let waiter = state.withLock { state -> CheckedContinuation<Answer, Never>? in
                if let first = state.waiting[reply.ticket.call]?.first {
                    state.waiting[reply.ticket.call]?.removeFirst()
                    return first
                }
                state.answers[reply.ticket.call, default: []].append(reply.answer)
                return nil
            }
            waiter?.resume(returning: reply.answer)
        }
    }

    /// The next answer to a call.
    func next(_ call: UInt64) async -> Answer {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Answer? in
                if let first = state.answers[call]?.first {
                    state.answers[call]?.removeFirst()
                    return first
                }
                state.waiting[call, default: []].append(continuation)
                return nil
            }
            if let ready { continuation.resume(returning: ready) }
        }
    }
}
