import Coordination
import Engine
import Store
import Testing

/// Signals, decisions, pauses, retries, children, lists and events through the engine.
@Suite struct RunOperationTests {
    static func server() async throws -> (TestServer, FakeAgents) {
        let server = try await TestServer(store: InMemoryStore())
        let agents = FakeAgents { assignment in
            switch assignment.operation {
            case "fail":
                .failure(StepFailure(type: "boom", message: "no", retryable: false))
            case "hang": nil
            default: .success(assignment.payload)
            }
        }
        agents.join(server.host, type: "echo", operations: ["work", "fail", "hang", "undo"])
        return (server, agents)
    }

    static func step(
        _ id: String, _ operation: String = "work", _ dependsOn: [String] = [],
        input: String? = nil
    ) -> StepDefinition {
        StepDefinition(
            id: id, agentType: "echo", operation: operation, dependsOn: dependsOn,
            inputTemplate: input)
    }

    static func bare(
        _ id: String, _ kind: StepKind, _ dependsOn: [String] = [], input: String? = nil
    ) -> StepDefinition {
        var step = StepDefinition(
            id: id, agentType: "", operation: "", dependsOn: dependsOn, inputTemplate: input)
        step.kind = kind
        return step
    }

    static func operate(
        _ server: TestServer, _ run: RunID, _ operation: RunOperation, requestID: String = ""
    ) async -> Answer {
        await server.ask {
            .operateRun(
                OperateRun(
                    run: .run(.default, run), operation: operation, requestID: requestID), $0)
        }
    }

    static func started(_ answer: Answer) throws -> RunID {
        guard case .started(let run, _) = answer else {
            throw StepFailure(type: "test", message: "\(answer)", retryable: false)
        }
        return run
    }

    static func end(_ server: TestServer, _ run: RunID) async throws -> (RunSummary, String?) {
        guard
            case .runClosed(let summary, let result) = await server.ask({
                .awaitRun(.run(.default, run), $0)
            })
        else { throw StepFailure(type: "test", message: "did not close", retryable: false) }
        return (summary, result?.text)
    }

    static func signal(_ text: String) -> RunOperation {
        .signal(RunSignal(name: "go", payload: Payload(bytes: Array(text.utf8))))
    }

    @Test func `a signal ends a wait, and its repeat changes nothing`() async throws {
        let (server, _) = try await Self.server()
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [
                    Self.bare("first", .wait(WaitSpec(signal: "go"))),
                    Self.bare("second", .wait(WaitSpec(signal: "go")), ["first"]),
                ]))
        let run = try Self.started(await server.start("w"))
        for _ in 1...2 {
            guard
                case .operated(let summary) = await Self.operate(
                    server, run, Self.signal("1"), requestID: "same")
            else {
                Issue.record("the signal was refused")
                return
            }
            #expect(summary.steps.map(\.state) == [.completed, .waiting])
        }
        _ = await Self.operate(server, run, Self.signal("2"))
        let (summary, result) = try await Self.end(server, run)
        #expect(summary.status == .completed)
        #expect(result == #"{"first":1,"second":2}"#)
        guard case .rejected(let late) = await Self.operate(server, run, Self.signal("3")) else {
            Issue.record("a closed run took a signal")
            return
        }
        #expect(late.reason == "RUN_CLOSED")
        #expect(late.message.hasSuffix("(completed); start a new run"), "\(late.message)")
        await server.close()
    }

    @Test func `signal with start is one change`() async throws {
        let (server, _) = try await Self.server()
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1", steps: [Self.bare("a", .wait(WaitSpec(signal: "go")))]))
        let answer = await server.ask {
            .startRun(
                StartRun(
                    namespace: .default, definition: "w", workflowID: "id",
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .useExisting,
                    signal: RunSignal(name: "go", payload: Payload(bytes: [0x31]))), $0)
        }
        let (summary, result) = try await Self.end(server, try Self.started(answer))
        #expect(summary.status == .completed)
        #expect(result == #"{"a":1}"#)
        await server.close()
    }

    @Test func `an approval carries who decided and what they filled in`() async throws {
        let (server, _) = try await Self.server()
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [Self.bare("ask", .approval(ApprovalSpec(assignees: ["ann"])))],
                resultTemplate: "${steps.ask.output}"))
        let run = try Self.started(await server.start("w"))
        func decide(_ actor: String) async -> Answer {
            await Self.operate(
                server, run,
                .decide(
                    ApprovalAnswer(
                        step: "ask", decision: .approve, actor: actor, comment: "fine",
                        form: Array(#"{"x":1}"#.utf8))))
        }
        guard case .rejected(let refusal) = await decide("eve") else {
            Issue.record("a stranger decided")
            return
        }
        #expect(refusal.reason == "NOT_ASSIGNED")
        _ = await decide("ann")
        let (_, result) = try await Self.end(server, run)
        #expect(result == #"{"decision":"approved","by":"ann","comment":"fine","form":{"x":1}}"#)
        await server.close()
    }

    @Test func `a failed run that is tried again keeps what completed`() async throws {
        let (server, agents) = try await Self.server()
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [Self.step("a"), Self.step("b", "fail", ["a"])]))
        let run = try Self.started(await server.start("w"))
        let (failed, _) = try await Self.end(server, run)
        #expect(failed.status == .failed)
        guard case .operated = await Self.operate(server, run, .retry(reason: "again")) else {
            Issue.record("the run was not taken up")
            return
        }
        let (again, _) = try await Self.end(server, run)
        #expect(again.status == .failed)
        let operations = agents.dispatched.map(\.operation)
        #expect(operations == ["work", "fail", "fail"])
        let history = await server.history(run)
        #expect(history.map(\.sequence) == Array(1...again.lastSequence))
        await server.close()
    }

    @Test func `a run that is about to be removed is not opened again`() async throws {
        var configuration = EngineConfiguration()
        configuration.limits.retentionMillis = 30_000
        let server = try await TestServer(store: InMemoryStore(), configuration: configuration)
        let agents = FakeAgents { _ in
            .failure(StepFailure(type: "boom", message: "no", retryable: false))
        }
        agents.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        let run = try Self.started(await server.start("chain"))
        _ = try await Self.end(server, run)
        guard case .rejected(let refusal) = await Self.operate(server, run, .retry(reason: "again"))
        else {
            Issue.record("it was opened again")
            return
        }
        #expect(refusal.reason == "RUN_EXPIRING")
        await server.close()
    }

    @Test func `what a failed run did is undone with what it returned`() async throws {
        let (server, agents) = try await Self.server()
        var book = Self.step("book")
        book.compensation = StepWork(
            agentType: "echo", operation: "undo", inputTemplate: "${steps.book.output}")
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1", steps: [book, Self.step("pay", "fail", ["book"])]))
        let run = try Self.started(await server.start("w", input: #"{"seat":4}"#))
        let (summary, _) = try await Self.end(server, run)
        #expect(summary.status == .failed)
        #expect(summary.compensation == .compensated)
        #expect(agents.dispatched.last?.operation == "undo")
        #expect(agents.dispatched.last?.payload.text == #"{"seat":4}"#)
        await server.close()
    }

    @Test func `a child's result is its step's output`() async throws {
        let (server, _) = try await Self.server()
        _ = await server.put(.chain(2, name: "inner"))
        _ = await server.put(
            WorkflowDefinition(
                name: "outer", version: "1",
                steps: [
                    Self.bare(
                        "sub", .child(ChildSpec(workflow: "inner")), input: #"{"v":"${input.v}"}"#)
                ]))
        let run = try Self.started(await server.start("outer", input: #"{"v":5}"#))
        let (summary, result) = try await Self.end(server, run)
        #expect(summary.status == .completed)
        #expect(result == #"{"sub":{"v":5}}"#)
        let child = try #require(summary.steps[0].child)
        let (inner, _) = try await Self.end(server, child)
        #expect(inner.parent == run)
        await server.close()
    }

    @Test func `a list is gone through, all settled, in order`() async throws {
        let (server, agents) = try await Self.server()
        var list = Self.step("each", input: "${input.items}")
        list.kind = .fanOut(FanOutSpec(concurrency: 2))
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1", steps: [list], resultTemplate: "${steps.each.output}"))
        let run = try Self.started(await server.start("w", input: #"{"items":[1,"b",{"c":3}]}"#))
        let (summary, result) = try await Self.end(server, run)
        #expect(summary.status == .completed)
        #expect(result == #"[{"output":1},{"output":"b"},{"output":{"c":3}}]"#)
        #expect(agents.dispatched.count == 3)
        await server.close()
    }

    @Test func `an event starts runs and feeds those that wait for it`() async throws {
        let (server, _) = try await Self.server()
        _ = await server.put(
            WorkflowDefinition(
                name: "listener", version: "1",
                steps: [Self.bare("w", .wait(WaitSpec(eventType: "order.made")))],
                resultTemplate: "${steps.w.output}"))
        _ = await server.put(
            WorkflowDefinition(
                name: "triggered", version: "1", steps: [Self.step("a")],
                triggers: ["order.made"]))
        _ = await server.put(
            WorkflowDefinition(
                name: "source", version: "1",
                steps: [Self.bare("tell", .publish(eventType: "order.made"))]))
        let waiting = try Self.started(await server.start("listener"))
        let source = try Self.started(await server.start("source", input: #"{"id":9}"#))
        let (_, heard) = try await Self.end(server, waiting)
        #expect(heard == #"{"id":9}"#)
        _ = try await Self.end(server, source)
        let receivers = await server.history(source).compactMap { event -> Int? in
            if case .eventPublished(_, _, let count) = event.kind { count } else { nil }
        }
        #expect(receivers == [2])
        await server.close()
    }

    @Test func `runs of one workflow id can follow each other, or take each other's place`()
        async throws
    {
        let (server, _) = try await Self.server()
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1", steps: [Self.bare("a", .wait(WaitSpec(signal: "go")))]))
        let first = try Self.started(await server.start("w", workflowID: "x"))
        let second = try Self.started(
            await server.start("w", workflowID: "x", conflict: .enqueue))
        guard case .run(let queued, _) = await server.ask({ .getRun(.run(.default, second), $0) })
        else {
            Issue.record("the queued run is not there")
            return
        }
        #expect(queued.status == .queued)
        _ = await Self.operate(server, first, Self.signal("1"))
        _ = try await Self.end(server, first)
        let third = try Self.started(
            await server.start("w", workflowID: "x", conflict: .terminateExisting))
        let (ended, _) = try await Self.end(server, second)
        #expect(ended.status == .terminated)
        _ = await Self.operate(server, third, Self.signal("3"))
        let (last, _) = try await Self.end(server, third)
        #expect(last.status == .completed)
        await server.close()
    }

    @Test func `dead letters are listed by page, and requeued or given up`() async throws {
        let (server, _) = try await Self.server()
        var step = Self.step("a", "fail")
        step.onExhausted = .deadLetter
        _ = await server.put(WorkflowDefinition(name: "w", version: "1", steps: [step]))
        var runs: [RunID] = []
        for _ in 1...3 { runs.append(try Self.started(await server.start("w"))) }
        func list(_ after: DeadLetterCursor?) async -> ([DeadLetter], DeadLetterCursor?) {
            guard
                case .deadLetters(let found, let next) = await server.ask({
                    .listDeadLetters(.default, after: after, limit: 2, $0)
                })
            else { return ([], nil) }
            return (found, next)
        }
        // The answer to a start comes before its step has failed; an operation comes after.
        for run in runs { while await !Self.isParked(server, run) {} }
        let (page, next) = await list(nil)
        #expect(page.map(\.run) == Array(runs[0...1]))
        #expect(page.first?.step.failure?.type == "boom")
        let (rest, end) = await list(next)
        #expect(rest.map(\.run) == [runs[2]])
        #expect(end == nil)
        _ = await Self.operate(server, runs[0], .discard(step: "a"))
        let (summary, _) = try await Self.end(server, runs[0])
        #expect(summary.status == .failed)
        let (left, _) = await list(nil)
        #expect(left.map(\.run) == Array(runs[1...2]))
        await server.close()
    }

    static func isParked(_ server: TestServer, _ run: RunID) async -> Bool {
        guard case .run(let summary, _) = await server.ask({ .getRun(.run(.default, run), $0) })
        else { return false }
        return summary.steps[0].state == .parked
    }

    @Test func `a paused run keeps its results and begins nothing`() async throws {
        let (server, agents) = try await Self.server()
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1",
                steps: [
                    Self.bare("gate", .wait(WaitSpec(signal: "go"))),
                    Self.step("a", "work", ["gate"]),
                ]))
        let run = try Self.started(await server.start("w"))
        _ = await Self.operate(server, run, .pause(reason: "look"))
        _ = await Self.operate(server, run, Self.signal("1"))
        guard case .run(let held, _) = await server.ask({ .getRun(.run(.default, run), $0) })
        else { return }
        #expect(held.status == .paused)
        #expect(held.steps.map(\.state) == [.completed, .scheduled])
        #expect(agents.dispatched.isEmpty)
        _ = await Self.operate(server, run, .resume(reason: ""))
        let (summary, _) = try await Self.end(server, run)
        #expect(summary.status == .completed)
        await server.close()
    }
}
