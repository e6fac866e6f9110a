import Threads

/// Runs a blocking body on a thread of its own, so that no thread of the concurrency pool (where
/// tests run) is ever blocked.
func onOwnThread<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do throws(ThreadStartError) {
            _ = try NamedThread.start(name: "test") {
                continuation.resume(with: Result { try body() })
            }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Runs `body` on `count` threads at the same time and returns when all have ended.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async throws {
    try await onOwnThread {
        let threads = try (0..<count).map { index in
            try NamedThread.start(name: "test-\(index)") { body(index) }
        }
        threads.forEach { $0.join() }
    }
}
