import AgentKit
import Coordination
import Foundation
import GRPC
import NIOPosix

/// The workers that die of their work, as SIGKILL ends a process.
enum DoomedWorker {
    static func run(port: Int, id: String, isRepeatable: Bool) async throws {
        var configuration = RemoteWorkerConfiguration()
        configuration.id = id
        configuration.slots = 1
        configuration.lease = WorkerKill.lease
        configuration.firstBackoff = .milliseconds(20)
        let makeClient: @Sendable () -> GRPCClient = {
            GRPCClient(
                host: "127.0.0.1", port: port, group: MultiThreadedEventLoopGroup.singleton)
        }
        let worker =
            isRepeatable
            ? try RemoteWorker(DiesAtFirst(), configuration, makeClient: makeClient)
            : try RemoteWorker(DiesAlways(), configuration, makeClient: makeClient)
        try await worker.run()
    }
}

/// Its operation must not be done twice.
struct DiesAlways: Agent {
    static let type = "dies-always"

    var operations: [AgentOperation] {
        [
            AgentOperation(raw: "work", "Dies.") { input, _ throws -> Payload in
                kill(getpid(), SIGKILL)
                return input
            }
        ]
    }
}

/// Its operation may be done again elsewhere, and then ends well.
struct DiesAtFirst: Agent {
    static let type = "dies-at-first"

    var operations: [AgentOperation] {
        [
            AgentOperation(
                raw: "work", "Dies at the first attempt, then returns its input.",
                isIdempotent: true
            ) { input, context in
                if context.attempt == 1 { kill(getpid(), SIGKILL) }
                return input
            }
        ]
    }
}
