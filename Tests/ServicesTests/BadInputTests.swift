import GRPC
import Messages
import Stubs
import Testing

/// Input that must not become something else in silence, and the names of what is wrong.
struct BadInputTests {
    private func refusal(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    private func fields(_ body: () async throws -> Void) async -> [String]? {
        guard let status = await refusal(body), status.code == .invalidArgument else { return nil }
        return status.badFields.map(\.path)
    }

    @Test func `the server's own operations are not for callers`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let call = InvokeRequest(agentType: "probe", operation: "$health")
            #expect(await fields { _ = try await agents.invoke(call) } == ["operation"])
            let all = InvokeAllRequest(invokes: [call])
            #expect(
                await fields { _ = try await agents.invokeAll(all) } == ["invokes[0].operation"])
        }
    }

    @Test(arguments: [-1, -2_147_483_648, 3, 256, 257] as [Int32])
    func `a mode by a number that is none is refused`(number: Int32) async throws {
        try await ServerUnderTest.with { server in
            let breakers = BreakerServiceClient(client: server.client)
            var request = SetModeRequest(change: .mode(.unrecognized(number)))
            request.actor = "ann"
            request.reason = "a test"
            #expect(await fields { _ = try await breakers.setMode(request) } == ["mode"])
            let mode = try await breakers.getMode(GetModeRequest()).status
            #expect(mode?.mode == .normal && mode?.override == nil)
        }
    }

    @Test func `a content type has a bound`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            func call(_ bytes: Int) -> InvokeRequest {
                InvokeRequest(
                    agentType: "probe", operation: "say",
                    payload: Payload(
                        data: [1], contentType: String(repeating: "t", count: bytes)))
            }
            let short = try await agents.invoke(call(256))
            #expect(short.success)
            let long = await fields { _ = try await agents.invoke(call(257)) }
            #expect(long == ["payload.content_type"])
            let workflows = WorkflowServiceClient(client: server.client)
            let signal = SignalRunRequest(
                run: RunReference(by: .workflowID("w")), signal: "s", payload: call(257).payload)
            #expect(
                await fields { _ = try await workflows.signalRun(signal) } == [
                    "payload.content_type"
                ])
        }
    }

    @Test func `choices of a newer client's are refused by name`() async throws {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            let kinds: [(StepDefinition.Kind, String)] = [
                (
                    .child(ChildStep(workflow: "w", onParentClose: .unrecognized(9))),
                    "child.on_parent_close"
                ),
                (
                    .approval(ApprovalStep(millis: 5, defaultDecision: .unrecognized(-1))),
                    "approval.default_decision"
                ),
                (
                    .continueAsNew(ContinueStep(version: .unrecognized(7))),
                    "continue_as_new.version"
                ),
            ]
            for (kind, name) in kinds {
                let definition = WorkflowDefinition(
                    name: "w", version: "1", steps: [StepDefinition(id: "a", kind: kind)])
                let found = await fields {
                    _ = try await workflows.putDefinition(
                        PutDefinitionRequest(definition: definition))
                }
                #expect(found == ["definition.steps[0].\(name)"])
            }
            let report = BreakerReport(
                name: "b",
                content: .call(
                    CallReport(
                        permitID: "0000000000000001", verdict: .unrecognized(-1),
                        durationMicros: 1)))
            let breakers = BreakerServiceClient(client: server.client)
            #expect(
                await fields { _ = try await breakers.report(ReportRequest(report: report)) } == [
                    "report.call.verdict"
                ])
        }
    }

    @Test func `fields of a start inside another request have its name before theirs`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            var start = StartRunRequest(
                requestID: String(repeating: "r", count: 257),
                reusePolicy: .unrecognized(9))
            let expected = ["start.workflow", "start.request_id", "start.reuse_policy"]
            #expect(
                await fields { _ = try await workflows.executeRun(ExecuteRunRequest(start: start)) }
                    == expected)
            start.workflowID = "w"
            #expect(
                await fields {
                    _ = try await workflows.signalWithStart(
                        SignalWithStartRequest(start: start, signal: "s"))
                } == expected)
            let text = StartRunRequest(workflow: "w", input: Payload(data: [0x7b]))
            #expect(
                await fields { _ = try await workflows.executeRun(ExecuteRunRequest(start: text)) }
                    == ["start.input"])
        }
    }

    @Test func `so have those that only the engine can judge`() async throws {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            let definition = WorkflowDefinition(
                name: "w", version: "1",
                steps: [StepDefinition(id: "a", agentType: "probe", operation: "say")],
                inputSchema: #"{"type":"object","required":["n"]}"#)
            _ = try await workflows.putDefinition(PutDefinitionRequest(definition: definition))
            let start = StartRunRequest(workflow: "w")
            let plain = await fields { _ = try await workflows.startRun(start) }
            #expect(plain == ["input"])
            let inner = await fields {
                _ = try await workflows.executeRun(ExecuteRunRequest(start: start))
            }
            #expect(inner == ["start.input"])
        }
    }
}
