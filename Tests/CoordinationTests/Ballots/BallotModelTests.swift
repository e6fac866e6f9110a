import Coordination
import Testing

/// Early ends against all that could still have come: what is certain stays so whatever the others
/// answer, and, where the rules promise it, what is not certain could still change.
@Suite struct BallotModelTests {
    struct Case: CustomTestStringConvertible {
        var method: BallotRules.Method
        var tolerance = 0.0
        var testDescription: String { "\(method) tolerance \(tolerance)" }
    }

    static let cases = [
        Case(method: .majority), Case(method: .weighted), Case(method: .unanimous),
        Case(method: .majority, tolerance: 0.5), Case(method: .weighted, tolerance: 0.5),
        Case(method: .unanimous, tolerance: 0.5), Case(method: .ranked), Case(method: .median),
        Case(method: .median, tolerance: 1), Case(method: .trimmedMean),
        Case(method: .trimmedMean, tolerance: 1),
    ]

    @Test(arguments: cases) func `an early end is the end that all votes lead to`(_ one: Case) {
        var random = Draw(seed: UInt64(one.method.rawValue) &* 977 &+ UInt64(one.tolerance * 8))
        var early = 0
        for round in 0..<120 {
            let setting = Setting(one, &random)
            early += setting.check(&random, isComplete: Self.isComplete(one), "round \(round)")
        }
        #expect(early > 8, "few ballots ended early: the test shows nothing")
    }

    /// Whether it ends as soon as the outcome cannot change, not only sometimes.
    private static func isComplete(_ one: Case) -> Bool {
        switch one.method {
        case .majority, .weighted, .unanimous, .median: one.tolerance == 0
        case .ranked, .trimmedMean: false
        }
    }

    /// One ballot with a hidden answer for each voter, and all that somebody might answer.
    struct Setting {
        let rules: BallotRules
        let voters: [Ballot.Voter]
        let answers: [AnswerReading?]
        let possible: [AnswerReading?]

        init(_ one: Case, _ random: inout Draw) {
            let isNumber = one.method.isNumeric || one.tolerance > 0
            let support: [Double?] =
                one.method == .unanimous || one.method == .trimmedMean && one.tolerance == 0
                ? [nil] : [nil, 0.4, 0.6, 0.75, 1]
            let rules = BallotRules(
                quorum: random.pick([0.3, 0.5, 0.6, 0.8, 1]), support: random.pick(support),
                method: one.method,
                equivalence: AnswerEquivalence(
                    rule: isNumber ? .number : .json, absoluteTolerance: one.tolerance),
                trim: random.pick([0.1, 0.2, 0.34, 0.45]))
            let possible = Self.possible(one.method, isNumber)
            let few = Array(possible.prefix(random.pick([2, 3, possible.count])))
            voters = (0..<random.pick([2, 3, 4, 5, 6])).map {
                Ballot.Voter(name: "v\($0)", weight: random.pick([0.5, 1, 1.5, 2, 3]))
            }
            answers = voters.map { _ in
                random.next() % 8 == 0 ? nil : random.pick(few)
            }
            self.rules = rules
            self.possible = possible + [nil]
        }

        static func possible(_ method: BallotRules.Method, _ isNumber: Bool) -> [AnswerReading] {
            if method == .ranked {
                return [
                    ["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a"], ["b", "a"],
                    ["d", "c"],
                ].map { .ranking($0) }
            }
            if isNumber { return [1, 1.4, 2, 1.8, 2.5, -1_000, 1_000].map { .number($0) } }
            return ["a", "b", "c", "d"].map { .key(AnswerKey(Array($0.utf8))) }
        }

        /// - Returns: 1 when the ballot ended while somebody was still out.
        func check(_ random: inout Draw, isComplete: Bool, _ note: String) -> Int {
            var ballot = Ballot(rules, voters: voters)
            var given = [AnswerReading?](repeating: nil, count: voters.count)
            var order = Array(voters.indices)
            order.shuffle(using: &random)
            for (place, voter) in order.enumerated() {
                let rest = Array(order[place...])
                let ends = outcomes(given, rest, &random)
                if ballot.isCertain {
                    #expect(ends.count == 1, "\(note): certain, and yet \(ends) of \(rules)")
                    #expect(ends.contains(outcome(ballot)), "\(note): \(rules) \(given)")
                    return 1
                }
                if isComplete, rest.count <= 2 {
                    #expect(ends.count > 1, "\(note): not certain, but only \(ends) of \(rules)")
                }
                if let answer = answers[voter] {
                    ballot.answered(voter, answer)
                    given[voter] = answer
                } else {
                    ballot.missed(voter, .late)
                }
            }
            let naive = naive.outcome(given).rounded
            #expect(outcome(ballot) == naive, "\(note): \(rules) \(given)")
            return 0
        }

        private var naive: NaiveBallot {
            NaiveBallot(
                rules: rules,
                weights: voters.map { rules.method.usesWeights ? $0.weight : 1 })
        }

        /// All that could come of it; a sample when that is too much.
        private func outcomes(
            _ given: [AnswerReading?], _ rest: [Int], _ random: inout Draw
        ) -> Set<NaiveBallot.Outcome> {
            var ends: Set<NaiveBallot.Outcome> = []
            let isAll = rest.count <= 2
            var count = 1
            for _ in rest { count = min(count * possible.count, 40) }
            if isAll { count = rest.reduce(1) { product, _ in product * possible.count } }
            for number in 0..<count {
                var all = given
                var digits = number
                for voter in rest {
                    all[voter] = isAll ? possible[digits % possible.count] : random.pick(possible)
                    digits /= possible.count
                }
                ends.insert(naive.outcome(all).rounded)
            }
            return ends
        }

        private func outcome(_ ballot: Ballot) -> NaiveBallot.Outcome {
            switch ballot.verdict.result {
            case nil: return .none
            case .option(let option): return .option(option)
            case .number(let number): return NaiveBallot.Outcome.value(.number(number)).rounded
            case .answer(let voter):
                guard case .answered(let reading) = ballot.states[voter] else { return .none }
                return .value(reading.value)
            }
        }
    }
}

/// SplitMix64: the same seed gives the same ballots everywhere.
struct Draw: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return StableHash.mix(state)
    }

    mutating func pick<Element>(_ choices: [Element]) -> Element {
        choices[Int(next() % UInt64(choices.count))]
    }
}
