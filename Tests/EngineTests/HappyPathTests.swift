import Coordination
import Engine
import Store
import Testing

@Suite struct HappyPathTests {
    @Test func `an invoke is answered by the agent`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents().join(server.host, type: "echo")
        let answer = await server.ask {
            .invoke(
                Invoke(
                    namespace: .default, agentType: "echo", operation: "work",
                    payload: Payload(bytes: [1, 2, 3], contentType: "x/y"), deadlineNanos: nil,
                    arrivedNanos: 0), $0)
        }
        guard case .invoked(let invoked) = answer, case .success(let payload) = invoked.outcome
        else {
            Issue.record("\(answer)")
            return
        }
        #expect(payload == Payload(bytes: [1, 2, 3], contentType: "x/y"))
        #expect(invoked.agent == AgentID("echo/1"))
        #expect(invoked.attempts == 1)
        await server.close()
    }

    @Test func `a chain hands outputs on and its result is the last one`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { assignment in
            .success(Payload(bytes: Array("{\"in\":".utf8) + assignment.payload.bytes + [0x7d]))
        }
        agents.join(server.host, type: "echo")
        guard case .definitionPut(changed: true) = await server.put(.chain(3)) else {
            Issue.record("the definition was not put")
            return
        }
        let (summary, result) = try #require(await server.run("chain", input: "7"))
        #expect(summary.status == .completed)
        #expect(result?.text == #"{"in":{"in":{"in":7}}}"#)
        #expect(summary.steps.map(\.state) == [.completed, .completed, .completed])
        let history = await server.history(summary.id)
        #expect(history.map(\.sequence) == Array(1...Int64(history.count)))
        #expect(history.count == 11)
        #expect(history.last?.sequence == summary.lastSequence)
        await server.close()
    }

    @Test func `templates render objects from input and outputs`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        FakeAgents().join(server.host, type: "echo")
        let definition = WorkflowDefinition(
            name: "shape", version: "1",
            steps: [
                StepDefinition(
                    id: "a", agentType: "echo", operation: "work",
                    inputTemplate: #"{"x":"${input.n}","t":"n is ${input.n}"}"#),
                StepDefinition(
                    id: "b", agentType: "echo", operation: "work", dependsOn: ["a"],
                    inputTemplate: #"["${steps.a.output.x}", "${steps.a.output.missing}"]"#),
            ])
        _ = await server.put(definition)
        let (summary, result) = try #require(await server.run("shape", input: #"{"n":5}"#))
        #expect(summary.status == .completed)
        #expect(result?.text == #"{"a":{"x":5,"t":"n is 5"},"b":[5,null]}"#)
        await server.close()
    }
}
