import CrashKit
import Foundation
import GRPC
import Messages
import NIOPosix
import Stubs

/// Kills the real binary with SIGKILL again and again while eight clients work on the same few keys
/// and locks and one watches; then holds what all of them saw against what is promised: every key and
/// every lock is linearizable, revisions follow real time, and the watcher was told of each change
/// once, in order.
///
/// Usage: `SharingKill [--binary PATH] [--rounds N] [--seed S]`. Exits 0 when every promise held.
@main
struct SharingKill {
    static func main() async throws {
        let words = Words(CommandLine.arguments)
        let binary = words["--binary", default: ".build/release/cadre"]
        let rounds = words["--rounds", default: 10]
        let seed = words["--seed", default: UInt64.random(in: 1...UInt64.max)]
        print("sharing kill: \(rounds) rounds, seed \(seed)")
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("cadre-sharing-kill-\(getpid())")
        defer { try? FileManager.default.removeItem(at: directory) }
        let faults = try await run(binary, directory.path, rounds, seed)
        for fault in faults.prefix(20) { print("BROKEN: \(fault)") }
        if !faults.isEmpty { exit(1) }
    }

    private static func run(
        _ binary: String, _ directory: String, _ rounds: Int, _ seed: UInt64
    ) async throws -> [String] {
        var random = SeededRandom(seed: seed)
        let record = Record()
        let workers = (0..<8).map { SharingWorker(number: $0, seed: seed &+ UInt64($0), record) }
        for round in 0...rounds {
            let server = try ServerProcess(binary: binary, directory: directory)
            let client = GRPCClient(
                host: "127.0.0.1", port: server.port, group: MultiThreadedEventLoopGroup.singleton)
            var options = CallOptions.brief
            options.waitForReady = true
            _ = try await AdminServiceClient(client: client)
                .getInfo(GetInfoRequest(), options: options)
            let isLast = round == rounds
            let work = Task {
                await withTaskGroup(of: Void.self) { group in
                    for worker in workers {
                        group.addTask {
                            if isLast {
                                await worker.finish(client)
                            } else {
                                await worker.work(client)
                            }
                        }
                    }
                }
            }
            let watch = Task { await record.watch(client) }
            if !isLast {
                try await Task.sleep(
                    for: .milliseconds(Int64.random(in: 300...1_200, using: &random)))
                server.kill()
            }
            await work.value
            if isLast { await record.awaitNewest(client) }
            watch.cancel()
            await watch.value
            await client.close()
            if isLast { server.kill() }
        }
        return await record.faults()
    }
}

extension CallOptions {
    /// Long enough for a busy machine, short enough for a server that is gone.
    static var brief: CallOptions {
        var options = CallOptions()
        options.timeout = .seconds(20)
        return options
    }
}
