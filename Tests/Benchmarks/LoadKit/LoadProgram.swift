import Foundation

/// What every load program does around its load.
public enum LoadProgram {
    /// Runs it; exits 64 with the reason when the command line is wrong, 1 when anything else is.
    public static func main(_ name: String, _ body: @Sendable () async throws -> Void) async {
        do {
            try await body()
        } catch let fault as LoadFault {
            complain(name, "\(fault)")
            exit(64)
        } catch {
            complain(name, "\(error)")
            exit(1)
        }
    }

    /// Prints what came of it as one line of JSON; exits 1 when a call was not answered well.
    public static func report(
        _ name: String, _ tally: LoadTally, seconds: Double, ownCPUSeconds: Double
    ) {
        print(tally.report(seconds: seconds, ownCPUSeconds: ownCPUSeconds))
        for (said, times) in tally.errors.sorted(by: { $0.value > $1.value }).prefix(5) {
            complain(name, "\(times) x \(said)")
        }
        if !tally.errors.isEmpty { exit(1) }
    }

    /// CPU time of this process, user and system.
    public static func ownCPUSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func complain(_ name: String, _ text: String) {
        FileHandle.standardError.write(Data("\(name): \(text)\n".utf8))
    }
}
