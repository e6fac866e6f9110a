import Threads

/// What must be undone, in reverse order of its making, when a server stops or fails to start.
final class Teardown: Sendable {
    private let steps = Locked<[@Sendable () async -> Void]>([])

    /// Adds a step that runs before all those added so far.
    func add(_ step: @escaping @Sendable () async -> Void) {
        steps.withLock { $0.append(step) }
    }

    /// Runs every step once; a second call finds nothing to do.
    func run() async {
        while let step = steps.withLock({ $0.popLast() }) { await step() }
    }
}
