import AgentKit
import Coordination
import GRPC
import Messages
import NIOPosix
import Stubs
import Testing
import Threads

/// ``RemoteWorker`` against a real server over real sockets.
struct RemoteWorkerTests {
    /// Does as it is told; tells how far it is.
    private struct Handy: AgentKit.Agent {
        static let type = "handy"

        var operations: [AgentOperation] {
            [
                AgentOperation(raw: "say", "Returns its input.", isIdempotent: true) {
                    input, _ in input
                },
                AgentOperation(raw: "count", "Reports 1 to 3.", isIdempotent: true) {
                    input, context in
                    for number in 1...3 {
                        context.progress(Coordination.Payload(bytes: Array("\(number)".utf8)))
                    }
                    return input
                },
                AgentOperation(raw: "mode", "Says in which mode it works.", isIdempotent: true) {
                    _, context in
                    Coordination.Payload(
                        bytes: Array(
                            "[\(context.mode.rawValue),\(context.currentMode.rawValue)]".utf8))
                },
                AgentOperation(raw: "fail", "Fails.") { _, _ throws -> Coordination.Payload in
                    throw StepFailure(type: "broken", message: "as asked", retryable: false)
                },
                AgentOperation(raw: "nap", "Lets others go first.", isIdempotent: true) {
                    input, _ async in
                    for _ in 0..<20 { await Task.yield() }
                    return input
                },
            ]
        }
    }

    private func worker(
        _ server: ServerUnderTest, _ change: (inout RemoteWorkerConfiguration) -> Void = { _ in }
    ) throws -> RemoteWorker {
        var configuration = RemoteWorkerConfiguration()
        configuration.id = "handy/test"
        configuration.firstBackoff = .milliseconds(10)
        change(&configuration)
        let port = server.port
        return try RemoteWorker(Handy(), configuration) {
            GRPCClient(host: "127.0.0.1", port: port, group: MultiThreadedEventLoopGroup.singleton)
        }
    }

    private func call(_ operation: String, _ wait: Int64 = 30_000) -> InvokeRequest {
        InvokeRequest(
            agentType: "handy", operation: operation,
            payload: Messages.Payload(data: Array("{\"n\":7}".utf8)),
            scheduleToStartMillis: wait)
    }

    /// Runs a worker beside `body`, once it has joined.
    private func with(
        _ worker: RemoteWorker, _ server: ServerUnderTest,
        _ body: (AgentServiceClient) async throws -> Void
    ) async throws {
        let agents = AgentServiceClient(client: server.client)
        let changes = try await agents.watchAgents(WatchAgentsRequest(agentType: "handy"))
        let running = Task { try await worker.run() }
        for try await change in changes { if case .changed = change.update { break } }
        changes.cancel()
        try await body(agents)
        running.cancel()
        _ = try? await running.value
    }

    @Test func `a worker knows the mode, from its welcome and from each change`() async throws {
        try await ServerUnderTest.with { server in
            let breakers = BreakerServiceClient(client: server.client)
            func force(_ mode: Messages.OperatingMode) async throws {
                _ = try await breakers.setMode(
                    SetModeRequest(change: .mode(mode), reason: "drill"))
            }
            func payload(_ text: String) -> InvokeResponse.Outcome {
                .payload(
                    Messages.Payload(data: Array(text.utf8), contentType: "application/json"))
            }
            try await force(.degraded)
            try await with(try worker(server), server) { agents in
                #expect(try await agents.invoke(call("mode")).outcome == payload("[1,1]"))
                try await force(.emergency)
                #expect(try await agents.invoke(call("mode")).outcome == payload("[2,2]"))
                try await force(.normal)
                #expect(try await agents.invoke(call("mode")).outcome == payload("[0,0]"))
            }
        }
    }

    @Test func `an agent serves over the wire as it does in process`() async throws {
        try await ServerUnderTest.with { server in
            try await with(try worker(server), server) { agents in
                for _ in 0..<3 {
                    let said = try await agents.invoke(call("say"))
                    #expect(said.success && said.metadata?.agent == "handy/test")
                }
                let failed = try await agents.invoke(call("fail"))
                guard case .error(let failure) = failed.outcome else {
                    Issue.record("no failure came")
                    return
                }
                #expect(failure.type == "broken" && failure.message == "as asked")
                var seen: [String] = []
                let stream = try await agents.invokeStream(
                    InvokeStreamRequest(invoke: call("count")))
                for try await update in stream {
                    guard case .progress(let progress) = update.update else { continue }
                    seen.append(String(decoding: progress.chunk?.data ?? [], as: UTF8.self))
                }
                #expect(seen == ["1", "2", "3"])
                let health = try await agents.checkHealth(CheckHealthRequest(agentType: "handy"))
                #expect(health.state == .healthy)
            }
        }
    }

    @Test func `many calls at once all come back`() async throws {
        try await ServerUnderTest.with { server in
            try await with(try worker(server) { $0.slots = 8 }, server) { agents in
                let request = call("nap")
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for _ in 0..<200 {
                        group.addTask { try await agents.invoke(request).success }
                    }
                    for try await isGood in group { #expect(isGood) }
                }
            }
        }
    }

    @Test func `a drained worker finishes what it has, then leaves and returns`() async throws {
        try await ServerUnderTest.with { server in
            let worker = try worker(server)
            let agents = AgentServiceClient(client: server.client)
            let changes = try await agents.watchAgents(WatchAgentsRequest(agentType: "handy"))
            var updates = changes.makeAsyncIterator()
            _ = try await updates.next()
            let running = Task { try await worker.run() }
            _ = try await updates.next()
            async let napped = agents.invoke(call("nap"))
            let started = try await agents.invoke(call("say"))
            #expect(started.success)
            _ = try await agents.drainAgent(DrainAgentRequest(agentID: "handy/test"))
            #expect(try await napped.success)
            try await running.value
            while let update = try await updates.next() {
                if case .removed(let id) = update.update {
                    #expect(id == "handy/test")
                    break
                }
            }
            changes.cancel()
        }
    }

    @Test func `a worker that nobody can connect ends with the reason`() async throws {
        try await ServerUnderTest.with { server in
            let worker = try worker(server) { $0.id = String(repeating: "x", count: 300) }
            let status = await #expect(throws: GRPCStatus.self) { try await worker.run() }
            #expect(status?.code == .invalidArgument)
            #expect(status?.badFields.map(\.path) == ["hello.agent.id"])
        }
    }
}
