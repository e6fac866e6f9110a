import Threads

/// What the store thread and callers on other threads both look at.
final class SQLiteStoreShared: Sendable {
    let configuration: SQLiteStore.Configuration
    let statistics = Locked(StoreStatistics())
    let retention: Locked<RequestRetention>

    /// Nothing has happened yet.
    init(_ configuration: SQLiteStore.Configuration) {
        self.configuration = configuration
        retention = Locked(RequestRetention(hours: configuration.requestRetentionHours))
    }
}

/// Told once that it is time to stop; any thread may ask.
final class StopFlag: Sendable {
    private let state = Locked(false)

    /// Whether it is time.
    var isRaised: Bool { state.withLock { $0 } }

    /// From now on it is.
    func raise() { state.withLock { $0 = true } }
}

/// Lets tasks wait for the end of a thread without blocking the threads they run on.
final class EndSignal: Sendable {
    private let state = Locked(State())

    private struct State {
        var hasEnded = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Returns once `end` has been called; at once if it was.
    func wait() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiting.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    /// Resumes all who wait; later waits return at once.
    func end() {
        let waiting = state.withLock { state in
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
