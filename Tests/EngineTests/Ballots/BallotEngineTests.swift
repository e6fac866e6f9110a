import Coordination
import Store
import Testing

@testable import Engine

@Suite struct BallotEngineTests {
    static func decide(
        _ bench: EngineBench, _ voters: [BallotSpec.Voter],
        _ rules: BallotRules = BallotRules(), id: String = "", millis: Int64 = 1_000
    ) -> DecideBallot {
        DecideBallot(
            namespace: .default, operation: "work", payload: Payload(bytes: Array("{}".utf8)),
            spec: BallotSpec(voters: voters, rules: rules), requestID: id,
            closesNanos: bench.now.monotonicNanos + millis * 1_000_000,
            arrivedNanos: bench.now.monotonicNanos)
    }

    static let three = ["a", "b", "c"].map { BallotSpec.Voter(agentType: "judge", agentID: $0) }

    /// Three judges, of whom a ballot asks each.
    static func bench() -> EngineBench {
        var bench = EngineBench()
        bench.join("a", "b", "c", type: "judge")
        return bench
    }

    static func begin(_ bench: inout EngineBench, _ decide: DecideBallot) -> UInt64 {
        bench.send { .ballot(.decide(decide), $0) }
    }

    static func outcome(_ bench: EngineBench, _ call: UInt64) -> BallotOutcome? {
        guard case .ballot(.decided(let outcome)) = bench.answers[call]?.last else { return nil }
        return outcome
    }

    /// The newest assignment of an agent ends with this answer.
    static func answer(_ bench: inout EngineBench, _ agent: String, _ text: String) {
        guard let last = bench.dispatches.last(where: { $0.agent == AgentID(agent) }) else {
            Issue.record("\(agent) was not asked")
            return
        }
        bench.finish(last, .success(Payload(bytes: Array(text.utf8))))
    }

    static func series(_ bench: inout EngineBench, _ name: String = "s") -> BallotSeries? {
        let answer = bench.ask { .ballot(.series(.default, name), $0) }
        guard case .ballot(.series(let series)) = answer else { return nil }
        return series
    }

    @Test func `two of three who agree decide, and the third is not waited for`() throws {
        var bench = Self.bench()
        let call = Self.begin(&bench, Self.decide(bench, Self.three))
        #expect(bench.dispatches.map(\.agent.name) == ["a", "b", "c"])
        Self.answer(&bench, "c", "\"yes\"")
        #expect(Self.outcome(bench, call) == nil)
        Self.answer(&bench, "a", "\"yes\"")
        let outcome = try #require(Self.outcome(bench, call))
        #expect(outcome.isEarly && outcome.verdict.result == .answer(of: 0))
        #expect(outcome.agents == [AgentID("a"), nil, AgentID("c")])
        #expect(outcome.ballot.states[1] == .missing(.notNeeded))
        #expect(bench.engine.openInvokeCount == 0, "the third call is cancelled")
        #expect(bench.engine.ballots.cells.count == 0 && bench.engine.ballots.bytes == 0)
        #expect(bench.engine.nextDeadlineNanos == nil, "no timer is left")
        // What comes late is nobody's.
        Self.answer(&bench, "b", "\"no\"")
        #expect(bench.answers[call]?.count == 1)
    }

    @Test func `the time ends it, and who was late counts against the quorum`() throws {
        var bench = Self.bench()
        let call = Self.begin(&bench, Self.decide(bench, Self.three))
        Self.answer(&bench, "a", "1")
        bench.pass(millis: 1_001)
        let outcome = try #require(Self.outcome(bench, call))
        #expect(outcome.verdict.reason == .noQuorum && !outcome.isEarly)
        #expect(outcome.ballot.states[1] == .missing(.late))
        #expect(bench.engine.openInvokeCount == 0)
    }

    @Test func `nobody who was late is said not to have been needed`() throws {
        var bench = Self.bench()
        let call = Self.begin(&bench, Self.decide(bench, Self.three))
        bench.pass(millis: 1_001)
        let outcome = try #require(Self.outcome(bench, call))
        #expect(outcome.verdict.reason == .noQuorum && !outcome.isEarly)
        #expect(outcome.ballot.states == Array(repeating: .missing(.late), count: 3))
        #expect(bench.engine.nextDeadlineNanos == nil, "no timer is left")
    }

    @Test func `failures and unreadable answers end it early when no quorum is left`() throws {
        var bench = Self.bench()
        let rules = BallotRules(quorum: 1, equivalence: AnswerEquivalence(field: "x"))
        let call = Self.begin(&bench, Self.decide(bench, Self.three, rules))
        Self.answer(&bench, "b", #"{"y":1}"#)
        let outcome = try #require(Self.outcome(bench, call))
        #expect(outcome.verdict.reason == .noQuorum && outcome.isEarly)
        guard case .missing(.unreadable(let failure)) = outcome.ballot.states[1] else {
            Issue.record("\(outcome.ballot.states)")
            return
        }
        #expect(failure.type == "answer_unreadable")
    }

    @Test func `every instance votes, and one that leaves is missed`() throws {
        var bench = Self.bench()
        let all = [BallotSpec.Voter(agentType: "judge", isEveryInstance: true)]
        let call = Self.begin(&bench, Self.decide(bench, all))
        bench.post(.agentsLeft([AgentID("b")]))
        Self.answer(&bench, "a", "1")
        #expect(Self.outcome(bench, call) == nil)
        Self.answer(&bench, "c", "2")
        let outcome = try #require(Self.outcome(bench, call))
        #expect(outcome.ballot.voters.map(\.name) == ["a", "b", "c"])
        #expect(outcome.verdict.reason == .tie)
        guard case .missing(.failed(let failure)) = outcome.ballot.states[1] else {
            Issue.record("\(outcome.ballot.states)")
            return
        }
        #expect(failure.type == "instance_lost", "it was asked, and may have worked on it")
    }

    @Test func `who gives up takes the calls along`() {
        var bench = Self.bench()
        let rules = BallotRules(series: "s")
        let call = Self.begin(&bench, Self.decide(bench, Self.three, rules))
        bench.post(.abandon(ReplyTicket(port: 0, call: call)))
        #expect(bench.engine.openInvokeCount == 0)
        #expect(bench.engine.ballots.cells.count == 0)
        #expect(bench.engine.ballots.series.isEmpty, "nothing was decided in it")
        #expect(bench.engine.nextDeadlineNanos == nil)
    }

    @Test func `what cannot begin says why`() {
        var bench = Self.bench()
        func reason(_ decide: DecideBallot) -> String? {
            bench.ask { .ballot(.decide(decide), $0) }?.rejection?.reason
        }
        #expect(
            reason(Self.decide(bench, [.init(agentType: "nobody")])) == "AGENT_TYPE_NOT_FOUND")
        #expect(
            reason(Self.decide(bench, [.init(agentType: "judge", operation: "x")]))
                == "OPERATION_NOT_FOUND")
        #expect(
            reason(
                Self.decide(
                    bench,
                    [
                        .init(agentType: "judge", agentID: "a"),
                        .init(agentType: "judge", isEveryInstance: true),
                    ])) == "VOTER_TWICE")
        #expect(reason(Self.decide(bench, Self.three, millis: 0)) == "DEADLINE_PASSED")
        let first = Self.decide(bench, Self.three, BallotRules(series: "s"), id: "one")
        let call = Self.begin(&bench, first)
        #expect(reason(first) == "DECISION_EXISTS")
        Self.answer(&bench, "a", "1")
        Self.answer(&bench, "b", "1")
        #expect(Self.outcome(bench, call)?.verdict.isDecided == true)
        #expect(reason(first) == "DECISION_EXISTS")
        bench.engine.beginDraining()
        #expect(reason(Self.decide(bench, Self.three)) == "SERVER_DRAINING")
    }

    @Test func `a series remembers over a restart who said what and who was right`() throws {
        var bench = Self.bench()
        let rules = BallotRules(series: "s", hearsAll: true)
        let call = Self.begin(&bench, Self.decide(bench, Self.three, rules, id: "d"))
        for (agent, text) in [("a", "\"up\""), ("b", "\"up\""), ("c", "\"down\"")] {
            Self.answer(&bench, agent, text)
        }
        #expect(Self.outcome(bench, call)?.isEarly == false)
        try bench.restart(after: 1_000)
        let report = ReportBallotOutcome(
            namespace: .default, series: "s", decision: "d",
            outcome: .truth(Payload(bytes: Array(" \"down\" ".utf8))))
        let answer = bench.ask { .ballot(.report(report), $0) }
        guard case .ballot(.judged(isRight: false, let voters)) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(voters.count == 3 && voters["c"]?.right == 1 && voters["a"]?.right == 0)
        try bench.restart()
        let series = try #require(Self.series(&bench))
        #expect(series.records.map(\.id) == ["d"] && series.judged == 1 && series.correct == 0)
        #expect(series.voters == voters)
        let again = bench.ask { .ballot(.report(report), $0) }
        guard case .ballot(.judged(isRight: false, [:])) = again else {
            Issue.record("\(String(describing: again))")
            return
        }
        let refusals = ["d", "nothing"].map { decision in
            bench.ask { .ballot(.report(Self.report(decision, .correct(true))), $0) }?.rejection
        }
        #expect(refusals.map { $0?.reason } == ["OUTCOME_KNOWN", "DECISION_NOT_FOUND"])
    }

    private static func report(
        _ decision: String, _ outcome: ReportBallotOutcome.Outcome, id: String = ""
    ) -> ReportBallotOutcome {
        ReportBallotOutcome(
            namespace: .default, series: "s", decision: decision, outcome: outcome, requestID: id)
    }

    private static func truth(_ text: String) -> ReportBallotOutcome.Outcome {
        .truth(Payload(bytes: Array(text.utf8)))
    }

    @Test func `a report has its request id for itself, over a restart too`() throws {
        var bench = Self.bench()
        for decision in ["d", "e"] {
            let rules = BallotRules(series: "s")
            _ = Self.begin(&bench, Self.decide(bench, Self.three, rules, id: decision))
            for agent in ["a", "b"] { Self.answer(&bench, agent, "1") }
        }
        for outcome in [Self.truth("1"), Self.truth("1")] {
            let report = Self.report("d", outcome, id: "r")
            guard
                case .ballot(.judged(isRight: true, _)) = bench.ask({ .ballot(.report(report), $0) }
                )
            else { return #expect(Bool(false)) }
            try bench.restart()
        }
        for other in [
            Self.report("d", .correct(true), id: "r"), Self.report("e", Self.truth("1"), id: "r"),
            Self.report("d", Self.truth("2"), id: "r"),
        ] {
            let rejection = bench.ask { .ballot(.report(other), $0) }?.rejection
            #expect(rejection?.reason == "REQUEST_ID_REUSED")
        }
        #expect(Self.series(&bench)?.judged == 1)
    }

    @Test func `of two reports of one id that come at once one is learnt from`() {
        var bench = Self.bench()
        for decision in ["d", "e"] {
            let rules = BallotRules(series: "s")
            _ = Self.begin(&bench, Self.decide(bench, Self.three, rules, id: decision))
            for agent in ["a", "b"] { Self.answer(&bench, agent, "1") }
        }
        bench.post(
            .ballot(
                .report(Self.report("d", Self.truth("1"), id: "r")),
                ReplyTicket(port: 0, call: 901)),
            .ballot(
                .report(Self.report("e", Self.truth("1"), id: "r")),
                ReplyTicket(port: 0, call: 902)))
        #expect(bench.answers[901]?.last?.rejection == nil)
        #expect(bench.answers[902]?.last?.rejection?.reason == "REQUEST_ID_REUSED")
        #expect(Self.series(&bench)?.judged == 1)
    }

    @Test func `an undecided ballot has no outcome, but voters that were right`() throws {
        var bench = Self.bench()
        let rules = BallotRules(series: "s", hearsAll: true)
        _ = Self.begin(&bench, Self.decide(bench, Self.three, rules, id: "d"))
        for (agent, text) in [("a", "1"), ("b", "2"), ("c", "3")] {
            Self.answer(&bench, agent, text)
        }
        let right = Self.report("d", .correct(true))
        let refusal = bench.ask { .ballot(.report(right), $0) }?.rejection
        #expect(refusal?.reason == "NOTHING_DECIDED" && refusal?.code == .precondition)
        let two = Self.report("d", Self.truth("2"))
        guard
            case .ballot(.judged(isRight: false, let voters)) = bench.ask({
                .ballot(.report(two), $0)
            })
        else {
            Issue.record("not judged")
            return
        }
        #expect(voters["b"]?.right == 1)
        #expect(Self.series(&bench)?.judged == 0)
    }

    @Test func `ballots and their outcomes are counted`() {
        var bench = Self.bench()
        let rules = BallotRules(series: "s")
        for texts in [["1", "1"], ["1", "1"], ["1", "2", "3"]] {
            let id = "\(bench.engine.ballots.lastSerial)"
            _ = Self.begin(&bench, Self.decide(bench, Self.three, rules, id: id))
            for (agent, text) in zip(["a", "b", "c"], texts) { Self.answer(&bench, agent, text) }
        }
        for (decision, isRight) in [("0", true), ("1", false), ("1", false)] {
            let report = ReportBallotOutcome(
                namespace: .default, series: "s", decision: decision, outcome: .correct(isRight))
            bench.send { .ballot(.report(report), $0) }
        }
        guard case .monitor(.reading(let reading)) = bench.ask({ .monitor(.read, $0) }) else {
            Issue.record("no reading")
            return
        }
        #expect(reading.consensus.decided == 2 && reading.consensus.undecided == 1)
        // What was reported again counts once.
        #expect(reading.consensus.right == 1 && reading.consensus.wrong == 1)
    }

    @Test func `learnt accuracy outweighs numbers`() throws {
        var bench = Self.bench()
        for number in 0..<8 {
            let rules = BallotRules(series: "s", hearsAll: true)
            _ = Self.begin(&bench, Self.decide(bench, Self.three, rules, id: "\(number)"))
            for (agent, text) in [("a", "1"), ("b", "2"), ("c", "3")] {
                Self.answer(&bench, agent, text)
            }
            let truth = ReportBallotOutcome.Outcome.truth(Payload(bytes: Array("1".utf8)))
            let report = ReportBallotOutcome(
                namespace: .default, series: "s", decision: "\(number)", outcome: truth)
            bench.send { .ballot(.report(report), $0) }
        }
        let rules = BallotRules(
            support: 0.5, method: .weighted, weighsByAccuracy: true, series: "s", hearsAll: true)
        let call = Self.begin(&bench, Self.decide(bench, Self.three, rules))
        for (agent, text) in [("a", "1"), ("b", "2"), ("c", "3")] {
            Self.answer(&bench, agent, text)
        }
        let outcome = try #require(Self.outcome(bench, call))
        #expect(outcome.verdict.result == .answer(of: 0))
        #expect(outcome.verdict.support == 0.5, "and yet not more than the others together")
    }

    @Test func `a deleted series leaves nothing on disk`() {
        var bench = Self.bench()
        let rules = BallotRules(series: "s")
        _ = Self.begin(&bench, Self.decide(bench, Self.three, rules, id: "d"))
        Self.answer(&bench, "a", "1")
        Self.answer(&bench, "b", "1")
        let report = ReportBallotOutcome(
            namespace: .default, series: "s", decision: "d", outcome: .correct(true))
        bench.send { .ballot(.report(report), $0) }
        #expect(Set(bench.storedKinds) == [40, 41, 42])
        let by = Signature(actor: "ann", requestID: "r")
        for _ in 0..<2 {
            let answer = bench.ask { .ballot(.deleteSeries(.default, "s", by: by), $0) }
            guard case .ballot(.deleted) = answer else {
                Issue.record("\(String(describing: answer))")
                return
            }
        }
        #expect(bench.storedKinds.isEmpty)
        #expect(bench.audits.map(\.action) == ["DeleteSeries"])
        #expect(Self.series(&bench) == nil)
    }

    @Test func `answers have a bound, and what is over it counts for nobody`() throws {
        var bench = Self.bench()
        let call = Self.begin(&bench, Self.decide(bench, Self.three))
        let large = "\"" + String(repeating: "x", count: bench.engine.limits.maxBallotBytes) + "\""
        Self.answer(&bench, "a", large)
        Self.answer(&bench, "b", "1")
        Self.answer(&bench, "c", "1")
        let outcome = try #require(Self.outcome(bench, call))
        guard case .missing(.unreadable(let failure)) = outcome.ballot.states[0] else {
            Issue.record("\(outcome.ballot.states)")
            return
        }
        #expect(failure.type == "answers_too_large" && outcome.verdict.isDecided)
    }
}
