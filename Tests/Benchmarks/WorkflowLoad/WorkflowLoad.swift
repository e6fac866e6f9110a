import Foundation
import GRPC
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
        do {
            try await run(LoadArguments(CommandLine.arguments))
        } catch let fault as LoadFault {
            complain("\(fault)")
            exit(64)
        } catch {
            complain("\(error)")
            exit(1)
        }
    }

    private static func run(_ arguments: LoadArguments) async throws {
        if case .fanOut(let subscribers) = arguments.work {
            return try await fanOut(arguments, subscribers)
        }
        let callers = LoadCallers(arguments)
        try await callers.prepare()
        if arguments.warmUp > 0 { _ = await callers.call(arguments.warmUp) }
        let (began, cpu) = (SystemClock.monotonicNanos(), ownCPUSeconds())
        let tally = await callers.call(arguments.count)
        let seconds = Double(SystemClock.monotonicNanos() - began) / 1e9
        report(tally, seconds: seconds, ownCPUSeconds: ownCPUSeconds() - cpu)
        await callers.close()
    }

    private static func fanOut(_ arguments: LoadArguments, _ subscribers: Int) async throws {
        let load = LoadFanOut(arguments, subscribers: subscribers)
        let (began, cpu) = (SystemClock.monotonicNanos(), ownCPUSeconds())
        let tally = try await load.run()
        let seconds = Double(SystemClock.monotonicNanos() - began) / 1e9
        report(tally, seconds: seconds, ownCPUSeconds: ownCPUSeconds() - cpu)
        await load.close()
    }

    private static func report(_ tally: LoadTally, seconds: Double, ownCPUSeconds: Double) {
        print(tally.report(seconds: seconds, ownCPUSeconds: ownCPUSeconds))
        for (said, times) in tally.errors.sorted(by: { $0.value > $1.value }).prefix(5) {
            complain("\(times) x \(said)")
        }
        if !tally.errors.isEmpty { exit(1) }
    }

    private static func complain(_ text: String) {
        FileHandle.standardError.write(Data("WorkflowLoad: \(text)\n".utf8))
    }

    /// CPU time of this process, user and system.
    private static func ownCPUSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
