import Coordination
import Testing

@testable import Engine

/// Steps that are put to a ballot while their voters are not there.
@Suite struct AbsentVoterTests {
    /// A ballot step that is tried three times, and whether its run has ended.
    private struct Rig {
        var bench = EngineBench()
        var run = RunID(serial: Serial(rawValue: 0))
        private var closed: UInt64 = 0

        init(
            _ spec: BallotSpec, operation: String = "work", joined: String = "",
            closeMillis: Int64? = nil
        ) throws {
            if !joined.isEmpty { bench.join("x", type: joined) }
            var definition = StepBallotTests.definition(attempts: 3)
            definition.steps[0].operation = operation
            definition.steps[0].kind = .ballot(spec)
            definition.steps[0].scheduleToCloseMillis = closeMillis
            bench.send {
                .putDefinition(PutDefinition(namespace: .default, definition: definition), $0)
            }
            let start = StartRun(
                namespace: .default, definition: "w", workflowID: "",
                input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail)
            guard case .started(let run, _) = bench.ask({ .startRun(start, $0) }) else { return }
            self.run = run
            closed = bench.send { .awaitRun(.run(.default, run), $0) }
        }

        var end: RunSummary? { StepBallotTests.end(bench, closed)?.0 }

        var isForgotten: Bool {
            bench.engine.ballots.hasNoSteps && bench.engine.ballots.waitingFor.isEmpty
        }
    }

    private static let judge = BallotSpec(voters: [.init(agentType: "judge")])
    private static let everybody = BallotSpec(
        voters: [.init(agentType: "judge", isEveryInstance: true)])

    @Test(arguments: [judge, everybody])
    func `they are waited for, and have all their time from then on`(spec: BallotSpec) throws {
        var rig = try Rig(spec)
        rig.bench.pass(millis: 900)
        let cause = ExplainTests.explain(&rig.bench, rig.run).first
        #expect(cause?.kind == .noAgent && cause?.waitsFor == ["judge"])
        rig.bench.join("a", type: "judge")
        #expect(rig.bench.dispatches.count == 1)
        rig.bench.pass(millis: 900)
        #expect(rig.end == nil)
        rig.bench.finishLast(.success(Payload(bytes: Array("1".utf8))))
        #expect(rig.end?.status == .completed && rig.isForgotten)
    }

    @Test(arguments: [
        (judge, "work", "", "no_agent"), (everybody, "work", "", "no_agent"),
        (judge, "sing", "judge", "unknown_operation"),
        (
            BallotSpec(voters: judge.voters + [.init(agentType: "poet")]), "work", "judge",
            "no_agent"
        ),
    ])
    func `one who never comes fails the step as it would any other, and it is not tried again`(
        spec: BallotSpec, operation: String, joined: String, failure: String
    ) throws {
        var rig = try Rig(spec, operation: operation, joined: joined)
        rig.bench.pass(millis: 999)
        #expect(rig.end == nil && rig.bench.dispatches.isEmpty)
        rig.bench.pass(millis: 1)
        #expect(rig.end?.failure?.type == failure, "\(String(describing: rig.end?.failure))")
        #expect(rig.isForgotten)
    }

    @Test func `nobody is waited for when the time of all attempts is over`() throws {
        var rig = try Rig(Self.judge, closeMillis: 500)
        rig.bench.pass(millis: 500)
        #expect(rig.end?.status == .failed && rig.isForgotten)
    }

    @Test func `one who can do something new is asked`() throws {
        var rig = try Rig(Self.judge, operation: "sing", joined: "judge")
        let sings = AgentRegistration(
            id: AgentID("s"), type: "judge",
            operations: [OperationDescriptor(name: "sing", summary: "", isIdempotent: true)],
            slots: 1)
        rig.bench.post(.agentsJoined([sings], PortNumber(rawValue: 0)))
        #expect(rig.bench.dispatches.map(\.agent.name) == ["s"])
    }

    @Test func `a run that is stopped or paused waits for nobody`() throws {
        var rig = try Rig(Self.judge)
        let run = RunReference.run(.default, rig.run)
        rig.bench.send { .operateRun(OperateRun(run: run, operation: .pause(reason: "")), $0) }
        #expect(rig.isForgotten)
        rig.bench.join("a", type: "judge")
        rig.bench.pass(millis: 5_000)
        #expect(rig.end == nil && rig.bench.dispatches.isEmpty)
        rig.bench.send { .operateRun(OperateRun(run: run, operation: .resume(reason: "")), $0) }
        #expect(rig.bench.dispatches.count == 1)
        var other = try Rig(Self.judge)
        let id = other.run
        other.bench.send { .cancelRun(CancelRun(run: .run(.default, id), reason: ""), $0) }
        #expect(other.end?.status == .cancelled && other.isForgotten)
    }
}
