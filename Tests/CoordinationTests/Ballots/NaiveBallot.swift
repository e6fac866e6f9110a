import Coordination

/// A count that is easy to believe: whole ballots only, in doubles, by looking at everything.
struct NaiveBallot {
    /// What a ballot came to: nothing, or a value.
    enum Outcome: Hashable {
        case none
        case value(AnswerValue)
        case option(String)

        /// The same to nine digits: two ways to a mean may differ in the last ones.
        var rounded: Outcome {
            guard case .value(.number(let number)) = self else { return self }
            return .value(.number((number * 1e6).rounded() / 1e6))
        }
    }

    let rules: BallotRules
    let weights: [Double]

    func outcome(_ answers: [AnswerReading?]) -> Outcome {
        let total = weights.reduce(0, +)
        let given = answers.indices.filter { answers[$0] != nil }
        let answered = given.reduce(0) { $0 + weights[$1] }
        guard !given.isEmpty, answered / total >= rules.quorum - 1e-9 else { return .none }
        switch rules.method {
        case .majority, .weighted: return largest(answers, given, answered)
        case .unanimous: return unanimous(answers, given)
        case .ranked: return condorcet(answers, given, answered)
        case .median, .trimmedMean: return center(answers, given)
        }
    }

    private func isEnough(_ part: Double, _ whole: Double) -> Bool {
        guard let support = rules.support else { return part > whole / 2 + 1e-9 }
        return part / whole >= support - 1e-9
    }

    private func isSame(_ one: AnswerValue, _ other: AnswerValue) -> Bool {
        if case .number(let first) = one, case .number(let second) = other {
            return rules.equivalence.isSame(first, second)
        }
        return one == other
    }

    /// Every set of answers whose extremes are the same, by brute force over pairs of extremes.
    private func groups(_ answers: [AnswerReading?], _ given: [Int]) -> Set<[Int]> {
        var groups: Set<[Int]> = []
        for low in given {
            for high in given {
                guard let first = answers[low]?.value, let last = answers[high]?.value,
                    isSame(first, last)
                else { continue }
                groups.insert(given.filter { isBetween(answers[$0]?.value, first, last) })
            }
        }
        return groups
    }

    private func isBetween(_ value: AnswerValue?, _ low: AnswerValue, _ high: AnswerValue) -> Bool {
        guard case .number(let number) = value, case .number(let low) = low,
            case .number(let high) = high
        else { return value == low && value == high }
        return low <= number && number <= high
    }

    private func largest(
        _ answers: [AnswerReading?], _ given: [Int], _ answered: Double
    ) -> Outcome {
        func weight(_ group: [Int]) -> Double { group.reduce(0) { $0 + weights[$1] } }
        let groups = groups(answers, given)
        let best = groups.map(weight).max() ?? 0
        let first = groups.filter { weight($0) > best - 1e-9 }
        guard first.count == 1, let group = first.first, isEnough(best, answered) else {
            return .none
        }
        return .value(middle(of: group, answers))
    }

    private func middle(of group: [Int], _ answers: [AnswerReading?]) -> AnswerValue {
        let numbers = group.compactMap { answers[$0]?.value.number }.sorted()
        if numbers.count == group.count { return .number(numbers[(numbers.count - 1) / 2]) }
        return answers[group[0]]?.value ?? .number(.nan)
    }

    private func unanimous(_ answers: [AnswerReading?], _ given: [Int]) -> Outcome {
        groups(answers, given).contains(given) ? .value(middle(of: given, answers)) : .none
    }

    private func condorcet(
        _ answers: [AnswerReading?], _ given: [Int], _ answered: Double
    ) -> Outcome {
        let lists = given.map { voter -> (options: [String], weight: Double) in
            guard case .ranking(let options) = answers[voter] else { return ([], 0) }
            return (options, weights[voter])
        }
        let options = Set(lists.flatMap(\.options))
        func above(_ one: String, _ other: String) -> Double {
            lists.reduce(0) { sum, list in
                guard let place = list.options.firstIndex(of: one) else { return sum }
                let second = list.options.firstIndex(of: other) ?? .max
                return place < second ? sum + list.weight : sum
            }
        }
        for option in options {
            let others = options.subtracting([option])
            let listed = lists.reduce(0) { $1.options.contains(option) ? $0 + $1.weight : $0 }
            let behind = others.map { above(option, $0) }.min() ?? listed
            if others.allSatisfy({ above(option, $0) > above($0, option) + 1e-9 }),
                isEnough(behind, answered)
            {
                return .option(option)
            }
        }
        return .none
    }

    private func center(_ answers: [AnswerReading?], _ given: [Int]) -> Outcome {
        var numbers = given.compactMap { answers[$0]?.value.number }.sorted()
        let all = numbers
        if rules.method == .median {
            while numbers.count > 2 { numbers = Array(numbers.dropFirst().dropLast()) }
        } else {
            let cut = Int((rules.trim * Double(numbers.count) + 1e-9).rounded(.down))
            numbers = Array(numbers.dropFirst(cut).dropLast(cut))
        }
        let center = numbers.reduce(0, +) / Double(numbers.count)
        let near = all.count { rules.equivalence.isSame($0, center) }
        if let support = rules.support, Double(near) / Double(all.count) < support - 1e-9 {
            return .none
        }
        return .value(.number(center))
    }
}
