import Coordination
import Threads

/// One instance of an agent in a host, and where it runs.
final class AgentSeat: Sendable {
    private let operations: [AgentOperation]
    let health: @Sendable () async throws -> AgentHealth
    let executor: AgentExecutor
    let startsInline: Bool
    /// Instances of a pool that must be reset; `nil`: others.
    let reset: (@Sendable () async throws -> Void)?
    let retire: @Sendable () async -> Void
    /// The newest assignment of an instance that does one after the other.
    private let last = Locked<Task<Void, Never>?>(nil)

    init(_ agent: some Agent, on executor: AgentExecutor, isPooled: Bool = false) {
        operations = agent.operations
        health = { try await agent.health() }
        self.executor = executor
        startsInline = agent.execution == .inline
        if isPooled, let pooled = agent as? any PooledAgent {
            reset = { try await pooled.reset() }
            retire = { await pooled.retire() }
        } else {
            reset = nil
            retire = {}
        }
    }

    /// Agents have a handful of operations: comparing names is cheaper than hashing one.
    func operation(_ name: String) -> AgentOperation? {
        for operation in operations where operation.name == name { return operation }
        return nil
    }

    var operationNames: [String] { operations.map(\.name).sorted() }

    /// Begins work once the work before it has ended, though nobody may wait for that any more.
    func follow(_ begin: (Task<Void, Never>?) -> Task<Void, Never>) -> Task<Void, Never> {
        last.withLock { last in
            let task = begin(last)
            last = task
            return task
        }
    }

    /// Takes the place of another one, whose newest assignment it is to do.
    func takeOver(from other: AgentSeat) {
        let task = other.last.withLock { $0 }
        last.withLock { $0 = task }
    }

    /// Whether it has been used before.
    var isUsed: Bool { last.withLock { $0 != nil } }
}
