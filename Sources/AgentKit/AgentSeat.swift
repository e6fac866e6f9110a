import Coordination
import Threads

/// One instance of an agent in a host, and where it runs.
final class AgentSeat: Sendable {
    let type: String
    private let operations: [AgentOperation]
    private let dependencies: [String]
    let health: @Sendable () async throws -> AgentHealth
    let executor: AgentExecutor
    let startsInline: Bool
    /// Instances of a pool that must be reset; `nil`: others.
    let reset: (@Sendable () async throws -> Void)?
    /// The same ones let go of what they hold.
    private let retire: (@Sendable () async -> Void)?
    /// The newest assignment of an instance that does one after the other.
    private let last = Locked<Task<Void, Never>?>(nil)

    init<A: Agent>(_ agent: A, on executor: AgentExecutor, isPooled: Bool = false) {
        type = A.type
        operations = agent.operations
        dependencies = agent.dependencies
        health = { try await agent.health() }
        self.executor = executor
        startsInline = agent.execution == .inline
        if isPooled, let pooled = agent as? any PooledAgent {
            reset = { try await pooled.reset() }
            retire = { await pooled.retire() }
        } else {
            reset = nil
            retire = nil
        }
    }

    /// Agents have a handful of operations: comparing names is cheaper than hashing one.
    func operation(_ name: String) -> AgentOperation? {
        for operation in operations where operation.name == name { return operation }
        return nil
    }

    /// What the instance of that number says of itself.
    func registration(number: Int = 1, slots: Int) -> AgentRegistration {
        AgentRegistration(
            id: AgentID("\(type)/\(number)"), type: type,
            operations: operations.map(OperationDescriptor.init), slots: slots,
            dependencies: dependencies)
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

    /// Lets go of what the instance holds, and ends its thread; `shared` is not its own.
    ///
    /// Never from a task that prefers the executor of the seat.
    func end(_ shared: AgentExecutor) async {
        if let retire { await withTaskExecutorPreference(executor) { await retire() } }
        if executor !== shared { executor.stop() }
    }

    /// The same, once its newest assignment has ended.
    func endWhenIdle(_ shared: AgentExecutor) async {
        await last.withLock { $0 }?.value
        await end(shared)
    }
}

extension OperationDescriptor {
    fileprivate init(_ operation: AgentOperation) {
        self.init(
            name: operation.name, summary: operation.summary,
            isIdempotent: operation.isIdempotent)
    }
}
