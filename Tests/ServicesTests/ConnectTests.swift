import GRPC
import Messages
import Stubs
import Testing

/// The protocol of `Connect`, spoken by hand over real sockets.
struct ConnectTests {
    private typealias Wire = WorkerWire

    static func hello(
        id: String = "hand/1", resume: String = "", held: [UInt64] = [], ready: Int32 = 4,
        lease: Int64 = 60_000
    ) -> ConnectRequest {
        ConnectRequest(
            hello: Hello(
                agent: WorkerAgent(
                    id: id, type: "hand",
                    operations: [Messages.Operation(name: "do", idempotent: true)]),
                resumeSession: resume, held: held, leaseMillis: lease),
            ready: ready)
    }

    static func result(_ token: UInt64, _ json: String) -> ConnectRequest {
        ConnectRequest(results: [
            WorkResult(token: token, outcome: .payload(Payload(data: Array(json.utf8))))
        ])
    }

    static let call = InvokeRequest(agentType: "hand", operation: "do")

    @Test func `a worker is welcomed, sent work, and told that its result counts`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello(lease: 0))
            let welcome = try #require(try await wire.welcome())
            #expect(welcome.agentID == "hand/1" && !welcome.resumed)
            #expect(welcome.leaseMillis == 10_000)
            let agents = AgentServiceClient(client: server.client)
            async let answer = agents.invoke(Self.call)
            try await wire.read { !$0.assignments.isEmpty }
            let work = wire.assignments[0]
            #expect(work.operation == "do" && work.attempt == 1 && work.namespace == "default")
            #expect(work.payload?.data == Array("{}".utf8))
            #expect(work.fencingToken == work.token)
            try await wire.send(Self.result(work.token, "{\"n\":1}"))
            let response = try await answer
            #expect(
                response.outcome
                    == .payload(
                        Payload(data: Array("{\"n\":1}".utf8), contentType: "application/json")))
            #expect(response.metadata?.agent == "hand/1")
            try await wire.read { !$0.accepted.isEmpty }
            #expect(wire.accepted == [work.token])
            let listed = try await agents.listAgents(ListAgentsRequest(agentType: "hand")).agents
            #expect(listed.first?.session?.connected == true && listed.first?.completed == 1)
            #expect(listed.first?.location.hasPrefix("127.0.0.1:") == true)
            try await wire.send(ConnectRequest(leave: Leave(reason: "done")))
            #expect(try await wire.responses.next() == nil)
            let left = try await agents.listAgents(ListAgentsRequest(agentType: "hand")).agents
            #expect(left.isEmpty)
        }
    }

    /// A run of one step of ``call``'s kind, that an event of another run starts too.
    private static let traced = WorkflowDefinition(
        name: "traced", version: "1",
        steps: [StepDefinition(id: "a", agentType: "hand", operation: "do")])

    @Test func `the caller's place in its trace goes to the worker, and so does a run's`()
        async throws
    {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            _ = try #require(try await wire.welcome())
            let workflows = WorkflowServiceClient(client: server.client)
            _ = try await workflows.putDefinition(PutDefinitionRequest(definition: Self.traced))
            let parent = StepDefinition(id: "c", kind: .child(ChildStep(workflow: "traced")))
            _ = try await workflows.putDefinition(
                PutDefinitionRequest(
                    definition: WorkflowDefinition(name: "above", version: "1", steps: [parent])))
            let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            var options = CallOptions()
            options.metadata.add("traceparent", trace)
            let agents = AgentServiceClient(client: server.client)
            async let invoked = agents.invoke(Self.call, options: options)
            async let run = workflows.executeRun(
                ExecuteRunRequest(start: StartRunRequest(workflow: "above")), options: options)
            try await wire.read { $0.assignments.count == 2 }
            #expect(wire.assignments.map(\.traceparent) == [trace, trace])
            for work in wire.assignments { try await wire.send(Self.result(work.token, "{}")) }
            #expect(try await invoked.success)
            #expect(try await run.run?.status == .completed)
            // What is no trace context is no fault of the call.
            var odd = CallOptions()
            odd.metadata.add("traceparent", "00-nonsense")
            async let plain = agents.invoke(Self.call, options: odd)
            try await wire.read { $0.assignments.count == 3 }
            #expect(wire.assignments[2].traceparent == "")
            try await wire.send(Self.result(wire.assignments[2].token, "{}"))
            #expect(try await plain.success)
        }
    }

    @Test func `a broken stream is resumed with what is held, and no caller notices`() async throws
    {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            let welcome = try #require(try await wire.welcome())
            let agents = AgentServiceClient(client: server.client)
            async let answer = agents.invoke(Self.call)
            try await wire.read { !$0.assignments.isEmpty }
            let token = wire.assignments[0].token
            wire.stream.cancel()
            var again = try await Wire(server)
            try await again.send(Self.hello(resume: welcome.session, held: [token, 77]))
            #expect(try #require(try await again.welcome()).resumed)
            try await again.send(Self.result(token, "{}"))
            let response = try await answer
            #expect(response.success && response.metadata?.attempts == 1)
            try await again.read { !$0.accepted.isEmpty }
            #expect(again.stale == [77])
            again.stream.cancel()
        }
    }

    @Test func `a caller who gives up has the work cancelled`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            _ = try await wire.welcome()
            let agents = AgentServiceClient(client: server.client)
            let caller = Task { try await agents.invoke(Self.call) }
            try await wire.read { !$0.assignments.isEmpty }
            caller.cancel()
            try await wire.read { !$0.cancelled.isEmpty }
            #expect(wire.cancelled == [wire.assignments[0].token])
            try await wire.send(Self.result(wire.cancelled[0], "{}"))
            try await wire.read { !$0.stale.isEmpty }
            #expect(wire.stale == wire.cancelled)
            wire.stream.cancel()
        }
    }

    @Test func `an id that is taken is refused, and no other session is disturbed`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            _ = try await wire.welcome()
            var second = try await Wire(server)
            try await second.send(Self.hello())
            let status = await #expect(throws: GRPCStatus.self) { try await second.welcome() }
            #expect(status?.code == .alreadyExists && status?.reason == "AGENT_ID_TAKEN")
            #expect(status?.retryDelay != nil)
            let agents = AgentServiceClient(client: server.client)
            async let answer = agents.invoke(Self.call)
            try await wire.read { !$0.assignments.isEmpty }
            try await wire.send(Self.result(wire.assignments[0].token, "{}"))
            #expect(try await answer.success)
            wire.stream.cancel()
        }
    }

    @Test func `the first message must be a right hello`() async throws {
        let long = String(repeating: "x", count: 300)
        var many = Self.hello()
        many.hello?.agent?.labels = FieldMap(
            lastWins: (0..<65).map { .init(key: "k\($0)", value: "v") })
        let cases: [(ConnectRequest, [String])] = [
            (ConnectRequest(), ["hello"]),
            (ConnectRequest(hello: Hello()), ["hello.agent"]),
            (
                ConnectRequest(hello: Hello(agent: WorkerAgent())),
                ["hello.agent.type", "hello.agent.operations"]
            ),
            (Self.hello(id: long), ["hello.agent.id"]),
            (Self.hello(resume: "nonsense"), ["hello.resume_session"]),
            (Self.hello(lease: 3), ["hello.lease_millis"]),
            (many, ["hello.agent.labels"]),
        ]
        try await ServerUnderTest.with { server in
            for (request, fields) in cases {
                var wire = try await Wire(server)
                try await wire.send(request)
                let status = await #expect(throws: GRPCStatus.self) { try await wire.welcome() }
                #expect(status?.code == .invalidArgument)
                #expect(status?.badFields.map(\.path) == fields)
            }
        }
    }

    @Test func `what a worker says wrong ends its stream and names the field`() async throws {
        let cases: [(ConnectRequest, String)] = [
            (Self.hello(), "hello"),
            (ConnectRequest(ready: -1), "ready"),
            (ConnectRequest(ready: 70_000), "ready"),
            (ConnectRequest(results: [WorkResult(token: 1)]), "results[0].outcome"),
            (
                ConnectRequest(heartbeats: [
                    WorkHeartbeat(
                        token: 1, details: Payload(data: Array(repeating: 1, count: 5_000)))
                ]), "heartbeats[0].details"
            ),
            (
                ConnectRequest(heartbeats: [
                    WorkHeartbeat(
                        token: 1,
                        details: Payload(data: [], contentType: String(repeating: "t", count: 257)))
                ]), "heartbeats[0].details.content_type"
            ),
        ]
        try await ServerUnderTest.with { server in
            for (number, (request, field)) in cases.enumerated() {
                var wire = try await Wire(server)
                try await wire.send(Self.hello(id: "hand/\(number)"))
                _ = try await wire.welcome()
                try await wire.send(request)
                let status = await #expect(throws: GRPCStatus.self) {
                    try await wire.read { _ in false }
                }
                #expect(status?.code == .invalidArgument)
                #expect(status?.badFields.map(\.path) == [field])
                let agent = try await AgentServiceClient(client: server.client)
                    .getAgent(GetAgentRequest(agentID: "hand/\(number)")).agent
                #expect(agent?.session?.connected == false)
                #expect(agent?.holds.contains("disconnected") == true)
            }
        }
    }

    @Test func `a heartbeat may be as long as the details alone, whatever its type`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            _ = try await wire.welcome()
            let details = Payload(
                data: Array(repeating: 0x31, count: 4_096), contentType: "application/json")
            try await wire.send(
                ConnectRequest(
                    results: [WorkResult(token: 77, outcome: .failure(Messages.Failure()))],
                    heartbeats: [WorkHeartbeat(token: 77, details: details)]))
            try await wire.read { !$0.stale.isEmpty }
            #expect(Set(wire.stale) == [77])
            wire.stream.cancel()
        }
    }

    @Test func `an id that the server makes of a long type can be said again`() async throws {
        try await ServerUnderTest.with { server in
            var hello = Self.hello(id: "")
            hello.hello?.agent?.type = String(repeating: "t", count: 256)
            var wire = try await Wire(server)
            try await wire.send(hello)
            let welcome = try #require(try await wire.welcome())
            wire.stream.cancel()
            hello.hello?.agent?.id = welcome.agentID
            hello.hello?.resumeSession = welcome.session
            var again = try await Wire(server)
            try await again.send(hello)
            #expect(try #require(try await again.welcome()).resumed)
            again.stream.cancel()
        }
    }

    @Test func `a first message that is wrong anywhere begins no session`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello(ready: -1))
            let status = await #expect(throws: GRPCStatus.self) { try await wire.welcome() }
            #expect(status?.badFields.map(\.path) == ["ready"])
            let agents = try await AgentServiceClient(client: server.client)
                .listAgents(ListAgentsRequest(agentType: "hand")).agents
            #expect(agents.isEmpty)
        }
    }

    @Test func `progress goes to the caller who watches, before the result`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            _ = try await wire.welcome()
            let agents = AgentServiceClient(client: server.client)
            let updates = try await agents.invokeStream(InvokeStreamRequest(invoke: Self.call))
            try await wire.read { !$0.assignments.isEmpty }
            let work = wire.assignments[0]
            #expect(work.wantsProgress)
            for number in 1...3 {
                try await wire.send(
                    ConnectRequest(progress: [
                        WorkProgress(
                            token: work.token, chunk: Payload(data: Array("\(number)".utf8)))
                    ]))
            }
            try await wire.send(Self.result(work.token, "{}"))
            var seen: [String] = []
            for try await update in updates {
                switch update.update {
                case .progress(let progress):
                    seen.append(String(decoding: progress.chunk?.data ?? [], as: UTF8.self))
                case .result(let response): seen.append("\(response.success)")
                case nil: Issue.record("an empty update")
                }
            }
            #expect(seen == ["1", "2", "3", "true"])
            wire.stream.cancel()
        }
    }

    @Test func `progress goes on after the worker has resumed on another stream`() async throws {
        try await ServerUnderTest.with { server in
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            let welcome = try #require(try await wire.welcome())
            let agents = AgentServiceClient(client: server.client)
            let updates = try await agents.invokeStream(InvokeStreamRequest(invoke: Self.call))
            try await wire.read { !$0.assignments.isEmpty }
            let token = wire.assignments[0].token
            wire.stream.cancel()
            var again = try await Wire(server)
            try await again.send(Self.hello(resume: welcome.session, held: [token]))
            #expect(try #require(try await again.welcome()).resumed)
            try await again.send(
                ConnectRequest(progress: [
                    WorkProgress(token: token, chunk: Payload(data: Array("7".utf8)))
                ]))
            try await again.send(Self.result(token, "{}"))
            var seen: [String] = []
            for try await update in updates {
                switch update.update {
                case .progress(let progress):
                    #expect(progress.attempt == 1)
                    seen.append(String(decoding: progress.chunk?.data ?? [], as: UTF8.self))
                case .result(let response): seen.append("\(response.success)")
                case nil: Issue.record("an empty update")
                }
            }
            #expect(seen == ["7", "true"])
            again.stream.cancel()
        }
    }

    @Test func `all invokes of a fan-out are settled, and none hides another`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let response = try await agents.invokeAll(
                InvokeAllRequest(invokes: [
                    InvokeRequest(agentType: "probe", operation: "say"),
                    InvokeRequest(agentType: "nobody", operation: "say"),
                    InvokeRequest(agentType: "probe", operation: "fail"),
                    InvokeRequest(agentType: "probe", operation: "say"),
                ]))
            #expect(response.outcomes.count == 4 && response.succeeded == 2)
            guard case .refusal(let refusal) = response.outcomes[1].outcome,
                case .response(let failed) = response.outcomes[2].outcome
            else {
                Issue.record("the outcomes are not in order")
                return
            }
            #expect(refusal.reason == "AGENT_TYPE_NOT_FOUND" && refusal.code == 5)
            #expect(!failed.success)
        }
    }

    @Test func `an answer too large for the message of a fan-out does not hide the others`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let swell = InvokeRequest(agentType: "probe", operation: "swell")
            let say = InvokeRequest(agentType: "probe", operation: "say")
            let response = try await agents.invokeAll(
                InvokeAllRequest(invokes: [swell, swell, say, swell, say]))
            #expect(response.outcomes.count == 5 && response.succeeded == 4)
            let reasons = response.outcomes.compactMap {
                if case .refusal(let refusal) = $0.outcome { refusal.reason } else { nil }
            }
            #expect(reasons == ["ANSWER_TOO_LARGE"])
        }
    }

    @Test func `watchers see who joins, drains and leaves`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            let changes = try await agents.watchAgents(WatchAgentsRequest(agentType: "hand"))
            var updates = changes.makeAsyncIterator()
            let first = try #require(try await updates.next())
            #expect(first.update == .snapshot(AgentSnapshot()))
            let wire = try await Wire(server)
            try await wire.send(Self.hello())
            guard case .changed(let joined) = try await updates.next()?.update else {
                Issue.record("nobody joined")
                return
            }
            #expect(joined.id == "hand/1")
            let drained = try await agents.drainAgent(
                DrainAgentRequest(agentID: "hand/1", reason: "test"))
            #expect(drained.agent?.holds.contains("draining") == true)
            guard case .changed(let willing) = try await updates.next()?.update,
                case .changed(let draining) = try await updates.next()?.update
            else {
                Issue.record("the first credits or the drain were not told")
                return
            }
            #expect(joined.holds == ["no_credit"] && willing.holds == [])
            #expect(draining.holds == ["draining"])
            let refused = await #expect(throws: GRPCStatus.self) {
                try await agents.invoke(Self.call)
            }
            #expect(refused?.reason == "NO_LIVE_INSTANCE")
            try await wire.send(ConnectRequest(leave: Leave()))
            let last = try #require(try await updates.next())
            #expect(last.update == .removed("hand/1"))
            #expect(last.sequence == first.sequence + 4)
            changes.cancel()
        }
    }

    @Test func `a call may wait for an instance of a known type`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            _ = try await wire.welcome()
            try await wire.send(ConnectRequest(leave: Leave()))
            #expect(try await wire.responses.next() == nil)
            var patient = Self.call
            patient.scheduleToStartMillis = 60_000
            async let answer = agents.invoke(patient)
            var impatient = Self.call
            impatient.scheduleToStartMillis = 1
            let late = await #expect(throws: GRPCStatus.self) { try await agents.invoke(impatient) }
            #expect(late?.code == .unavailable && late?.reason == "NOT_STARTED_IN_TIME")
            var second = try await Wire(server)
            try await second.send(Self.hello())
            try await second.read { !$0.assignments.isEmpty }
            try await second.send(Self.result(second.assignments[0].token, "{}"))
            #expect(try await answer.success)
            second.stream.cancel()
        }
    }

    @Test func `a call under an assignment ends with it`() async throws {
        try await ServerUnderTest.with { server in
            let agents = AgentServiceClient(client: server.client)
            var wire = try await Wire(server)
            try await wire.send(Self.hello())
            _ = try await wire.welcome()
            async let parent = agents.invoke(Self.call)
            try await wire.read { !$0.assignments.isEmpty }
            let token = wire.assignments[0].token
            var child = InvokeRequest(agentType: "probe", operation: "hang")
            child.parentToken = token
            let called = Task { [child] in try await agents.invoke(child) }
            // The child holds the probe's one slot once this one waits behind it.
            try await wire.send(Self.result(token, "{}"))
            #expect(try await parent.success)
            let ended = await #expect(throws: GRPCStatus.self) { try await called.value }
            #expect(ended?.code == .failedPrecondition && ended?.reason == "PARENT_ENDED")
            wire.stream.cancel()
        }
    }
}
