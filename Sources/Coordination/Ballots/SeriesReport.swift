/// What a series says about its voters as a whole. O(decisions x voters squared): made outside the
/// engine's decisions.
public struct SeriesReport: Sendable, Hashable {
    /// Two voters that answered some of the same questions.
    public struct Pair: Sendable, Hashable {
        /// Whose answers are compared.
        public var first: String
        public var second: String
        /// How many decisions both answered.
        public var together: Int
        /// How often both gave the same answer.
        public var agreed: Int
    }

    /// Decisions that were looked at, and those with a decision.
    public var decisions: Int
    public var decided: Int
    /// `nil`: see ``Agreement``.
    public var alphaNominal: Double?
    public var alphaInterval: Double?
    public var kappa: Double?
    /// Those that agree most, of those with enough questions together.
    public var pairs: [Pair]

    /// Questions that a pair must have answered together, and how many pairs are named.
    private static let fewest = 5
    private static let mostPairs = 20

    /// Looks at some decisions.
    public init(_ records: ArraySlice<BallotRecord>) {
        decisions = records.count
        decided = records.count { $0.result != nil }
        let names = Self.names(records)
        alphaNominal = Agreement.alpha(names, .nominal)
        kappa = Self.kappa(names)
        let numbers = records.map { $0.votes.compactMap(\.value.number) }
        let areNumbers = zip(records, numbers).allSatisfy { $0.votes.count == $1.count }
        alphaInterval = areNumbers ? Agreement.alpha(numbers, .interval) : nil
        pairs = Self.pairs(records)
    }

    /// The votes with each different answer as a number of its own. Numbers within the tolerance are
    /// one answer within a decision; over decisions they are named by the first of them.
    private static func names(_ records: ArraySlice<BallotRecord>) -> [[Double]] {
        var known: [AnswerValue: Double] = [:]
        return records.map { record in
            var speakers: [AnswerValue] = []
            return record.votes.map { vote in
                let speaker = speakers.first { record.isSame($0, vote.value) } ?? vote.value
                if speaker == vote.value { speakers.append(speaker) }
                let name = known[speaker] ?? Double(known.count)
                known[speaker] = name
                return name
            }
        }
    }

    private static func kappa(_ units: [[Double]]) -> Double? {
        let categories = Set(units.flatMap { $0 }).count
        guard categories > 0, categories * units.count <= 1_000_000 else { return nil }
        return Agreement.kappa(
            units.map { unit in
                var times = [Int](repeating: 0, count: categories)
                for name in unit { times[Int(name)] += 1 }
                return times
            })
    }

    private static func pairs(_ records: ArraySlice<BallotRecord>) -> [Pair] {
        struct Names: Hashable {
            var first: String
            var second: String
        }
        var counts: [Names: (together: Int, agreed: Int)] = [:]
        for record in records {
            let votes = record.votes.sorted { $0.voter < $1.voter }
            for (place, vote) in votes.enumerated() {
                for other in votes[(place + 1)...] {
                    let names = Names(first: vote.voter, second: other.voter)
                    let isSame = record.isSame(vote.value, other.value)
                    counts[names, default: (0, 0)].together += 1
                    counts[names, default: (0, 0)].agreed += isSame ? 1 : 0
                }
            }
        }
        let pairs = counts.filter { $0.value.together >= fewest }.map {
            Pair(
                first: $0.key.first, second: $0.key.second, together: $0.value.together,
                agreed: $0.value.agreed)
        }
        return Array(pairs.sorted(by: isCloser).prefix(mostPairs))
    }

    private static func isCloser(_ one: Pair, _ other: Pair) -> Bool {
        let left = one.agreed * other.together
        let right = other.agreed * one.together
        if left != right { return left > right }
        if one.together != other.together { return one.together > other.together }
        return (one.first, one.second) < (other.first, other.second)
    }
}

extension AnswerValue {
    /// The number, if it is one.
    public var number: Double? {
        if case .number(let number) = self { return number }
        return nil
    }
}
