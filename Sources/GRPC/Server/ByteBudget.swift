import Synchronization

/// How many bytes of one kind are held over the whole server: requests of which the end has not come,
/// or answers that their clients have not taken.
///
/// They are bounded together: a client may have as many as it has streams and connections, and keep
/// each all but at its end. Any thread may call it.
final class ByteBudget: Sendable {
    /// What is no larger is let through however much the others hold.
    static let sparedBytes = 64 << 10

    /// Bytes that are in order.
    let limit: Int
    private let bytes = Atomic<Int>(0)

    /// Nothing is held yet.
    init(limit: Int) {
        self.limit = limit
    }

    /// Counts `change` bytes more, or less; whether all together are within the limit now.
    func changed(by change: Int) -> Bool {
        bytes.add(change, ordering: .relaxed).newValue <= limit
    }

    /// Whether so many bytes more would be within the limit.
    func hasRoom(for count: Int) -> Bool {
        bytes.load(ordering: .relaxed) + count <= limit
    }
}
