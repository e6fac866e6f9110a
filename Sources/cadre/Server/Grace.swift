import Threads

/// How long what is open may go on when the server stops: until a deadline that others keep, or
/// until somebody is in a hurry. Any thread.
final class Grace: Sendable {
    private struct State {
        var isOver = false
        var actions: [@Sendable () -> Void] = []
    }

    private let state = Locked(State())

    /// Whether somebody has ended it.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Ends it; what was to be done then is done once.
    func end() {
        let actions = state.withLock { state in
            state.isOver = true
            defer { state.actions = [] }
            return state.actions
        }
        for action in actions { action() }
    }

    /// Has something done when it ends; at once when it has.
    func atEnd(_ action: @escaping @Sendable () -> Void) {
        let isOver = state.withLock { state in
            if !state.isOver { state.actions.append(action) }
            return state.isOver
        }
        if isOver { action() }
    }
}
