import AgentKit
import Coordination

/// Answers what it is asked. For measurements and first steps.
struct EchoAgent: Agent {
    static let type = "echo"

    var operations: [AgentOperation] {
        [
            AgentOperation(raw: "say", "Returns its input.", isIdempotent: true) { input, _ in
                input
            }
        ]
    }
}
