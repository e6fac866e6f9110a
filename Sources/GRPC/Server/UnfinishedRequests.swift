import Synchronization

/// How many bytes all requests hold of which the end has not come, over the whole server.
///
/// They are bounded together: a client may begin as many as it has streams and connections, send
/// each all but its last byte, and keep them so. Any thread may call it.
final class UnfinishedRequests: Sendable {
    private let bytes = Atomic<Int>(0)
    private let limit: Int

    /// - Parameter limit: bytes that are in order.
    init(limit: Int) {
        self.limit = limit
    }

    /// Counts `change` bytes more, or less; whether all together are within the limit now.
    func changed(by change: Int) -> Bool {
        bytes.add(change, ordering: .relaxed).newValue <= limit
    }
}
