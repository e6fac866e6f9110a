import Foundation
import GRPC
import Messages
import NIOPosix
import Stubs

/// What clients were told, kept outside the server: the oracle.
actor Oracle {
    private(set) var starts: Set<String> = []
    /// Result bytes of runs whose end was acknowledged.
    private(set) var results: [String: [UInt8]] = [:]
    /// The history of a run as it was read before a kill.
    private(set) var histories: [String: [HistoryEvent]] = [:]

    func started(_ run: String) { starts.insert(run) }
    func ended(_ run: String, _ result: [UInt8]) { results[run] = result }
    func read(_ run: String, _ events: [HistoryEvent]) { histories[run] = events }
}

/// The rounds and the checks.
struct Loop {
    let arguments: Arguments
    let directory: String
    private let oracle = Oracle()
    private static let clients = 8

    init(arguments: Arguments, directory: String) {
        self.arguments = arguments
        self.directory = directory
    }

    func run() async throws -> Verdict {
        var random = SeededRandom(seed: arguments.seed)
        var verdict = Verdict()
        for round in 0..<arguments.rounds {
            try await self.round(
                round, for: .milliseconds(Int64.random(in: 100...700, using: &random)))
            verdict.kills += 1
        }
        try await withServer { client in try await check(client, &verdict) }
        return verdict
    }

    /// Starts the server, lets clients work for a while, kills it.
    private func round(_ number: Int, for duration: Duration) async throws {
        let server = try ServerProcess(
            binary: arguments.binary, directory: directory, port: ServerProcess.freePort())
        let client = GRPCClient(
            host: "127.0.0.1", port: server.port, group: MultiThreadedEventLoopGroup.singleton)
        try await Self.waitUntilReady(client)
        try await Self.define(client)
        let clients = Task {
            await withTaskGroup { group in
                for worker in 0..<Self.clients {
                    group.addTask { await self.work(client, "r\(number)-w\(worker)") }
                }
            }
        }
        try await Task.sleep(for: duration)
        server.kill()
        clients.cancel()
        await clients.value
        await client.close()
    }

    /// One client: starts runs and sometimes waits for one, until the server is gone.
    private func work(_ client: GRPCClient, _ name: String) async {
        let workflows = WorkflowServiceClient(client: client)
        var number = 0
        while !Task.isCancelled {
            number += 1
            do {
                let run = try await start(workflows, "\(name)-\(number)")
                await oracle.started(run)
                if number.isMultiple(of: 3) { try await finish(workflows, run) }
                if number.isMultiple(of: 4) { try await look(workflows, run) }
            } catch {
                return
            }
        }
    }

    private func start(_ workflows: WorkflowServiceClient, _ id: String) async throws -> String {
        var request = StartRunRequest()
        request.workflow = "kill-loop"
        request.workflowID = id
        request.requestID = id
        request.input = Payload(data: Array(#"{"millis": 8}"#.utf8))
        return try await workflows.startRun(request, options: Self.options).runID
    }

    private func finish(_ workflows: WorkflowServiceClient, _ run: String) async throws {
        var request = AwaitRunRequest()
        request.run = RunReference(by: .runID(run))
        let response = try await workflows.awaitRun(request, options: Self.options)
        await oracle.ended(run, response.result?.data ?? [])
    }

    private func look(_ workflows: WorkflowServiceClient, _ run: String) async throws {
        await oracle.read(run, try await Self.history(workflows, run))
    }

    // MARK: Checks

    private func check(_ client: GRPCClient, _ verdict: inout Verdict) async throws {
        let workflows = WorkflowServiceClient(client: client)
        let (starts, results, histories) = await (
            oracle.starts, oracle.results, oracle.histories
        )
        verdict.acknowledgedStarts = starts.count
        verdict.acknowledgedResults = results.count
        for run in starts.sorted() {
            do {
                let fault = try await fault(
                    of: run, result: results[run], before: histories[run], workflows)
                if let fault { verdict.faults.append("run \(run): \(fault)") }
                verdict.completed += 1
            } catch {
                verdict.faults.append("run \(run): \(error)")
            }
        }
    }

    private func fault(
        of run: String, result: [UInt8]?, before: [HistoryEvent]?,
        _ workflows: WorkflowServiceClient
    ) async throws -> String? {
        var request = AwaitRunRequest()
        request.run = RunReference(by: .runID(run))
        let ended = try await workflows.awaitRun(request, options: Self.options)
        guard ended.run?.status == .completed else {
            return "ended as \(ended.run?.status ?? .unspecified)"
        }
        if let result, result != ended.result?.data { return "its acknowledged result changed" }
        let events = try await Self.history(workflows, run)
        if let before, Array(events.prefix(before.count)) != before {
            return "history that was read before a kill changed"
        }
        return HistoryCheck.fault(in: events)
    }

    // MARK: Parts

    private static var options: CallOptions {
        var options = CallOptions()
        options.timeout = .seconds(30)
        return options
    }

    private static func history(
        _ workflows: WorkflowServiceClient, _ run: String
    ) async throws -> [HistoryEvent] {
        var request = GetHistoryRequest()
        request.run = RunReference(by: .runID(run))
        return try await workflows.getHistory(request, options: options).events
    }

    private static func waitUntilReady(_ client: GRPCClient) async throws {
        var options = options
        options.waitForReady = true
        _ = try await AdminServiceClient(client: client).getInfo(GetInfoRequest(), options: options)
    }

    private func withServer(_ body: (GRPCClient) async throws -> Void) async throws {
        let server = try ServerProcess(
            binary: arguments.binary, directory: directory, port: ServerProcess.freePort())
        defer { server.kill() }
        let client = GRPCClient(
            host: "127.0.0.1", port: server.port, group: MultiThreadedEventLoopGroup.singleton)
        try await Self.waitUntilReady(client)
        try await body(client)
        await client.close()
    }

    /// A diamond of short waits, so that kills fall between and inside steps.
    private static func define(_ client: GRPCClient) async throws {
        func step(_ id: String, _ dependsOn: [String]) -> StepDefinition {
            var step = StepDefinition()
            step.id = id
            step.agentType = "echo"
            step.operation = "wait"
            step.dependsOn = dependsOn
            step.inputTemplate = #"{"millis": "${input.millis}"}"#
            return step
        }
        var definition = WorkflowDefinition()
        definition.name = "kill-loop"
        definition.version = "1"
        definition.steps = [
            step("first", []), step("left", ["first"]), step("right", ["first"]),
            step("last", ["left", "right"]),
        ]
        var request = PutDefinitionRequest()
        request.definition = definition
        _ = try await WorkflowServiceClient(client: client).putDefinition(request, options: options)
    }
}
