import Coordination
import Store
import TestKit
import Threads

/// A store that can be told to hold commits back, as a slow disk does.
struct GatedStore: ForwardingStore {
    private struct Gate {
        var isOpen = true
        var held: [@Sendable () -> Void] = []
        var watcher: CheckedContinuation<Void, Never>?
    }

    let base: any Store
    private let gate = Locked(Gate())

    init(_ base: any Store) { self.base = base }

    /// Returns when a commit is held back. For one caller.
    func untilOneIsHeld() async {
        await withCheckedContinuation { continuation in
            let isHeld = gate.withLock { gate in
                if gate.held.isEmpty { gate.watcher = continuation }
                return !gate.held.isEmpty
            }
            if isHeld { continuation.resume() }
        }
    }

    func hold() { gate.withLock { $0.isOpen = false } }

    func open() {
        let held = gate.withLock { gate in
            gate.isOpen = true
            defer { gate.held = [] }
            return gate.held
        }
        for commit in held { commit() }
    }

    func commit(_ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void) {
        let (passes, watcher) = gate.withLock { [base] gate in
            if gate.isOpen { return (true, nil as CheckedContinuation<Void, Never>?) }
            gate.held.append { base.commit(batch, completion: completion) }
            return (false, gate.watcher.take())
        }
        watcher?.resume()
        if passes { base.commit(batch, completion: completion) }
    }
}
