import Threads

/// Says once that the store cannot be trusted any more, and to whom it may concern.
final class FatalSignal: Sendable {
    fileprivate struct State {
        var reason: String?
        var waiting: [CheckedContinuation<Void, Never>] = []
        var isCancelled = false
    }

    private let state = Locked(State())

    /// Why, once it has been raised.
    var reason: String? { state.withLock { $0.reason } }

    /// Raises it; the first reason stays. Any thread.
    func raise(_ reason: String) {
        let waiting = state.withLock { state in
            if state.reason == nil { state.reason = reason }
            return state.takeWaiting()
        }
        for waiter in waiting { waiter.resume() }
    }

    /// Returns when it is raised or the task is cancelled.
    func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.reason != nil || state.isCancelled { return true }
                    state.waiting.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                state.isCancelled = true
                return state.takeWaiting()
            }
            for waiter in waiting { waiter.resume() }
        }
    }
}

extension FatalSignal.State {
    fileprivate mutating func takeWaiting() -> [CheckedContinuation<Void, Never>] {
        let taken = waiting
        waiting = []
        return taken
    }
}
