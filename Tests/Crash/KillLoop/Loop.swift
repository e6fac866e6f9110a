import CrashKit
import GRPC
import Messages
import NIOPosix
import Stubs

/// The rounds.
struct Loop {
    let arguments: Arguments
    let directory: String
    private let oracle = Oracle()
    private static let clients = 8
    /// A start takes about this long, from the first instruction to the first answer.
    private static let recoveryMillis: Int64 = 150

    init(arguments: Arguments, directory: String) {
        self.arguments = arguments
        self.directory = directory
    }

    func run() async throws -> Verdict {
        var random = SeededRandom(seed: arguments.seed)
        var verdict = Verdict()
        for round in 0..<arguments.rounds {
            if Int.random(in: 0..<3, using: &random) == 0 {
                let millis = Int64.random(in: 1...Self.recoveryMillis, using: &random)
                try await killDuringRecovery(after: millis)
                verdict.recoveryKills += 1
            }
            let millis = Int64.random(in: 100...700, using: &random)
            verdict.faults += try await self.round(round, for: .milliseconds(millis))
            verdict.kills += 1
        }
        let (server, client) = try await startServer()
        defer { server.kill() }
        try await LoopCheck(workflows: WorkflowServiceClient(client: client), oracle: oracle)
            .run(&verdict)
        await client.close()
        return verdict
    }

    /// Starts the server, lets clients work for a while, kills it.
    ///
    /// - Returns: promises that answers broke.
    private func round(_ number: Int, for duration: Duration) async throws -> [String] {
        let (server, client) = try await startServer()
        let workflows = WorkflowServiceClient(client: client)
        _ = try await workflows.putDefinition(
            PutDefinitionRequest(definition: LoopWorkflow.definition), options: .bounded)
        let work = Task {
            await withTaskGroup(of: String?.self) { group in
                for worker in 0..<Self.clients {
                    group.addTask { [oracle] in
                        await LoopClient(
                            workflows: workflows, oracle: oracle, name: "r\(number)-w\(worker)"
                        ).work()
                    }
                }
                return await group.reduce(into: [String]()) { $0 += [$1].compactMap(\.self) }
            }
        }
        try await Task.sleep(for: duration)
        server.kill()
        work.cancel()
        let faults = await work.value
        await client.close()
        return faults
    }

    /// Starts the server on what the last kill left, and kills it before it has taken it all up, or
    /// just after.
    private func killDuringRecovery(after millis: Int64) async throws {
        let server = try ServerProcess(binary: arguments.binary, directory: directory)
        try await Task.sleep(for: .milliseconds(millis))
        server.kill()
    }

    /// A server that answers, and a client of it.
    private func startServer() async throws -> (ServerProcess, GRPCClient) {
        let server = try ServerProcess(binary: arguments.binary, directory: directory)
        let client = GRPCClient(
            host: "127.0.0.1", port: server.port, group: MultiThreadedEventLoopGroup.singleton)
        var options = CallOptions.bounded
        options.waitForReady = true
        _ = try await AdminServiceClient(client: client).getInfo(GetInfoRequest(), options: options)
        return (server, client)
    }
}
