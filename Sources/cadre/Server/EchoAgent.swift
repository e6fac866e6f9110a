import AgentKit
import Coordination

/// Answers what it is asked. For measurements and first steps.
struct EchoAgent: Agent {
    static let type = "echo"

    var operations: [AgentOperation] {
        [
            AgentOperation(raw: "say", "Returns its input.", isIdempotent: true) { input, _ in
                input
            },
            AgentOperation(
                "wait", "Waits `millis` (0 to 60,000), then returns its input.", isIdempotent: true
            ) { (input: Pause, _) in
                guard (0...60_000).contains(input.millis) else {
                    throw StepFailure(
                        type: "invalid_input",
                        message: "millis is \(input.millis); 0 to 60000 are allowed",
                        retryable: false)
                }
                try await Task.sleep(for: .milliseconds(input.millis))
                return input
            },
        ]
    }

    private struct Pause: Codable, Sendable {
        let millis: Int64
    }
}
