/// Which keys the changes in the window are of, in the order of revisions: what a change meant that
/// leaves the window is known without reading it again.
struct ChangeTrail: Sendable {
    /// One change.
    struct Step: Sendable {
        var revision: Int64
        var key: MemoryKey
    }

    private var steps: [Step] = []
    /// How many of them have left; those are removed in bulk.
    private var left = 0

    /// Adds the newest change.
    mutating func append(_ revision: Int64, _ key: MemoryKey) {
        steps.append(Step(revision: revision, key: key))
    }

    /// The oldest change, if it is older than a revision; it is taken.
    mutating func next(below revision: Int64) -> Step? {
        guard left < steps.count, steps[left].revision < revision else {
            forget()
            return nil
        }
        defer { left += 1 }
        return steps[left]
    }

    /// Each step moves once, however long the trail is.
    private mutating func forget() {
        guard left * 2 >= steps.count else { return }
        steps.removeFirst(left)
        left = 0
    }
}
