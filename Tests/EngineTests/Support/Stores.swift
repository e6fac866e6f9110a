import Coordination
import Engine
import Store
import TestKit
import Threads

/// A store that tells of every commit.
struct CountingStore: ForwardingStore {
    let base: any Store
    let onCommit: @Sendable () -> Void

    init(_ base: any Store, _ onCommit: @escaping @Sendable () -> Void) {
        self.base = base
        self.onCommit = onCommit
    }

    func commit(_ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void) {
        onCommit()
        base.commit(batch, completion: completion)
    }
}

/// A store whose commits end as a test decides.
struct ScriptedStore: ForwardingStore {
    let base: any Store
    /// The outcome to give instead of committing; `nil`: commit.
    let outcome: @Sendable () -> CommitOutcome?

    func commit(_ batch: StoreBatch, completion: @escaping @Sendable (CommitOutcome) -> Void) {
        if let outcome = outcome() { return completion(outcome) }
        base.commit(batch, completion: completion)
    }
}

/// Gives assignments to fake agents that answer to a host of their own.
struct Forwarding: AssignmentPort {
    private let agents: FakeAgents

    init(_ agents: FakeAgents, _ host: EngineHost) {
        self.agents = agents
        agents.answer(to: host)
    }

    func dispatch(_ assignments: [Assignment]) { agents.dispatch(assignments) }
    func cancel(_ tokens: [AssignmentToken]) { agents.cancel(tokens) }
}
