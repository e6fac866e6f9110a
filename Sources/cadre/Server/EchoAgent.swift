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
                "wait",
                "Waits `millis` (0 to 60,000; from the second attempt on `again_millis`, where it is "
                    + "given), then returns its input.",
                isIdempotent: true
            ) { (input: Pause, context) in
                try await Task.sleep(for: .milliseconds(input.time(ofAttempt: context.attempt)))
                return input
            },
        ]
    }

    private struct Pause: Codable, Sendable {
        let millis: Int64
        let againMillis: Int64?

        enum CodingKeys: String, CodingKey {
            case millis
            case againMillis = "again_millis"
        }

        func time(ofAttempt attempt: Int) throws -> Int64 {
            let (name, millis) =
                attempt > 1 && againMillis != nil
                ? ("again_millis", againMillis ?? 0) : ("millis", millis)
            guard (0...60_000).contains(millis) else {
                throw StepFailure(
                    type: "invalid_input",
                    message: "\(name) is \(millis); 0 to 60000 are allowed", retryable: false)
            }
            return millis
        }
    }
}
