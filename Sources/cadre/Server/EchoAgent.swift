import AgentKit
import Coordination
import JSON

/// Answers what it is asked. For measurements and first steps.
struct EchoAgent: Agent {
    static let type = "echo"

    var operations: [AgentOperation] {
        [
            AgentOperation(raw: "say", "Returns its input.", isIdempotent: true) { input, _ in
                input
            },
            AgentOperation(raw: "say_each", "Returns each item of a batch.", isIdempotent: true) {
                batch, _ in try Self.each(of: batch)
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

    /// Answers `{"items": [...]}` as an operation for batches does.
    private static func each(of batch: Payload) throws -> Payload {
        guard let items = try? JSONDocument(parsing: batch.bytes).root["items"],
            items.kind == .array
        else {
            throw StepFailure(
                type: "invalid_input", message: "write {\"items\": [...]}", retryable: false)
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("results", Array(items.elements)) { writer, item in
            writer.beginObject()
            writer.key("value")
            writer.value(item)
            writer.endObject()
        }
        writer.endObject()
        return Payload(bytes: writer.finish())
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
