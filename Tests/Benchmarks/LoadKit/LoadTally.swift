/// What became of the calls of one caller, or of several put together.
public struct LoadTally: Sendable {
    /// How long each answered call took, microseconds.
    public var micros: [Int64] = []
    /// Calls that ended otherwise, by what was said.
    public var errors: [String: Int] = [:]

    public init() {}

    public mutating func add(_ other: LoadTally) {
        micros += other.micros
        errors.merge(other.errors, uniquingKeysWith: +)
    }

    /// Lets callers make `count` calls at once, shared as evenly as it goes; all of them together.
    ///
    /// - Parameter caller: makes the calls of the caller of this number: so many.
    public static func gather(
        _ count: Int, callers: Int,
        _ caller: @escaping @Sendable (_ number: Int, _ share: Int) async -> LoadTally
    ) async -> LoadTally {
        await withTaskGroup(of: LoadTally.self) { group in
            for number in 0..<callers {
                let share = count / callers + (number < count % callers ? 1 : 0)
                group.addTask { await caller(number, share) }
            }
            var tally = LoadTally()
            for await own in group { tally.add(own) }
            return tally
        }
    }

    /// One line of JSON, for the program that started this one.
    public func report(seconds: Double, ownCPUSeconds: Double) -> String {
        let sorted = micros.sorted()
        let fields: [(String, String)] = [
            ("answered", "\(sorted.count)"),
            ("errors", "\(errors.values.reduce(0, +))"),
            ("seconds", "\(seconds)"),
            ("per_second", "\((Double(sorted.count) / seconds).rounded())"),
            ("p50_us", "\(Self.quantile(sorted, 0.5))"),
            ("p99_us", "\(Self.quantile(sorted, 0.99))"),
            ("max_us", "\(sorted.last ?? 0)"),
            ("client_cpu_us", "\(ownCPUSeconds * 1e6 / Double(max(1, sorted.count)))"),
        ]
        return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
    }

    /// The smallest value that at least this share of the sorted ones does not exceed.
    static func quantile(_ sorted: [Int64], _ share: Double) -> Int64 {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int((share * Double(sorted.count)).rounded(.up))
        return sorted[min(max(rank, 1), sorted.count) - 1]
    }
}
