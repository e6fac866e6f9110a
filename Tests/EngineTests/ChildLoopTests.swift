import Coordination
import Engine
import Store
import Testing

/// Children that run again until a condition holds.
@Suite struct ChildLoopTests {
    /// A child that counts `n` up by one, and a parent that repeats it.
    private static func server(_ loop: ChildLoop) async throws -> TestServer {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { assignment in
            let digits = assignment.payload.text.filter(\.isNumber)
            let next = (Int(digits) ?? 0) + 1
            return .success(Payload(bytes: Array("{\"n\":\(next)}".utf8)))
        }
        agents.join(server.host, type: "echo", operations: ["work"])
        _ = await server.put(
            WorkflowDefinition(
                name: "child", version: "1", steps: [RunOperationTests.step("a")],
                resultTemplate: "${steps.a.output}"))
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [
                    RunOperationTests.bare(
                        "loop", .child(ChildSpec(workflow: "child", loop: loop)))
                ], resultTemplate: "${steps.loop.output}"))
        return server
    }

    @Test func `a child runs on its own result until the condition holds`() async throws {
        let server = try await Self.server(ChildLoop(until: "output.n >= input.goal", times: 9))
        let run = try RunOperationTests.started(
            await server.start("w", input: #"{"n":0,"goal":4}"#))
        // The agent reads all digits of its first input as one number: 04 becomes 5.
        let (summary, result) = try await RunOperationTests.end(server, run)
        #expect(summary.status == .completed)
        #expect(result == #"{"n":5}"#)
        let started = try RunOperationTests.started(
            await server.start("w", input: #"{"n":0,"goal":null}"#))
        let (endless, _) = try await RunOperationTests.end(server, started)
        #expect(endless.failure?.type == "repeat_exhausted")
        let children = await server.history(started).count {
            if case .childStarted = $0.kind { true } else { false }
        }
        #expect(children == 9)
        await server.close()
    }

    @Test func `several rounds are counted`() async throws {
        let server = try await Self.server(ChildLoop(until: "output.n >= 3", times: 5))
        let run = try RunOperationTests.started(await server.start("w", input: #"{"n":0}"#))
        let (_, result) = try await RunOperationTests.end(server, run)
        #expect(result == #"{"n":3}"#)
        #expect(await server.history(run).filter { $0.kind.startsChild }.count == 3)
        await server.close()
    }

    @Test func `bad loops are named`() {
        var step = StepDefinition(id: "a", agentType: "", operation: "")
        step.kind = .child(
            ChildSpec(workflow: "w", loop: ChildLoop(until: "outputs.n = 1", times: 0)))
        let definition = WorkflowDefinition(name: "w", version: "1", steps: [step])
        let faults = #expect(throws: DefinitionFaults.self) { _ = try WorkflowPlan(definition) }
        #expect(
            faults?.faults.map(\.field) == [
                "steps[0].child.repeat.times", "steps[0].child.repeat.until",
            ])
    }
}

extension HistoryEventKind {
    fileprivate var startsChild: Bool {
        if case .childStarted = self { true } else { false }
    }
}
