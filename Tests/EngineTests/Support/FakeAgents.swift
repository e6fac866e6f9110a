import Coordination
import Engine
import Threads

/// Agents behind one port: what each does is a function from its assignment to an outcome; `nil`
/// keeps the assignment open.
final class FakeAgents: AssignmentPort {
    typealias Work = @Sendable (Assignment) -> AssignmentOutcome?

    private let work: Work
    private let host = Locked<EngineHost?>(nil)
    private let seen = Locked<[Assignment]>([])
    private let stopped = Locked<[AssignmentToken]>([])

    init(_ work: @escaping Work = { .success($0.payload) }) { self.work = work }

    /// Everything dispatched so far.
    var dispatched: [Assignment] { seen.snapshot }
    var cancelled: [AssignmentToken] { stopped.snapshot }

    /// Results go to this host.
    func answer(to host: EngineHost) { self.host.withLock { $0 = host } }

    func join(
        _ host: EngineHost, type: String, count: Int = 1, slots: Int = 64,
        operations: [String] = ["work"], isIdempotent: Bool = true
    ) {
        answer(to: host)
        let described = operations.map {
            OperationDescriptor(name: $0, summary: "", isIdempotent: isIdempotent)
        }
        let agents = (1...count).map {
            AgentRegistration(
                id: AgentID("\(type)/\($0)"), type: type, operations: described, slots: slots)
        }
        host.agentsJoined(agents, port: self)
    }

    func dispatch(_ assignments: [Assignment]) {
        seen.withLock { $0 += assignments }
        let results = assignments.compactMap { assignment in
            work(assignment).map {
                AssignmentResult(
                    token: assignment.token, outcome: $0, startedNanos: 0, endedNanos: 1_000)
            }
        }
        if !results.isEmpty { host.snapshot?.finished(results) }
    }

    func cancel(_ tokens: [AssignmentToken]) { stopped.withLock { $0 += tokens } }
}
