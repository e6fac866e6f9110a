import GRPC
import Messages
import Stubs
import Testing

@testable import Services

/// Lists and answers that outgrow the 4 MiB which clients take by default.
struct PagingTests {
    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    /// Every page of a list, and how many there were.
    private func pages<Entry>(
        _ page: (String) async throws -> ([Entry], String)
    ) async throws -> (entries: [Entry], count: Int) {
        var all: [Entry] = []
        var count = 0
        var token = ""
        repeat {
            let (entries, next) = try await page(token)
            all += entries
            token = next
            count += 1
        } while !token.isEmpty && count < 1_000
        return (all, count)
    }

    // MARK: Agents

    /// An instance of some 220 KB, a thousand operations, that may be silent for the whole test.
    private func hello(_ id: String) -> ConnectRequest {
        ConnectRequest(
            hello: Hello(
                agent: WorkerAgent(
                    id: id, type: "large",
                    operations: (0..<1_000).map {
                        Messages.Operation(name: "\($0)-" + String(repeating: "o", count: 200))
                    }), leaseMillis: 300_000))
    }

    @Test func `agents come by page, and a snapshot of them in parts`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let ids = (10..<40).map { "large/\($0)" }
            var streams: [DuplexStream<ConnectRequest, ConnectResponse>] = []
            for id in ids {
                let stream = try await agents.connect()
                try await stream.send(hello(id))
                var responses = stream.responses.makeAsyncIterator()
                #expect(try await responses.next()?.welcome?.agentID == id)
                streams.append(stream)
            }
            for size: Int32 in [0, 7] {
                let (found, count) = try await pages {
                    let page = try await agents.listAgents(
                        ListAgentsRequest(agentType: "large", pageSize: size, pageToken: $0))
                    return (page.agents.map(\.id), page.nextPageToken)
                }
                #expect(found == ids && count == (size == 0 ? 3 : 5))
            }
            var seen: [String] = []
            for try await update in try await agents.watchAgents(
                WatchAgentsRequest(agentType: "large"))
            {
                switch update.update {
                case .snapshot(let part): seen += part.agents.map(\.id)
                case .changed(let agent): seen.append(agent.id)
                case .removed, nil: Issue.record("nobody left")
                }
                if seen.count >= ids.count { break }
            }
            #expect(seen == ids)
            for stream in streams { try await stream.send(ConnectRequest(leave: Leave())) }
        }
    }

    @Test func `what no list has given is refused by name`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            for token in ["x", "9:probe/1", "05:probeprobe/1", "-1:a", ":"] {
                let refused = await status {
                    _ = try await agents.listAgents(ListAgentsRequest(pageToken: token))
                }
                #expect(refused?.code == .invalidArgument)
                #expect(refused?.badFields.map(\.path) == ["page_token"], "\(token)")
            }
            let bad = await status {
                _ = try await BreakerServiceClient(client: server.client).listBreakers(
                    ListBreakersRequest(
                        pageSize: -1, pageToken: String(repeating: "t", count: 601)))
            }
            #expect(bad?.badFields.map(\.path) == ["page_size", "page_token"])
        }
    }

    @Test(arguments: [("", ""), ("a:b", "c"), ("4:é", "ü")])
    func `a cursor of agents reads back`(type: String, id: String) {
        let cursor = AgentCursor(type: type, id: id)
        #expect(AgentCursor(token: cursor.token) == cursor)
    }

    @Test func `of a fleet that does not fit, those that are not well are told`() {
        let detail = String(repeating: "d", count: 1_000)
        let all = (0..<4_000).map {
            AgentHealth(
                agentID: "a/\($0)", agentType: "a", state: $0 % 4 == 1 ? .unhealthy : .healthy,
                detail: detail)
        }
        let told = HealthCheck.fitting(all)
        #expect(CheckHealthResponse(agents: told).encoded(leaving: 0).count < 4 << 20)
        #expect(told.count > 2_500 && told.count < 4_000)
        #expect(told.count { $0.state == .unhealthy } == 1_000)
        let places = told.map { Int($0.agentID.dropFirst(2)) ?? -1 }
        #expect(places == places.sorted())
    }

    // MARK: Breakers

    private func breaker(_ name: String) -> BreakerDefinition {
        let excluded = (0..<100).map { "\($0)-" + String(repeating: "f", count: 240) }
        return BreakerDefinition(
            name: name, rules: .calls(CallRules(failureCount: 2)),
            binding: BreakerBinding(agentType: name, excludedFailures: excluded))
    }

    @Test func `breakers come by page, and a snapshot of them in parts`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = BreakerServiceClient(client: server.client)
            let names = (100..<300).map { "b\($0)" }
            for name in names.reversed() {
                _ = try await breakers.putBreaker(PutBreakerRequest(breaker: breaker(name)))
            }
            let (found, count) = try await pages {
                let page = try await breakers.listBreakers(ListBreakersRequest(pageToken: $0))
                return (page.breakers.compactMap(\.definition?.name), page.nextPageToken)
            }
            #expect(found == names && count == 2)
            var seen: [String] = []
            for try await update in try await breakers.watchBreakers(WatchBreakersRequest()) {
                switch update.update {
                case .snapshot(let part): seen += part.breakers.compactMap(\.definition?.name)
                case .changed(let breaker): seen.append(breaker.definition?.name ?? "")
                case .deleted, nil: Issue.record("nothing was deleted")
                }
                if seen.count >= names.count { break }
            }
            #expect(seen == names)
        }
    }

    // MARK: Workflows

    @Test func `definitions come by page, and one that is too large is refused`() async throws {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            func definition(_ name: String, templates: Int) -> WorkflowDefinition {
                let template = "\"" + String(repeating: "t", count: 65_000) + "\""
                return WorkflowDefinition(
                    name: name, version: "1",
                    steps: (0..<templates).map {
                        StepDefinition(
                            id: "s\($0)", agentType: "probe", operation: "say",
                            inputTemplate: template)
                    })
            }
            let names = (0..<8).map { "w\($0)" }
            for name in names {
                _ = try await workflows.putDefinition(
                    PutDefinitionRequest(definition: definition(name, templates: 14)))
            }
            let (found, count) = try await pages {
                let page = try await workflows.listDefinitions(
                    ListDefinitionsRequest(pageToken: $0))
                return (page.definitions.map(\.name), page.nextPageToken)
            }
            #expect(found == names && count == 3)
            let large = await status {
                _ = try await workflows.putDefinition(
                    PutDefinitionRequest(definition: definition("large", templates: 20)))
            }
            #expect(large?.code == .invalidArgument)
            #expect(large?.badFields.map(\.path) == ["definition"])
        }
    }

    /// A list whose elements fail with messages that do not fit into one output, so that they stay.
    @Test func `a run whose steps do not fit into an answer leaves the last ones out`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            var list = StepDefinition(
                id: "list", agentType: "probe", operation: "moan", inputTemplate: "\"${input}\"",
                kind: .fanOut(FanOutStep(concurrency: 100)))
            list.retry = RetryPolicy(maxAttempts: 1)
            let definition = WorkflowDefinition(name: "moans", version: "1", steps: [list])
            _ = try await workflows.putDefinition(PutDefinitionRequest(definition: definition))
            let input = "[" + Array(repeating: "1", count: 1_000).joined(separator: ",") + "]"
            let start = StartRunRequest(workflow: "moans", input: Payload(data: Array(input.utf8)))
            let ended = try await workflows.executeRun(ExecuteRunRequest(start: start))
            let run = try #require(ended.run)
            #expect(run.status == .failed && run.failure?.type == "input_too_large")
            #expect(run.steps.prefix(2).map(\.id) == ["list", "list[0]"])
            #expect(run.omittedSteps > 0 && run.steps.count + Int(run.omittedSteps) == 1_001)
            let graph = try await workflows.getGraph(
                GetGraphRequest(run: RunReference(by: .runID(run.runID)))
            ).graph
            #expect(graph?.omitted ?? 0 >= run.omittedSteps)
        }
    }

    @Test func `dead letters with long stories come in shorter pages`() async throws {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            let definition = WorkflowDefinition(
                name: "lost", version: "1",
                steps: (0..<500).map {
                    StepDefinition(
                        id: "s\($0)", agentType: "probe", operation: "moan",
                        retry: RetryPolicy(maxAttempts: 1), onExhausted: .deadLetter)
                })
            _ = try await workflows.putDefinition(PutDefinitionRequest(definition: definition))
            var runs: [String] = []
            for _ in 0..<2 {
                let run = try await workflows.startRun(StartRunRequest(workflow: "lost")).runID
                runs.append(run)
                var parked = 0
                let watch = WatchRunRequest(run: RunReference(by: .runID(run)))
                for try await update in try await workflows.watchRun(watch) {
                    if case .event(let event) = update.update, event.type == .stepParked {
                        parked += 1
                    }
                    if parked == 500 { break }
                }
            }
            let (found, count) = try await pages {
                let page = try await workflows.listDeadLetters(
                    ListDeadLettersRequest(pageSize: 1_000, pageToken: $0))
                return (page.deadLetters.map { "\($0.runID) \($0.step)" }, page.nextPageToken)
            }
            #expect(found == runs.flatMap { run in (0..<500).map { "\(run) s\($0)" } })
            #expect(count == 2)
        }
    }
}
