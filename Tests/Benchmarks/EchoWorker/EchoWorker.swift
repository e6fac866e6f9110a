import AgentKit
import Coordination
import GRPC
import NIOPosix

/// A remote worker that returns its input: what `Invoke` through a remote worker is measured with.
///
/// Usage: `EchoWorker --server HOST:PORT [--type remote-echo] [--id ID] [--slots 64] [--lease-millis 10000]`.
/// Serves until it is ended, or drained with `cadre agent drain`.
@main
struct EchoWorker {
    static func main() async throws {
        let arguments = Arguments(CommandLine.arguments)
        var configuration = RemoteWorkerConfiguration()
        configuration.id = arguments.id
        configuration.slots = arguments.slots
        configuration.lease = .milliseconds(arguments.leaseMillis)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let worker = try RemoteWorker(RemoteEcho(), configuration) {
            GRPCClient(host: arguments.host, port: arguments.port, group: group)
        }
        print("serving remote-echo at \(arguments.host):\(arguments.port)")
        try await worker.run()
    }
}

/// Returns its input, at once.
struct RemoteEcho: Agent {
    static let type = "remote-echo"

    var operations: [AgentOperation] {
        [
            AgentOperation(raw: "say", "Returns its input.", isIdempotent: true) { input, _ in
                input
            }
        ]
    }
}

/// What was asked for on the command line.
struct Arguments {
    var host = "127.0.0.1"
    var port = 7171
    var id = ""
    var slots = 64
    var leaseMillis: Int64 = 10_000

    init(_ words: [String]) {
        for (name, value) in zip(words.dropFirst(), words.dropFirst(2)) {
            switch name {
            case "--server":
                let parts = value.split(separator: ":")
                host = parts.dropLast().joined(separator: ":")
                port = parts.last.flatMap { Int($0) } ?? port
            case "--id": id = value
            case "--slots": slots = Int(value) ?? slots
            case "--lease-millis": leaseMillis = Int64(value) ?? leaseMillis
            default: continue
            }
        }
    }
}
