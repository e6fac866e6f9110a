import Coordination
import Engine
import Store
import Testing

/// Reuse policies and attributes of starts.
@Suite struct StartPolicyTests {
    private static func start(
        _ server: TestServer, _ reuse: StartRun.ReusePolicy = .allow, id: String = "id",
        input: String = "{}", requestID: String = "", attributes: [RunAttribute] = []
    ) async -> Answer {
        await server.ask {
            .startRun(
                StartRun(
                    namespace: .default, definition: "w", workflowID: id,
                    input: Payload(bytes: Array(input.utf8)), requestID: requestID,
                    conflict: .fail, reuse: reuse, attributes: attributes), $0)
        }
    }

    private static func refusal(_ answer: Answer) -> String? {
        if case .rejected(let rejection) = answer { rejection.reason } else { nil }
    }

    private static func server(failing: Bool) async throws -> TestServer {
        let (server, _) = try await RunOperationTests.server()
        let step = RunOperationTests.step("a", failing ? "fail" : "work")
        _ = await server.put(WorkflowDefinition(name: "w", version: "1", steps: [step]))
        return server
    }

    @Test func `a workflow id is used again as the policy says`() async throws {
        let server = try await Self.server(failing: false)
        let first = try RunOperationTests.started(await Self.start(server, .reject))
        _ = try await RunOperationTests.end(server, first)
        #expect(Self.refusal(await Self.start(server, .reject)) == "WORKFLOW_ID_USED")
        #expect(Self.refusal(await Self.start(server, .allowIfFailed)) == "WORKFLOW_ID_USED")
        let second = try RunOperationTests.started(await Self.start(server, .allow))
        #expect(second != first)
        await server.close()
    }

    @Test func `a failed run lets another one begin`() async throws {
        let server = try await Self.server(failing: true)
        let first = try RunOperationTests.started(await Self.start(server))
        _ = try await RunOperationTests.end(server, first)
        let second = try RunOperationTests.started(await Self.start(server, .allowIfFailed))
        _ = try await RunOperationTests.end(server, second)
        #expect(Self.refusal(await Self.start(server, .reject)) == "WORKFLOW_ID_USED")
        await server.close()
    }

    @Test func `of many starts at once one begins, and its repeats find it`() async throws {
        let server = try await Self.server(failing: false)
        let answers = await withTaskGroup(of: Answer.self) { group in
            for index in 0..<40 {
                group.addTask {
                    await Self.start(server, .reject, requestID: "r\(index % 20)")
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        let runs = Set(answers.compactMap { try? RunOperationTests.started($0) })
        #expect(runs.count == 1)
        let others = answers.compactMap(Self.refusal)
        #expect(
            others.allSatisfy { $0 == "WORKFLOW_ID_USED" || $0 == "WORKFLOW_RUNNING" }, "\(others)")
        await server.close()
    }

    @Test func `filters find runs by what their starts gave them`() async throws {
        let server = try await Self.server(failing: false)
        for index in 0..<6 {
            let attributes = [
                RunAttribute(name: "n", value: .number(Double(index))),
                RunAttribute(name: "kind", value: .text(index < 3 ? "low" : "high")),
                RunAttribute(name: "last", value: .flag(index == 5)),
            ]
            let run = try RunOperationTests.started(
                await Self.start(server, id: "i\(index)", attributes: index == 0 ? [] : attributes))
            let (summary, _) = try await RunOperationTests.end(server, run)
            #expect(summary.attributes == (index == 0 ? [] : attributes))
        }
        #expect(try await ids(server, "attributes.n >= 2 AND attributes.kind = 'low'") == ["i2"])
        #expect(try await ids(server, "attributes.last") == ["i5"])
        #expect(try await ids(server, "NOT EXISTS attributes.n") == ["i0"])
        #expect(throws: RunFilter.ParseFailure.self) { try RunFilter.parse("attribute.n = 1") }
        await server.close()
    }

    private func ids(_ server: TestServer, _ filter: String) async throws -> [String] {
        let filter = try RunFilter.parse(filter)
        return await withCheckedContinuation { continuation in
            server.host.runs(
                namespace: .default, definition: nil, openOnly: false, filter: filter,
                before: nil, limit: 10
            ) { continuation.resume(returning: (try? $0.get().runs.map(\.workflowID)) ?? []) }
        }
    }

    @Test func `bad attributes are named`() {
        let bad = [
            RunAttribute(name: "1x", value: .flag(true)),
            RunAttribute(name: "x", value: .text(String(repeating: "y", count: 257))),
            RunAttribute(name: "x", value: .number(.nan)),
            RunAttribute(name: "z", value: .number(.infinity)),
        ]
        let fields = RunAttribute.faults(bad).map(\.field)
        #expect(
            fields == [
                "attributes[0].name", "attributes[1].text", "attributes[2].name",
                "attributes[3].number",
            ])
        #expect(RunAttribute.faults(Array(repeating: bad[0], count: 33)).count == 1)
    }
}
