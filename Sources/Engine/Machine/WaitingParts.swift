import Coordination

/// Steps that start or feed other runs and wait for room in a batch, in the order in which they
/// came. One may have been stopped meanwhile: whoever takes it looks again.
struct WaitingParts: Sendable {
    /// A step as it stood when it began to wait.
    struct Part: Sendable {
        var place: StepPlace
        var attempt: Int
    }

    private var parts: [Part] = []
    private var head = 0

    var isEmpty: Bool { head == parts.count }

    mutating func append(_ part: Part) { parts.append(part) }

    /// Takes the one that has waited longest.
    mutating func popFirst() -> Part? {
        guard head < parts.count else { return nil }
        let part = parts[head]
        head += 1
        if head == parts.count {
            parts.removeAll(keepingCapacity: head <= 4_096)
            head = 0
        } else if head > 4_096, head * 2 > parts.count {
            parts.removeFirst(head)
            head = 0
        }
        return part
    }
}
