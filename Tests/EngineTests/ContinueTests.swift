import Coordination
import Engine
import Store
import Testing

/// Runs that are continued as new ones.
@Suite struct ContinueTests {
    /// An agent that counts `n` up by one.
    private static func server(
        store: (any Store)? = nil, limits: EngineLimits = .defaults
    ) async throws -> TestServer {
        var configuration = EngineConfiguration.defaults
        configuration.limits = limits
        let server = try await TestServer(
            store: store ?? InMemoryStore(), configuration: configuration)
        let agents = FakeAgents { assignment in
            if assignment.operation == "fail" {
                return .failure(StepFailure(type: "boom", message: "no", retryable: true))
            }
            let next = (Int(assignment.payload.text.filter(\.isNumber)) ?? 0) + 1
            return .success(Payload(bytes: Array("{\"n\":\(next)}".utf8)))
        }
        agents.join(server.host, type: "echo", operations: ["work", "fail"])
        return server
    }

    /// Counts up to `goal`, one run a number.
    private static func loop(goal: Int, _ spec: ContinueSpec = ContinueSpec())
        -> WorkflowDefinition
    {
        var next = RunOperationTests.bare(
            "next", .continueAsNew(spec), ["count"], input: "\"${steps.count.output}\"")
        next.when = "steps.count.output.n < \(goal)"
        return WorkflowDefinition(
            name: "loop", version: "1", steps: [RunOperationTests.step("count"), next],
            resultTemplate: "\"${steps.count.output}\"")
    }

    private static func summary(_ server: TestServer, _ run: RunID) async throws -> RunSummary {
        guard case .run(let summary, _) = await server.ask({ .getRun(.run(.default, run), $0) })
        else { throw StepFailure(type: "test", message: "no run \(run)", retryable: false) }
        return summary
    }

    /// The ends of a run and of its successors, newest last.
    private static func chain(
        _ server: TestServer, from run: RunID
    ) async throws -> [(summary: RunSummary, result: String?)] {
        var chain: [(summary: RunSummary, result: String?)] = []
        var next: RunID? = run
        while let run = next {
            chain.append(try await RunOperationTests.end(server, run))
            next = chain.last?.summary.continuedAs
        }
        return chain
    }

    @Test func `a loop of runs has one workflow id, and ends with the last one's result`()
        async throws
    {
        let server = try await Self.server()
        _ = await server.put(Self.loop(goal: 3))
        let run = try RunOperationTests.started(
            await server.ask {
                .startRun(
                    StartRun(
                        namespace: .default, definition: "loop", workflowID: "one",
                        input: Payload(bytes: Array(#"{"n":0}"#.utf8)), requestID: "r",
                        conflict: .fail,
                        attributes: [RunAttribute(name: "vip", value: .flag(true))]), $0)
            })
        let chain = try await Self.chain(server, from: run)
        #expect(
            chain.map(\.summary.status) == [.continuedAsNew, .continuedAsNew, .completed])
        #expect(chain.map(\.result) == [nil, nil, #"{"n":3}"#])
        #expect(chain.map(\.summary.workflowID) == ["one", "one", "one"])
        #expect(chain.map(\.summary.continuedFrom) == [nil, run, chain[1].summary.id])
        #expect(chain.allSatisfy { $0.summary.attributes.map(\.name) == ["vip"] })
        // The end of one and the begin of the next are of one turn, and no loop runs hot.
        for (one, next) in zip(chain, chain.dropFirst()) {
            #expect(one.summary.closedMillis == next.summary.startedMillis)
            #expect(next.summary.startedMillis - one.summary.startedMillis >= 1_000)
        }
        let last = await server.history(run).last
        #expect(last?.kind == .runContinued(as: chain[1].summary.id))
        let first = await server.history(chain[1].summary.id).first
        guard case .runTookOver(_, from: run) = first?.kind else {
            Issue.record("\(String(describing: first)) does not tell where it comes from")
            return
        }
        guard
            case .run(let newest, _) = await server.ask({
                .getRun(.workflow(.default, "one"), $0)
            })
        else { throw StepFailure(type: "test", message: "no run", retryable: false) }
        #expect(newest.id == chain[2].summary.id)
        let retry = await server.ask {
            .operateRun(
                OperateRun(run: .run(.default, run), operation: .retry(reason: "")), $0)
        }
        guard case .rejected(let refusal) = retry else {
            Issue.record("a continued run was taken up again")
            return
        }
        #expect(refusal.reason == "RUN_NOT_RETRYABLE")
        let signal = await RunOperationTests.operate(server, run, RunOperationTests.signal("1"))
        guard case .rejected(let late) = signal else {
            Issue.record("a continued run took a signal")
            return
        }
        let next = chain[1].summary.id
        #expect(late.message.contains("(continued_as_new); it goes on as run \(next)"))
        await server.close()
    }

    @Test func `signals that no step has taken go over, in order`() async throws {
        let server = try await Self.server()
        let wait = RunOperationTests.bare("wait", .wait(WaitSpec(signal: "go")))
        var next = RunOperationTests.bare("next", .continueAsNew(ContinueSpec()), ["wait"])
        next.when = "steps.wait.output != 3"
        _ = await server.put(
            WorkflowDefinition(
                name: "w", version: "1", steps: [wait, next],
                resultTemplate: "\"${steps.wait.output}\""))
        let run = try RunOperationTests.started(await server.start("w", workflowID: "one"))
        for text in ["1", "2", "3"] {
            guard
                // By workflow id: the run may have continued as new by now.
                case .operated = await server.ask({
                    .operateRun(
                        OperateRun(
                            run: .workflow(.default, "one"),
                            operation: RunOperationTests.signal(text)), $0)
                })
            else {
                Issue.record("signal \(text) was not taken")
                continue
            }
        }
        let chain = try await Self.chain(server, from: run)
        #expect(chain.map(\.result) == [nil, nil, "3"])
        let got = await server.history(chain[1].summary.id).count {
            if case .signalReceived = $0.kind { true } else { false }
        }
        // Those that came while the first run still waited went over; the others came by themselves.
        #expect(got >= 1)
        await server.close()
    }

    @Test func `a parent waits for the end of its child's last successor`() async throws {
        let server = try await Self.server()
        _ = await server.put(Self.loop(goal: 3))
        _ = await server.put(
            WorkflowDefinition(
                name: "parent", version: "1",
                steps: [RunOperationTests.bare("child", .child(ChildSpec(workflow: "loop")))],
                resultTemplate: "\"${steps.child.output}\""))
        let run = try RunOperationTests.started(await server.start("parent", input: #"{"n":0}"#))
        let (summary, result) = try await RunOperationTests.end(server, run)
        #expect(summary.status == .completed && result == #"{"n":3}"#)
        let child = try #require(summary.steps.first?.child)
        let last = try await Self.summary(server, child)
        #expect(last.continuedFrom != nil && last.parent == run)
        // However often a child goes on, its parent's history tells of one begin and one end.
        #expect(summary.lastSequence == 6)
        await server.close()
    }

    @Test func `whoever waits for the workflow id waits for the successors too`() async throws {
        let server = try await Self.server()
        _ = await server.put(Self.loop(goal: 2))
        let first = try RunOperationTests.started(
            await server.start("loop", workflowID: "one", input: #"{"n":0}"#))
        let queued = try RunOperationTests.started(
            await server.start("loop", workflowID: "one", input: #"{"n":5}"#, conflict: .enqueue))
        let chain = try await Self.chain(server, from: first)
        #expect(chain.count == 2)
        let after = try await RunOperationTests.end(server, queued)
        #expect(after.1 == #"{"n":6}"#)
        let began = await server.history(queued).first {
            if case .runResumed = $0.kind { true } else { false }
        }
        // It did not wait at all if the others had ended before it came.
        if let began { #expect(began.atMillis >= chain[1].summary.closedMillis ?? .max) }
        await server.close()
    }

    @Test(arguments: [VersionPolicy.current, .keep])
    func `the successor has the current version, or the one before it`(policy: VersionPolicy)
        async throws
    {
        let expected = ["1", policy == .keep ? "1" : "2"]
        var versions: [String] = []
        // Again if the first run had gone on before the new version was there.
        for _ in 1...20 where versions != expected {
            let server = try await Self.server()
            _ = await server.put(Self.loop(goal: 2, ContinueSpec(version: policy)))
            let run = try RunOperationTests.started(await server.start("loop", input: #"{"n":0}"#))
            var other = Self.loop(goal: 2)
            other.version = "2"
            _ = await server.put(other)
            versions = try await Self.chain(server, from: run).map(\.summary.version)
            await server.close()
        }
        #expect(versions == expected)
    }

    @Test func `without the definition that should follow, the run fails`() async throws {
        let server = try await Self.server()
        _ = await server.put(Self.loop(goal: 9, ContinueSpec(workflow: "nowhere")))
        let run = try RunOperationTests.started(await server.start("loop", input: #"{"n":0}"#))
        let (summary, _) = try await RunOperationTests.end(server, run)
        #expect(summary.status == .failed && summary.failure?.type == "workflow_not_found")
        await server.close()
    }

    @Test func `what cannot be continued is named`() {
        var step = RunOperationTests.bare(
            "a", .continueAsNew(ContinueSpec(workflow: "other", version: .keep)))
        step.compensation = StepWork(agentType: "echo", operation: "undo")
        let after = RunOperationTests.step("b", "work", ["a"])
        let definition = WorkflowDefinition(name: "w", version: "1", steps: [step, after])
        let faults = #expect(throws: DefinitionFaults.self) { _ = try WorkflowPlan(definition) }
        #expect(
            faults?.faults.map(\.field) == [
                "steps[0].continue_as_new.version", "steps[0].continue_as_new",
                "steps[1].depends_on[0]",
            ])
    }

    // MARK: Limits

    @Test(arguments: [true, false])
    func `a run that retries for ever stops at the limits of its history`(isByEvents: Bool)
        async throws
    {
        var limits = EngineLimits.defaults
        if isByEvents { limits.run.maxEvents = 100 } else { limits.run.maxHistoryBytes = 3_000 }
        let server = try await Self.server(limits: limits)
        var step = RunOperationTests.step("a", "fail")
        step.retry = RetryPolicy(maxAttempts: 1_000, initialMillis: 0, maxMillis: 0)
        _ = await server.put(WorkflowDefinition(name: "w", version: "1", steps: [step]))
        let run = try RunOperationTests.started(await server.start("w"))
        let (summary, _) = try await RunOperationTests.end(server, run)
        #expect(summary.status == .failed && summary.failure?.type == "history_limit")
        #expect(summary.failure?.message.contains("boom: no") == true)
        #expect(summary.lastSequence > 60 && summary.lastSequence < (isByEvents ? 110 : 300))
        await server.close()
    }

    @Test(arguments: [true, false])
    func `a step that would continue as a workflow that is not there fails`(isRequired: Bool) {
        var next = ExplainTests.bare("next", .continueAsNew(ContinueSpec(workflow: "nowhere")))
        next.isRequired = isRequired
        var bench = EngineBench()
        bench.put(WorkflowDefinition(name: "w", version: "1", steps: [next]))
        let run = bench.start("w")
        let closed = bench.send { .awaitRun(.run(.default, run), $0) }
        bench.pass(millis: 1_000)
        let end = StepBallotTests.end(bench, closed)?.0
        #expect(end?.status == (isRequired ? .failed : .completed))
        #expect(end?.steps.map(\.state) == [.failed])
        #expect(end?.steps.first?.failure?.type == "workflow_not_found")
    }
}
