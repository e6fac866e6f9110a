import Foundation
import GRPC
import Messages
import Stubs
import Testing

/// What clients see of a server that was told to stop while a call is open.
@Suite(.timeLimit(.minutes(2))) struct DrainTests {
    @Test func `new connections are refused at once, and an open call goes on`() async throws {
        let server = try await RunningServer.start(
            try TemporaryDirectory(), ["--with-echo", "--grace", "600"])
        let isOpen = try await openCall(server)
        server.command.process.terminate()
        var refusal = GRPCStatus.ok
        while !refusal.isConnectionFailure { refusal = await status(server) }
        // It listens no more, and works on what is open until the grace is over.
        #expect(server.command.process.isRunning)
        server.kill()
        let end = await #expect(throws: GRPCStatus.self) { try await isOpen.value }
        #expect(end?.isConnectionFailure == true)
        _ = await server.command.ended()
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a second signal ends the grace at once, and what was acknowledged is there`(
        second: Int32
    ) async throws {
        let directory = try TemporaryDirectory()
        let server = try await RunningServer.start(directory, ["--with-echo", "--grace", "600"])
        let definition = WorkflowDefinition(
            name: "kept", version: "1",
            steps: [StepDefinition(id: "a", agentType: "echo", operation: "say")])
        let isOpen = try await openCall(server)
        try await server.withClient { client in
            _ = try await WorkflowServiceClient(client: client).putDefinition(
                PutDefinitionRequest(definition: definition))
        }
        server.command.process.terminate()
        while await !status(server).isConnectionFailure {}
        #expect(server.command.process.isRunning)
        kill(server.command.process.processIdentifier, second)
        let end = await #expect(throws: GRPCStatus.self) { try await isOpen.value }
        #expect(end?.code == .unavailable)
        #expect(await server.command.ended().status == 0)
        let again = try await RunningServer.start(directory)
        let listed = try await again.cadre("workflow", "definitions")
        #expect(listed.output.contains("kept"), "\(listed)")
        #expect(await again.terminate() == 0)
    }

    /// A call that an agent of the server works on, for a minute.
    private func openCall(_ server: RunningServer) async throws -> Task<InvokeResponse, any Error> {
        let input = Payload(data: Array(#"{"millis": 60000}"#.utf8))
        let isOpen = Task {
            try await server.withClient { client in
                try await AgentServiceClient(client: client).invoke(
                    InvokeRequest(agentType: "echo", operation: "wait", payload: input))
            }
        }
        try await server.withClient { client in
            let agents = AgentServiceClient(client: client)
            var busy: Int64 = 0
            while busy == 0 {
                let listed = try await agents.listAgents(ListAgentsRequest())
                busy = Int64(listed.agents.first { $0.type == "echo" }?.inFlight ?? 0)
            }
        }
        return isOpen
    }

    @Test func `a worker finishes what a caller waits for, then it is sent away`() async throws {
        let server = try await RunningServer.start(try TemporaryDirectory(), ["--grace", "600"])
        let definition = WorkflowDefinition(
            name: "one", version: "1",
            steps: [StepDefinition(id: "a", agentType: "hand", operation: "do")])
        try await server.withClient { client in
            let stream = try await AgentServiceClient(client: client).connect()
            var said = stream.responses.makeAsyncIterator()
            let agent = WorkerAgent(id: "hand/1", type: "hand", operations: [.init(name: "do")])
            try await stream.send(ConnectRequest(hello: Hello(agent: agent), ready: 1))
            let workflows = WorkflowServiceClient(client: client)
            _ = try await workflows.putDefinition(PutDefinitionRequest(definition: definition))
            async let executed = workflows.executeRun(
                ExecuteRunRequest(start: StartRunRequest(workflow: "one")))
            var work: WorkAssignment?
            while work == nil { work = try await said.next()?.assignments.first }
            server.command.process.terminate()
            while await !status(server).isConnectionFailure {}
            let result = WorkResult(token: work?.token ?? 0, outcome: .payload(Payload()))
            try await stream.send(ConnectRequest(results: [result]))
            let run = try await executed.run
            #expect(run?.status == .completed)
            do {
                while try await said.next() != nil {}
                Issue.record("the stream ended well")
            } catch {
                #expect((error as? GRPCStatus)?.code == .unavailable)
            }
        }
        #expect(await server.command.ended().status == 0)
    }

    @Test(arguments: [SIGTERM, SIGHUP])
    func `nobody waits for an answer that cannot come any more`(signal: Int32) async throws {
        let server = try await RunningServer.start(try TemporaryDirectory(), ["--grace", "600"])
        let waits = StepDefinition(id: "a", kind: .wait(WaitStep(signal: "go")))
        let definition = WorkflowDefinition(name: "waits", version: "1", steps: [waits])
        try await server.withClient { client in
            let workflows = WorkflowServiceClient(client: client)
            _ = try await workflows.putDefinition(PutDefinitionRequest(definition: definition))
            let executed = Task {
                try await workflows.executeRun(
                    ExecuteRunRequest(start: StartRunRequest(workflow: "waits")))
            }
            while try await workflows.listRuns(ListRunsRequest()).runs.isEmpty {}
            kill(server.command.process.processIdentifier, signal)
            let end = await #expect(throws: GRPCStatus.self) { _ = try await executed.value }
            #expect(end?.code == .unavailable && end?.message.contains("goes on") == true)
        }
        #expect(await server.command.ended().status == 0)
    }

    @Test func `a reader whose stream ends with the server has failed no delivery`() async throws {
        let directory = try TemporaryDirectory()
        let durable = SubscribeRequest(mode: .durable(DurableSubscriber(subscription: "s")))
        for round in 1...4 {
            let server = try await RunningServer.start(directory)
            try await server.withClient { client in
                let events = EventServiceClient(client: client)
                let definition = SubscriptionDefinition(name: "s", patterns: ["a"])
                _ = try await events.putSubscription(
                    PutSubscriptionRequest(subscription: definition))
                if round == 1 { _ = try await events.publish(PublishRequest(topic: "a")) }
                let known = try await events.getSubscription(GetSubscriptionRequest(name: "s"))
                #expect(known.subscription?.subscribers.first?.failedAttempts == 0)
                let stream = try await events.subscribe(durable)
                for try await message in stream where !message.publications.isEmpty { break }
                #expect(await server.terminate() == 0)
                stream.cancel()
            }
        }
    }

    private func status(_ server: RunningServer) async -> GRPCStatus {
        do {
            try await server.withClient { client in
                _ = try await AgentServiceClient(client: client).listAgents(ListAgentsRequest())
            }
            return .ok
        } catch {
            return (error as? GRPCStatus) ?? .ok
        }
    }
}
