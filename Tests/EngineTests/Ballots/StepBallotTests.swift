import Coordination
import JSON
import Store
import Testing

@testable import Engine

@Suite struct StepBallotTests {
    /// A ballot of three judges, whose output is the run's result.
    static func definition(
        attempts: Int = 1, _ rules: BallotRules = BallotRules()
    ) -> WorkflowDefinition {
        var step = StepDefinition(id: "vote", agentType: "", operation: "work")
        step.kind = .ballot(BallotSpec(voters: BallotEngineTests.three, rules: rules))
        step.startToCloseMillis = 1_000
        step.retry = RetryPolicy(maxAttempts: attempts, initialMillis: 10)
        return WorkflowDefinition(
            name: "w", version: "1", steps: [step], resultTemplate: "${steps.vote.output}")
    }

    static func start(
        _ definition: WorkflowDefinition
    ) -> (bench: EngineBench, run: RunID?, closed: UInt64) {
        var bench = BallotEngineTests.bench()
        bench.send {
            .putDefinition(PutDefinition(namespace: .default, definition: definition), $0)
        }
        let answer = bench.ask {
            .startRun(
                StartRun(
                    namespace: .default, definition: "w", workflowID: "",
                    input: Payload(bytes: Array(#"{"q":1}"#.utf8)), requestID: "",
                    conflict: .fail), $0)
        }
        guard case .started(let run, _) = answer else { return (bench, nil, 0) }
        let closed = bench.send { .awaitRun(.run(.default, run), $0) }
        return (bench, run, closed)
    }

    static func end(_ bench: EngineBench, _ call: UInt64) -> (RunSummary, JSONView?)? {
        guard case .runClosed(let summary, let result) = bench.answers[call]?.last else {
            return nil
        }
        let document = result.flatMap { try? JSONDocument(parsing: $0.bytes) }
        return (summary, document?.root)
    }

    @Test func `a step's ballot decides, and its output says how`() throws {
        var (bench, _, closed) = Self.start(Self.definition(BallotRules(series: "s")))
        #expect(bench.dispatches.map(\.agent.name) == ["a", "b", "c"])
        #expect(bench.dispatches.allSatisfy { $0.payload.bytes == Array(#"{"q":1}"#.utf8) })
        BallotEngineTests.answer(&bench, "a", #"{"side":"buy"}"#)
        BallotEngineTests.answer(&bench, "c", #"{"side":"buy"}"#)
        let (summary, output) = try #require(Self.end(bench, closed))
        #expect(summary.status == .completed)
        #expect(output?.at("result.side")?.string == "buy")
        #expect(output?["support"]?.double == 1 && output?["answered"]?.int64 == 2)
        #expect(output?["dissenters"]?.count == 0)
        let decision = try #require(output?["decision"]?.string)
        #expect(BallotEngineTests.series(&bench)?.holds(decision) == true)
        #expect(bench.engine.ballots.ofSteps.isEmpty && bench.engine.openInvokeCount == 0)
    }

    @Test func `no decision is a failure of the attempt`() throws {
        var (bench, _, closed) = Self.start(Self.definition(attempts: 2))
        for agent in ["a", "b", "c"] { BallotEngineTests.answer(&bench, agent, "\"\(agent)\"") }
        #expect(Self.end(bench, closed) == nil, "the voters are asked again")
        bench.pass(millis: 1_000)
        #expect(bench.dispatches.count == 6)
        for agent in ["a", "b", "c"] { BallotEngineTests.answer(&bench, agent, "\"\(agent)\"") }
        let (summary, _) = try #require(Self.end(bench, closed))
        #expect(summary.status == .failed && summary.failure?.type == "ballot_tie")
    }

    @Test func `time ends it`() throws {
        var (bench, _, closed) = Self.start(Self.definition())
        bench.pass(millis: 1_001)
        let (summary, _) = try #require(Self.end(bench, closed))
        #expect(summary.failure?.type == "ballot_no_quorum")
    }

    @Test func `whoever stops the run stops its ballot`() throws {
        var (bench, run, closed) = Self.start(Self.definition())
        let id = try #require(run)
        bench.send {
            .cancelRun(CancelRun(run: .run(.default, id), reason: "enough"), $0)
        }
        #expect(Self.end(bench, closed)?.0.status == .cancelled)
        #expect(bench.engine.ballots.cells.count == 0 && bench.engine.openInvokeCount == 0)
        #expect(bench.engine.ballots.ofSteps.isEmpty)
    }

    @Test func `a definition with a wrong ballot is refused, one that is right comes back`() throws
    {
        var wrong = Self.definition(BallotRules(quorum: 3, method: .ranked))
        wrong.steps[0].agentType = "judge"
        wrong.steps[0].kind = .ballot(
            BallotSpec(voters: [], rules: BallotRules(quorum: 3, method: .ranked)))
        var bench = EngineBench()
        let refusal = bench.ask {
            .putDefinition(PutDefinition(namespace: .default, definition: wrong), $0)
        }?.rejection
        let fields = Set(refusal?.fields.map(\.field) ?? [])
        #expect(
            fields.isSuperset(of: [
                "steps[0].agent_type", "steps[0].ballot.voters", "steps[0].ballot.rules.quorum",
            ]), "\(fields)")
        let right = Self.definition(
            attempts: 3,
            BallotRules(
                quorum: 0.7, support: 0.8, method: .weighted,
                equivalence: AnswerEquivalence(
                    rule: .number, field: "x.y", absoluteTolerance: 1, relativeTolerance: 0.5),
                trim: 0.3, weighsByAccuracy: true, series: "s", hearsAll: true))
        #expect(try DefinitionCodec.decode(DefinitionCodec.encode(right)) == right)
    }
}
