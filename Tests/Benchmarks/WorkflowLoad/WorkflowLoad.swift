import GRPC
import LoadKit
import Messages
import NIOPosix
import Stubs
import Threads

/// Puts a fixed number of calls on a server from concurrent callers, and prints one line of JSON:
/// how many a second, how long they took, what went wrong, what this client itself used.
///
/// Exits 1 when a call was not answered well, 64 when the command line is wrong.
@main
struct WorkflowLoad {
    static func main() async {
        await LoadProgram.main("WorkflowLoad") {
            try await run(LoadArguments(CommandLine.arguments))
        }
    }

    private static func run(_ arguments: LoadArguments) async throws {
        if case .fanOut(let subscribers) = arguments.work {
            return try await fanOut(arguments, subscribers)
        }
        let callers = LoadCallers(arguments)
        try await callers.prepare()
        if arguments.warmUp > 0 { _ = await callers.call(arguments.warmUp) }
        let (began, cpu) = (SystemClock.monotonicNanos(), LoadProgram.ownCPUSeconds())
        let tally = await callers.call(arguments.count)
        report(tally, began, cpu)
        await callers.close()
    }

    private static func fanOut(_ arguments: LoadArguments, _ subscribers: Int) async throws {
        let load = LoadFanOut(arguments, subscribers: subscribers)
        let (began, cpu) = (SystemClock.monotonicNanos(), LoadProgram.ownCPUSeconds())
        let tally = try await load.run()
        report(tally, began, cpu)
        await load.close()
    }

    private static func report(_ tally: LoadTally, _ began: Int64, _ cpu: Double) {
        LoadProgram.report(
            "WorkflowLoad", tally, seconds: Double(SystemClock.monotonicNanos() - began) / 1e9,
            ownCPUSeconds: LoadProgram.ownCPUSeconds() - cpu)
    }
}
