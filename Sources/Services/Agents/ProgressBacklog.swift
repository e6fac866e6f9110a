import Coordination
import Messages

/// Chunks of progress that a watching caller has not taken yet: so many, and what comes beyond is
/// missed and counted.
struct ProgressBacklog {
    private var waiting: [InvokeProgress] = []
    private var bytes = 0
    /// Chunks missed since the last one that waits, and who said the last of them.
    private var missed: Int64 = 0
    private var missedAttempt: Int32 = 0

    static let maxWaiting = 1_000
    static let maxBytes = 4 << 20

    /// Adds a chunk if there is room; whether it is the first that waits.
    mutating func add(_ chunk: Coordination.Payload, attempt: Int) -> Bool {
        let attempt = Int32(clamping: attempt)
        guard waiting.count < Self.maxWaiting, bytes + chunk.bytes.count <= Self.maxBytes else {
            missed += 1
            missedAttempt = attempt
            return false
        }
        bytes += chunk.bytes.count
        waiting.append(
            InvokeProgress(chunk: Messages.Payload(chunk), attempt: attempt, missed: missed))
        missed = 0
        return waiting.count == 1
    }

    /// All that waits. At the end no chunk follows that could tell what was missed behind the last:
    /// a message without one does.
    mutating func take(isLast: Bool) -> [InvokeProgress] {
        defer {
            waiting = []
            bytes = 0
        }
        guard isLast, missed > 0 else { return waiting }
        defer { missed = 0 }
        return waiting + [InvokeProgress(attempt: missedAttempt, missed: missed)]
    }
}
