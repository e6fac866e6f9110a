import Coordination

/// A remote instance as the simulation plays it: it resumes its session, names what it holds, and
/// sends again what was not accepted.
struct SimulatedWorker {
    let number: Int
    var session: SessionID?
    /// Its end of the newest connection; `nil`: it knows of none.
    var connection: Int?
    /// Whether nothing of what it sends arrives, and it does not know.
    var isHalfOpen = false
    var isWelcome = false
    /// Credits given on the connection less assignments taken on it.
    var credits = 0
    var working: [AssignmentToken: Assignment] = [:]
    /// Results that are not accepted yet.
    var finished: [AssignmentToken: AssignmentResult] = [:]

    static let slots = 3
    static let leaseMillis = 500

    init(number: Int) { self.number = number }

    var id: AgentID { AgentID("t\(number % 2)/w\(number)") }

    var registration: AgentRegistration {
        AgentRegistration(
            id: id, type: "t\(number % 2)",
            operations: [OperationDescriptor(name: "work", summary: "", isIdempotent: true)],
            slots: 65_536)
    }

    /// The process of the worker begins anew: it remembers nothing.
    mutating func die() { self = SimulatedWorker(number: number) }
}
