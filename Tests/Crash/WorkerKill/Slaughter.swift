import CrashKit
import Foundation
import GRPC
import Messages
import NIOPosix
import Stubs

/// Keeps a handful of workers alive while calls kill them, and takes the callers' time.
struct Slaughter {
    let binary: String
    /// This program, which is the worker too.
    let program: String
    let kills: Int

    private static let callers = 6
    /// What a busy machine may add to the leases before an answer counts as late: a new worker's
    /// process must start, too, before a call can be repeated.
    private static let slack = Duration.seconds(5)

    func run() async throws -> Tally {
        let server = try ServerProcess(binary: binary, directory: ":memory:")
        defer { server.kill() }
        let client = GRPCClient(
            host: "127.0.0.1", port: server.port, group: MultiThreadedEventLoopGroup.singleton)
        let agents = AgentServiceClient(client: client)
        let tally = await withTaskGroup(of: Tally.self) { group in
            for caller in 0..<Self.callers {
                let share = kills / Self.callers + (caller < kills % Self.callers ? 1 : 0)
                group.addTask { await self.kill(share, caller, server.port, agents) }
            }
            return await group.reduce(into: Tally()) { $0.add($1) }
        }
        await client.close()
        return tally
    }

    /// One caller: calls what kills its worker, or one of its kind.
    private func kill(
        _ count: Int, _ caller: Int, _ port: Int, _ agents: AgentServiceClient
    ) async -> Tally {
        var tally = Tally()
        guard caller.isMultiple(of: 2) else {
            for life in 0..<count {
                await killAlways("doomed-\(caller)-\(life)", port, agents, &tally)
            }
            return tally
        }
        let keeper = Task { await keepAlive(caller, port) }
        for _ in 0..<count { await killAtFirst(agents, &tally) }
        keeper.cancel()
        await keeper.value
        return tally
    }

    /// A worker of its own, which nobody can replace. A new id each time: the dead one's session
    /// may still be within its lease.
    private func killAlways(
        _ id: String, _ port: Int, _ agents: AgentServiceClient, _ tally: inout Tally
    ) async {
        do {
            let worker = try start(id, port, false)
            // Not waited for: six callers share two threads.
            defer { if worker.isRunning { Foundation.kill(worker.processIdentifier, SIGKILL) } }
            try await until("\(id) joins") { try await isReady(id, agents) }
            tally.kills += 1
            await call(id, agents, &tally)
        } catch {
            tally.faults.append("\(id): \(error)")
        }
    }

    /// Any of the workers that the callers keep alive.
    private func killAtFirst(_ agents: AgentServiceClient, _ tally: inout Tally) async {
        do {
            try await until("a worker joins") { try await anybody(agents) }
            tally.kills += 1
            await call("", agents, &tally)
        } catch {
            tally.faults.append("\(error)")
        }
    }

    /// Starts a worker whenever the last one is dead, so that a repeated call finds somebody.
    private func keepAlive(_ caller: Int, _ port: Int) async {
        var worker: Process?
        var life = 0
        while !Task.isCancelled {
            if worker?.isRunning != true {
                life += 1
                worker = try? start("kept-\(caller)-\(life)", port, true)
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
        if let worker, worker.isRunning { Foundation.kill(worker.processIdentifier, SIGKILL) }
    }

    private func start(_ id: String, _ port: Int, _ isRepeatable: Bool) throws -> Process {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = [
            "--worker", "\(port)", "--id", id, "--repeatable", isRepeatable ? "1" : "0",
        ]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        return process
    }

    private static let options = CallOptions(timeout: .seconds(20), waitForReady: true)

    /// Whether an instance is there and can be given work.
    private func isReady(_ id: String, _ agents: AgentServiceClient) async throws -> Bool {
        let request = GetAgentRequest(agentID: id)
        let response = try await agents.getAgent(request, options: Self.options)
        return response.agent?.holds.isEmpty == true
    }

    /// Whether any instance of those is there that another's call may kill; it stays listed for
    /// its lease.
    private func anybody(_ agents: AgentServiceClient) async throws -> Bool {
        let request = ListAgentsRequest(agentType: DiesAtFirst.type)
        return try await !agents.listAgents(request, options: Self.options).agents.isEmpty
    }

    private func until(_ what: String, _ isSo: () async throws -> Bool) async throws {
        for _ in 0..<2_000 {
            if (try? await isSo()) == true { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw GRPCStatus(.unavailable, "it did not happen within 20 s that \(what)")
    }

    /// Calls the instance `id`, or any of those that die at the first attempt.
    private func call(
        _ id: String, _ agents: AgentServiceClient, _ tally: inout Tally
    ) async {
        var request = InvokeRequest(
            agentType: id.isEmpty ? DiesAtFirst.type : DiesAlways.type, operation: "work")
        request.agentID = id
        request.scheduleToStartMillis = 20_000
        let clock = ContinuousClock()
        let begun = clock.now
        do throws(GRPCStatus) {
            let response = try await agents.invoke(
                request, options: CallOptions(timeout: .seconds(60)))
            note(clock.now - begun, attempts: Int(response.metadata?.attempts ?? 0), &tally)
            if response.success { tally.repeated += 1 }
        } catch {
            note(clock.now - begun, attempts: 1, &tally)
            if error.reason == "INSTANCE_LOST" {
                tally.doubtful += 1
            } else {
                tally.faults.append("an unforeseen answer: \(error)")
            }
        }
    }

    /// An answer came; each lost attempt may take one lease.
    private func note(_ time: Duration, attempts: Int, _ tally: inout Tally) {
        tally.answered += 1
        tally.slowest = max(tally.slowest, time)
        let limit = WorkerKill.lease * max(1, attempts) + Self.slack
        if time > limit { tally.faults.append("an answer took \(time), over \(limit)") }
    }
}
