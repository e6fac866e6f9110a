import Coordination
import Testing

@Suite struct BallotTests {
    static func json(_ text: String) -> Payload { Payload(bytes: Array(text.utf8)) }

    /// A ballot of voters `a`, `b`, ... with these weights and answers; `nil` is late.
    static func ballot(
        _ rules: BallotRules, _ answers: [String?], weights: [Double]? = nil
    ) -> Ballot {
        let voters = answers.indices.map { place in
            Ballot.Voter(
                name: String(UnicodeScalar(UInt8(97 + place))),
                weight: weights.map { $0[place] } ?? 1)
        }
        var ballot = Ballot(rules, voters: voters)
        for (place, answer) in answers.enumerated() {
            guard let answer else { continue }
            switch AnswerReading.read(json(answer), rules) {
            case .success(let reading): ballot.answered(place, reading)
            case .failure(let failure): ballot.missed(place, .unreadable(failure))
            }
        }
        ballot.close(.late)
        return ballot
    }

    static func verdict(
        _ rules: BallotRules, _ answers: [String?], weights: [Double]? = nil
    ) -> BallotVerdict { ballot(rules, answers, weights: weights).verdict }

    @Test func `quorum, support, margin, confidence and agreement are five numbers`() {
        let verdict = Self.verdict(
            BallotRules(), ["\"buy\"", "\"buy\"", "\"buy\"", "\"sell\"", nil])
        #expect(verdict.result == .answer(of: 0))
        #expect(verdict.quorum == 0.8)
        #expect(verdict.support == 0.75)
        #expect(verdict.margin == 0.5)
        #expect(verdict.confidence == 0.6)
        #expect(verdict.agreement == 0.5)
        #expect(verdict.clusters.map(\.voters) == [[0, 1, 2], [3]])
        #expect(verdict.backers == [0, 1, 2])
    }

    @Test func `who answered is not who agreed`() {
        let split = Self.verdict(BallotRules(), ["1", "2", "3", "4", "5"])
        #expect(split.reason == .tie)
        let thin = Self.verdict(BallotRules(), ["1", "1", "2", "3", "4"])
        #expect(thin.reason == .noSupport && thin.quorum == 1)
        let few = Self.verdict(BallotRules(), ["1", "1", nil, nil, nil])
        #expect(few.reason == .noQuorum)
    }

    private static let shares: [Double] = [
        1.0 / 3, 2.0 / 3, 0.1 + 0.2, 1 - 1.0 / 3, 5.0 / 6, 0.6666,
    ]

    @Test(arguments: shares)
    func `a share is met by the fraction that it stands for`(share: Double) {
        for voters in [3, 6, 10, 12] {
            for agreeing in 1...voters {
                let answers = (0..<voters).map { $0 < agreeing ? "0" : "\($0)" }
                let isEnough = Double(agreeing) / Double(voters) > share - 1e-6
                let verdict = Self.verdict(BallotRules(quorum: 0.01, support: share), answers)
                #expect(
                    (verdict.reason == .noSupport) == (!isEnough && agreeing > 1),
                    "\(agreeing) of \(voters)")
                let some = (0..<voters).map { $0 < agreeing ? "0" : nil }
                let answered = Self.verdict(BallotRules(quorum: share), some)
                #expect(answered.isDecided == isEnough, "\(agreeing) of \(voters)")
            }
        }
    }

    @Test func `somewhat more than a fraction is not met by it`() {
        let verdict = Self.verdict(BallotRules(support: 0.6667), ["1", "1", "2"])
        #expect(verdict.reason == .noSupport)
        let quorum = Self.verdict(BallotRules(quorum: 0.6667), ["1", "1", nil])
        #expect(quorum.reason == .noQuorum)
    }

    @Test func `two thirds decide early, and a third is cut off at either end`() {
        var ballot = Ballot(
            BallotRules(quorum: 2.0 / 3, support: 2.0 / 3),
            voters: ["a", "b", "c"].map { Ballot.Voter(name: $0) })
        ballot.answered(0, .number(1))
        #expect(!ballot.mayEnd)
        ballot.answered(1, .number(1))
        #expect(ballot.mayEnd && ballot.verdict.isDecided)
        let mean = Self.verdict(
            BallotRules(
                method: .trimmedMean, equivalence: AnswerEquivalence(rule: .number), trim: 1.0 / 3),
            ["1", "2", "900"])
        #expect(mean.result == .number(2))
    }

    @Test func `an early end names the reason that nobody could mend`() {
        var ballot = Ballot(
            BallotRules(support: 0.8), voters: (0..<5).map { Ballot.Voter(name: "v\($0)") })
        for voter in 0..<3 { ballot.answered(voter, .number(Double(voter))) }
        #expect(ballot.mayEnd)
        #expect(ballot.verdict.reason == .noSupport, "the two that are out could break the tie")
        var ranked = Ballot(
            BallotRules(support: 0.9, method: .ranked),
            voters: (0..<3).map { Ballot.Voter(name: "v\($0)") })
        ranked.answered(0, .ranking(["x", "y"]))
        ranked.answered(1, .ranking(["y", "x"]))
        #expect(ranked.mayEnd)
        #expect(ranked.verdict.reason == .noSupport)
        let heard = Self.verdict(BallotRules(support: 0.8), ["0", "1", "2"])
        #expect(heard.reason == .tie, "all were heard")
    }

    @Test func `a tie is no decision, whoever was first`() {
        let tie = Self.verdict(BallotRules(support: 0.3), ["1", "2", "1", "2"])
        #expect(tie.reason == .tie && tie.margin == 0)
        #expect(tie.backers == [0, 1, 2, 3])
        // 0.1 + 0.2 is 0.3 here.
        let weighted = Self.verdict(
            BallotRules(support: 0.3, method: .weighted), ["1", "1", "2"],
            weights: [0.1, 0.2, 0.3])
        #expect(weighted.reason == .tie)
    }

    @Test func `weights count where they are asked for`() {
        let answers: [String?] = ["\"a\"", "\"b\"", "\"b\""]
        let majority = Self.verdict(BallotRules(), answers, weights: [5, 1, 1])
        #expect(majority.result == .answer(of: 1))
        let weighted = Self.verdict(
            BallotRules(method: .weighted), answers, weights: [5, 1, 1])
        #expect(weighted.result == .answer(of: 0))
        #expect(weighted.clusters.map(\.weight).map(Ballot.weight) == [5, 2])
    }

    @Test func `unanimity breaks at one voice and says so`() {
        let rules = BallotRules(method: .unanimous)
        #expect(Self.verdict(rules, ["1", "1.0", "1e0"]).isDecided)
        #expect(Self.verdict(rules, ["1", "1", "2"]).reason == .notUnanimous)
        var ballot = Ballot(
            rules, voters: ["a", "b", "c", "d", "e"].map { Ballot.Voter(name: $0) })
        ballot.answered(0, .number(1))
        #expect(!ballot.mayEnd)
        ballot.answered(3, .number(2))
        #expect(ballot.mayEnd)
        #expect(ballot.verdict.reason == .notUnanimous)
    }

    @Test func `the same JSON is the same answer, a field is a field, bytes are bytes`() {
        let spelled: [String?] = [
            #"{"a":1,"b":[1,2]}"#, #"{ "b" : [1.0, 2], "a" : 1e0 }"#, #"{"b":[1,2],"\u0061":1}"#,
        ]
        #expect(Self.verdict(BallotRules(), spelled).clusters.count == 1)
        let bytes = BallotRules(equivalence: AnswerEquivalence(rule: .bytes))
        #expect(Self.verdict(bytes, spelled).clusters.count == 3)
        let field = BallotRules(equivalence: AnswerEquivalence(field: "verdict.side"))
        let verdicts: [String?] = [
            #"{"verdict":{"side":"buy"},"why":1}"#, #"{"verdict":{"side":"buy"},"why":2}"#,
            #"{"verdict":{}}"#, "no JSON",
        ]
        let ballot = Self.ballot(field, verdicts)
        #expect(ballot.verdict.quorum == 0.5)
        let unreadable = ballot.states.count { state in
            if case .missing(.unreadable) = state { true } else { false }
        }
        #expect(unreadable == 2)
    }

    @Test func `numbers within the tolerance gather around the heaviest place`() {
        let rules = BallotRules(
            equivalence: AnswerEquivalence(rule: .number, absoluteTolerance: 0.5))
        let verdict = Self.verdict(rules, ["10", "10.4", "10.2", "12", "9.4"])
        #expect(verdict.clusters.map(\.voters) == [[0, 1, 2], [4], [3]])
        #expect(verdict.result == .answer(of: 2))
        // 1.0 and 1.9, or 1.9 and 2.8: nobody can say which.
        let chain = BallotRules(
            support: 0.5, equivalence: AnswerEquivalence(rule: .number, absoluteTolerance: 0.95))
        #expect(Self.verdict(chain, ["1.0", "1.9", "2.8"]).reason == .tie)
        let relative = BallotRules(
            equivalence: AnswerEquivalence(rule: .number, relativeTolerance: 0.01))
        #expect(Self.verdict(relative, ["100", "100.9", "150"]).backers == [0, 1])
    }

    @Test func `an option that beats all others wins though it is nobody's most frequent first`() {
        let rules = BallotRules(method: .ranked)
        let verdict = Self.verdict(
            rules,
            [
                #"["x","m","y"]"#, #"["x","m","y"]"#, #"["y","m","x"]"#, #"["y","m","x"]"#,
                #"["m","x","y"]"#,
            ])
        #expect(verdict.result == .option("\"m\""))
        #expect(verdict.support == 0.6)
        #expect(abs(verdict.margin - 0.2) < 1e-12)
        #expect(verdict.backers == [4])
    }

    @Test func `a cycle is no decision, and neither is a draw`() {
        let rules = BallotRules(method: .ranked)
        let cycle = Self.verdict(rules, ["[1,2,3]", "[2,3,1]", "[3,1,2]"])
        #expect(cycle.reason == .cycle)
        #expect(Self.verdict(rules, ["[1,2]", "[2,1]"]).reason == .tie)
        #expect(Self.ballot(rules, ["[1,1]", "{}", "[]"]).verdict.reason == .noQuorum)
    }

    @Test func `the median and the trimmed mean do not follow a liar`() {
        let median = Self.verdict(
            BallotRules(method: .median, equivalence: AnswerEquivalence(rule: .number)),
            ["3", "1", "2", "1e9", "2.5"])
        #expect(median.result == .number(2.5))
        let even = Self.verdict(
            BallotRules(method: .median, equivalence: AnswerEquivalence(rule: .number)),
            ["1", "2", "3", "4"])
        #expect(even.result == .number(2.5))
        let mean = Self.verdict(
            BallotRules(
                method: .trimmedMean,
                equivalence: AnswerEquivalence(rule: .number, absoluteTolerance: 1)),
            ["3", "1", "2", "1e9", "2.5"])
        #expect(mean.result == .number(2.5))
        #expect(mean.backers == [0, 2, 4])
        let demanding = Self.verdict(
            BallotRules(
                support: 0.9, method: .median,
                equivalence: AnswerEquivalence(rule: .number, absoluteTolerance: 1)),
            ["3", "1", "2", "1e9", "2.5"])
        #expect(demanding.reason == .noSupport)
    }

    @Test func `a mean of whole numbers that is one of them has it behind it`() {
        var rules = BallotRules(
            support: 0.2, method: .trimmedMean, equivalence: AnswerEquivalence(rule: .number),
            trim: 0.1)
        let verdict = Self.verdict(rules, ["3", "2", "-4", "1", "3"])
        #expect(verdict.result == .number(1) && verdict.support == 0.2)
        #expect(verdict.backers == [3])
        rules.support = nil
        let large = Self.verdict(rules, ["1.6e308", "1.6e308", "1.4e308", "1.4e308", "1.5e308"])
        guard case .number(let mean) = large.result else {
            Issue.record("\(large)")
            return
        }
        #expect(abs(mean / 1.5e308 - 1) < 1e-9)
    }

    @Test(arguments: [BallotRules.Method.median, .trimmedMean])
    func `it ends when no number can find its support any more`(method: BallotRules.Method) {
        var exact = BallotRules(
            support: 1, method: method, equivalence: AnswerEquivalence(rule: .number))
        var ballot = Ballot(exact, voters: ["a", "b", "c"].map { Ballot.Voter(name: $0) })
        ballot.answered(0, .number(1))
        #expect(!ballot.mayEnd)
        ballot.answered(1, .number(2))
        #expect(ballot.mayEnd && ballot.verdict.reason == .noSupport)
        // Both are as near to what lies between them.
        exact.equivalence.absoluteTolerance = 0.5
        var near = Ballot(exact, voters: ballot.voters)
        near.answered(0, .number(1))
        near.answered(1, .number(2))
        #expect(!near.mayEnd)
        near.answered(2, .number(1.5))
        #expect(near.verdict.result == .number(1.5) && near.verdict.support == 1)
    }

    @Test func `it ends when no number that may be the median can find its support`() {
        let rules = BallotRules(
            quorum: 0.5, support: 0.5, method: .median,
            equivalence: AnswerEquivalence(rule: .number))
        var ballot = Ballot(rules, voters: (0..<6).map { Ballot.Voter(name: "v\($0)") })
        for (voter, number) in [1, 2, 3, 9, 9].enumerated() {
            #expect(!ballot.mayEnd)
            ballot.answered(voter, .number(Double(number)))
        }
        #expect(ballot.mayEnd, "the last one makes no 9 of it")
    }

    @Test func `it ends when nobody can change it, and says who was not needed`() {
        var ballot = Ballot(
            BallotRules(), voters: (0..<5).map { Ballot.Voter(name: "v\($0)") })
        let yes = AnswerReading.key(AnswerKey([1]))
        for voter in [4, 1] {
            ballot.answered(voter, yes)
            #expect(!ballot.mayEnd)
        }
        ballot.answered(0, yes)
        #expect(ballot.mayEnd)
        ballot.close(.notNeeded)
        #expect(ballot.states[2] == .missing(.notNeeded))
        #expect(ballot.verdict.isDecided)
        let counts = ballot.answered(2, yes)
        #expect(!counts, "an answer after the end counts for nothing")
        var patient = Ballot(
            BallotRules(hearsAll: true), voters: [Ballot.Voter(name: "a"), Ballot.Voter(name: "b")])
        patient.missed(0, .late)
        #expect(patient.isCertain && !patient.mayEnd)
    }

    @Test func `rules and voters name everything that is wrong`() {
        let spec = BallotSpec(
            voters: [
                .init(name: "x", agentType: "t", weight: -1), .init(name: "x", agentType: ""),
                .init(name: "n", agentType: "t", agentID: "i", isEveryInstance: true),
            ],
            rules: BallotRules(
                quorum: 2, support: .nan, method: .ranked,
                equivalence: AnswerEquivalence(
                    rule: .bytes, field: "a..b", absoluteTolerance: -1, relativeTolerance: 1),
                trim: 0.5, weighsByAccuracy: true))
        let fields = Set(spec.faults("", operation: "").map(\.field))
        for field in [
            "voters[0].weight", "voters[1].name", "voters[1].agent_type",
            "voters[2].every_instance", "voters[0].operation", "rules.quorum", "rules.support",
            "rules.trim", "rules.weights", "rules.equivalence.rule", "rules.equivalence.field",
            "rules.equivalence.absolute_tolerance", "rules.equivalence.relative_tolerance",
        ] {
            #expect(fields.contains(field), "\(field) is not among \(fields.sorted())")
        }
        #expect(
            BallotSpec(voters: [.init(agentType: "t")]).faults("", operation: "ask").isEmpty)
        #expect(!BallotSpec(voters: []).faults("", operation: "ask").isEmpty)
    }
}
