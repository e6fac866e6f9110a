import Coordination
import Engine
import Store
import Testing

/// Conditions and contracts through the engine.
@Suite struct ConditionAndContractTests {
    @Test func `a step whose condition does not hold is skipped and counts as ended`() async throws
    {
        let (server, agents) = try await RunOperationTests.server()
        var big = RunOperationTests.step("big")
        big.when = "input.amount > 100"
        var small = RunOperationTests.step("small")
        small.when = "NOT input.amount > 100"
        let after = RunOperationTests.step(
            "after", "work", ["big", "small"],
            input: #"{"big":"${steps.big.output}","small":"${steps.small.output}"}"#)
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1", steps: [big, small, after],
                resultTemplate: "${steps.after.output}"))
        let run = try RunOperationTests.started(await server.start("w", input: #"{"amount":7}"#))
        let (summary, result) = try await RunOperationTests.end(server, run)
        #expect(summary.steps.map(\.state) == [.skipped, .completed, .completed])
        #expect(result == #"{"big":null,"small":{"amount":7}}"#)
        #expect(agents.dispatched.count == 2)
        await server.close()
    }

    @Test func `an input that does not fit starts nothing and says why`() async throws {
        let (server, _) = try await RunOperationTests.server()
        var definition = WorkflowDefinition(
            name: "w", version: "1", steps: [RunOperationTests.step("a")])
        definition.inputSchema = #"{"type":"object","required":["user"]}"#
        _ = await server.put(definition)
        guard case .rejected(let refusal) = await server.start("w", input: "{}") else {
            Issue.record("it was taken")
            return
        }
        #expect(refusal.reason == "CONTRACT_VIOLATED")
        #expect(refusal.fields.first?.field == "input")
        let run = try RunOperationTests.started(await server.start("w", input: #"{"user":1}"#))
        let (summary, _) = try await RunOperationTests.end(server, run)
        #expect(summary.status == .completed)
        await server.close()
    }

    @Test func `an output that does not fit is a failure that is tried again`() async throws {
        let (server, agents) = try await RunOperationTests.server()
        var step = RunOperationTests.step("a")
        step.outputSchema = #"{"type":"array"}"#
        step.retry = RetryPolicy(maxAttempts: 2, initialMillis: 1, maxMillis: 1)
        _ = await server.put(WorkflowDefinition(name: "w", version: "1", steps: [step]))
        let run = try RunOperationTests.started(await server.start("w", input: "{}"))
        let (summary, _) = try await RunOperationTests.end(server, run)
        #expect(summary.failure?.type == "contract_violated")
        #expect(agents.dispatched.count == 2)
        await server.close()
    }

    @Test func `a child whose input does not fit fails, and so does its parent's step`()
        async throws
    {
        let (server, agents) = try await RunOperationTests.server()
        var child = WorkflowDefinition(
            name: "child", version: "1", steps: [RunOperationTests.step("a")],
            triggers: ["made"])
        child.inputSchema = #"{"type":"object","required":["user"]}"#
        _ = await server.put(child)
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [
                    RunOperationTests.bare("tell", .publish(eventType: "made")),
                    RunOperationTests.bare(
                        "sub", .child(ChildSpec(workflow: "child")), ["tell"]),
                ]))
        let bad = try RunOperationTests.started(await server.start("w", input: "{}"))
        let (failed, _) = try await RunOperationTests.end(server, bad)
        #expect(failed.status == .failed)
        let why = try #require(failed.failure?.message)
        #expect(why.contains("does not fit the workflow's contract"), "\(why)")
        #expect(agents.dispatched.count == 0)
        let good = try RunOperationTests.started(await server.start("w", input: #"{"user":1}"#))
        let (completed, _) = try await RunOperationTests.end(server, good)
        #expect(completed.status == .completed)
        await server.close()
    }

    @Test func `an open run takes a start that needs no input of its own`() async throws {
        let (server, _) = try await RunOperationTests.server()
        var definition = WorkflowDefinition(
            name: "w", version: "1",
            steps: [RunOperationTests.bare("a", .wait(WaitSpec(signal: "go")))])
        definition.inputSchema = #"{"type":"object","required":["user"]}"#
        _ = await server.put(definition)
        let first = try RunOperationTests.started(
            await server.start("w", workflowID: "id", input: #"{"user":1}"#))
        let again = try RunOperationTests.started(
            await server.start("w", workflowID: "id", conflict: .useExisting))
        #expect(again == first)
        guard
            case .rejected(let refusal) = await server.start(
                "w", workflowID: "id", conflict: .terminateExisting)
        else {
            Issue.record("it took the open one's place")
            return
        }
        #expect(refusal.reason == "CONTRACT_VIOLATED")
        await server.close()
    }

    @Test func `a remote result is accepted when it is known to fit`() throws {
        let rig = RemoteRig()
        var step = StepDefinition(id: "s", agentType: "w", operation: "work")
        step.outputSchema = #"{"type":"object"}"#
        step.retry = RetryPolicy(maxAttempts: 2, initialMillis: 1, maxMillis: 1)
        _ = rig.hello(1)
        let run = try #require(rig.start([step]))
        let first = try #require(rig.taken(1).first?.token)
        rig.say(1, results: [(first, "[]")])
        #expect(rig.accepted(1) == [first])
        rig.pass(millis: 5)
        let second = try #require(rig.taken(1).first?.token)
        rig.say(1, results: [(second, "{}")])
        #expect(rig.accepted(1) == [first, second])
        #expect(rig.state(run) == nil, "it has ended and left memory")
        #expect(rig.runs[run]?.status == RunStatus.completed.rawValue)
    }

    @Test func `bad conditions and schemas are named when the definition is put`() async throws {
        let (server, _) = try await RunOperationTests.server()
        var step = RunOperationTests.step("a")
        step.when = "steps.b.output = 1"
        step.outputSchema = #"{"pattern":"x"}"#
        guard
            case .rejected(let refusal) = await server.put(
                WorkflowDefinition(name: "w", version: "1", steps: [step]))
        else {
            Issue.record("it was taken")
            return
        }
        #expect(refusal.fields.map(\.field) == ["steps[0].when", "steps[0].output_schema"])
        await server.close()
    }
}
