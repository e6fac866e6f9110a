/// Steps in line behind a breaker, oldest first. One that ended meanwhile stays until it is come upon;
/// the line is tidied each time it has doubled, so that it is never much longer than it need be.
struct HeldLine: Sendable {
    private var steps: [HeldStep] = []
    /// How many of them have been taken.
    private var taken = 0
    private var tidyAt = Self.leastTidied

    private static let leastTidied = 64

    /// Those in line, some perhaps ended.
    var count: Int { steps.count - taken }
    /// Whether it has doubled since it was tidied last.
    var isLong: Bool { count >= tidyAt }

    func contains(_ step: HeldStep) -> Bool { steps[taken...].contains(step) }

    mutating func append(_ step: HeldStep) { steps.append(step) }

    mutating func popFirst() -> HeldStep? {
        guard taken < steps.count else { return nil }
        let first = steps[taken]
        taken += 1
        // What was taken goes when it is the greater half.
        if taken > steps.count / 2 {
            steps.removeFirst(taken)
            taken = 0
        }
        return first
    }

    /// Takes everybody out.
    mutating func removeAll() -> [HeldStep] {
        defer { self = HeldLine() }
        return Array(steps[taken...])
    }

    /// Keeps those that still wait, each once.
    mutating func keep(_ isWaiting: (HeldStep) -> Bool) {
        var seen: Set<HeldStep> = []
        steps = steps[taken...].filter { seen.insert($0).inserted && isWaiting($0) }
        taken = 0
        tidyAt = max(Self.leastTidied, 2 * steps.count)
    }
}
