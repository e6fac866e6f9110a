/// What steps call a key: inside a namespace.
public struct KeyName: Sendable, Hashable {
    /// Where it is known, and as what.
    public var namespace: Namespace
    public var name: String

    /// Names a key.
    public init(namespace: Namespace, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

extension KeyGates {
    /// What names a gate: a concurrency key and a rate key of one name are two gates.
    public struct Key: Sendable, Hashable {
        /// What steps call it, and which of the two it is.
        public var name: KeyName
        public var isRate: Bool

        /// Names a gate.
        public init(name: KeyName, isRate: Bool) {
            self.name = name
            self.isRate = isRate
        }
    }

    /// What a gate lets pass.
    public enum Rule: Sendable, Hashable {
        /// So many at once.
        case atOnce(Int)
        /// One each `interval` nanoseconds; one that came late lets the next ones be up to `slack`
        /// early, so that a clock that ticks coarsely does not slow the pace down.
        case pace(interval: Int64, slack: Int64)
    }

    struct Gate: Sendable {
        var key: Key
        var holders: Set<Int32> = []
        /// A rate's next begin, but for its slack.
        var nextNanos = Int64.min
        /// One line for each priority that was ever waited with, 1 to 5.
        var lines: [Int32] = [-1, -1, -1, -1, -1]
        var waiting = 0

        static let vacant = Gate(
            key: Key(name: KeyName(namespace: Namespace(""), name: ""), isRate: false))
    }

    struct Place: Sendable {
        var gate: Int32
        var rule: Rule
        var place: WaitingLines.Place
    }
}

extension ConcurrencyKey {
    /// As the rule of its gate.
    public var rule: KeyGates.Rule { .atOnce(limit) }
}

extension RateKey {
    /// As the rule of its gate: never more than ``limit`` begin in any ``perMillis``. The slack is
    /// at most 5 ms and a tenth of the time, and the intervals are so much longer that the bound
    /// holds with it.
    public var rule: KeyGates.Rule {
        let per = perMillis &* 1_000_000
        let slack = limit > 1 ? min(5_000_000, per / 10) : 0
        let (rounded, count) = (per + slack + Int64(limit) - 1, Int64(max(1, limit)))
        return .pace(interval: max(1, rounded / count), slack: slack)
    }
}
