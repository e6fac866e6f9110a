import GRPC
import LoadKit
import NIOPosix
import Threads

/// Puts a fixed number of reads, writes or locks on Cadre or on etcd, through the same client, and
/// prints one line of JSON: how many a second, how long they took, what went wrong.
///
/// Exits 1 when a call was not answered well, 64 when the command line is wrong.
@main
struct SharingLoad {
    private let arguments: SharingArguments
    private let target: any SharingTarget
    private let clients: [GRPCClient]

    static func main() async {
        await LoadProgram.main("SharingLoad") {
            let load = SharingLoad(try SharingArguments(CommandLine.arguments))
            try await load.run()
            for client in load.clients { await client.close() }
        }
    }

    init(_ arguments: SharingArguments) {
        self.arguments = arguments
        target = arguments.server == .cadre ? CadreTarget() : EtcdTarget()
        // Ends with the process. One thread: the server's core is not the client's.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        clients = (0..<min(arguments.connections, arguments.callers)).map { _ in
            GRPCClient(host: "127.0.0.1", port: arguments.port, group: group)
        }
    }

    private func run() async throws {
        for caller in 0..<arguments.callers {
            try await target.prepare(client(caller), caller)
            if arguments.work == .get {
                for key in 0..<Self.keysOfCaller {
                    _ = try await target.put(client(caller), Self.key(caller, key), Self.value)
                }
            }
        }
        if arguments.warmUp > 0 { _ = await call(arguments.warmUp) }
        let (began, cpu) = (SystemClock.monotonicNanos(), LoadProgram.ownCPUSeconds())
        let tally = await call(arguments.count)
        LoadProgram.report(
            "SharingLoad", tally, seconds: Double(SystemClock.monotonicNanos() - began) / 1e9,
            ownCPUSeconds: LoadProgram.ownCPUSeconds() - cpu)
    }

    private func client(_ caller: Int) -> GRPCClient { clients[caller % clients.count] }

    /// Makes `count` calls, as evenly as it goes over the callers.
    private func call(_ count: Int) async -> LoadTally {
        await LoadTally.gather(count, callers: arguments.callers) { await self.caller($0, $1) }
    }

    /// Runs on the loop that its connection is on.
    private func caller(_ number: Int, _ count: Int) async -> LoadTally {
        await withTaskExecutorPreference(client(number).executor) {
            await self.calls(number, count)
        }
    }

    private func calls(_ number: Int, _ count: Int) async -> LoadTally {
        var tally = LoadTally()
        tally.micros.reserveCapacity(count)
        for turn in 0..<count {
            let began = SystemClock.monotonicNanos()
            if let fault = await once(number, turn) {
                tally.errors[fault, default: 0] += 1
            } else {
                tally.micros.append((SystemClock.monotonicNanos() - began) / 1_000)
            }
        }
        return tally
    }

    private static let keysOfCaller = 16
    /// 100 bytes of JSON: a small value.
    private static let value = Array("\"\(String(repeating: "x", count: 98))\"".utf8)

    private static func key(_ caller: Int, _ number: Int) -> String {
        "load/\(caller)/\(number % keysOfCaller)"
    }

    /// One call; what went wrong with it, or nil.
    private func once(_ caller: Int, _ turn: Int) async -> String? {
        do throws(GRPCStatus) {
            switch arguments.work {
            case .put:
                return try await target.put(client(caller), Self.key(caller, turn), Self.value)
            case .get: return try await target.get(client(caller), Self.key(caller, turn))
            case .lock: return try await target.lock(client(caller), caller)
            }
        } catch {
            return "\(error.code): \(error.message)"
        }
    }
}
