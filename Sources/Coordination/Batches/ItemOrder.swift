/// Item ids in the order in which they leave: in at the back, out at the front, and now and then back
/// to the front.
struct ItemOrder: Sendable {
    private var ids: [UInt64] = []
    private var head = 0

    /// The next to leave.
    var first: UInt64? { head < ids.count ? ids[head] : nil }

    mutating func append(_ id: UInt64) { ids.append(id) }

    mutating func removeFirst() {
        head += 1
        if head == ids.count {
            ids.removeAll(keepingCapacity: head <= 4_096)
            head = 0
        } else if head > 4_096, head * 2 > ids.count {
            ids.removeFirst(head)
            head = 0
        }
    }

    /// Puts ids before all others.
    mutating func prepend(_ front: [UInt64]) {
        ids.replaceSubrange(0..<head, with: front)
        head = 0
    }
}
