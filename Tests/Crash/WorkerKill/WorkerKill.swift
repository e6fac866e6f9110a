import CrashKit
import Foundation

/// Kills workers with SIGKILL in the middle of a call, again and again, and checks that every
/// caller has an answer within the worker's lease: from another instance if the operation may be
/// repeated, else "may have run".
///
/// Usage: `WorkerKill [--binary PATH] [--kills N]`; `WorkerKill --worker PORT --id ID
/// [--repeatable 1]` is a worker that is killed. Exits 0 when every caller was answered in time.
@main
struct WorkerKill {
    /// How long a killed worker's silence is waited for.
    static let lease = Duration.milliseconds(500)

    static func main() async throws {
        let words = Words(CommandLine.arguments)
        let port = words["--worker", default: 0]
        if port != 0 {
            return try await DoomedWorker.run(
                port: port, id: words["--id", default: ""],
                isRepeatable: words["--repeatable", default: 0] == 1)
        }
        let slaughter = Slaughter(
            binary: words["--binary", default: ".build/release/cadre"],
            program: CommandLine.arguments[0], kills: words["--kills", default: 100])
        let tally = try await slaughter.run()
        print(tally.text)
        if !tally.held { exit(1) }
    }
}

/// How it went.
struct Tally {
    var kills = 0
    var answered = 0
    /// Answered by another instance.
    var repeated = 0
    /// Told that it may have run.
    var doubtful = 0
    var slowest = Duration.zero
    var faults: [String] = []

    var held: Bool { faults.isEmpty && kills > 0 && answered == kills }

    var text: String {
        let slowest = slowest.formatted(.units(allowed: [.milliseconds]))
        let counts =
            "\(answered) of \(kills) callers of killed workers answered, the last after \(slowest) "
            + "(lease 500 ms): \(repeated) by another instance, \(doubtful) told that it may have run"
        return ([counts] + faults.prefix(20)).joined(separator: "\nBROKEN: ")
    }

    mutating func add(_ other: Tally) {
        kills += other.kills
        answered += other.answered
        repeated += other.repeated
        doubtful += other.doubtful
        slowest = max(slowest, other.slowest)
        faults += other.faults
    }
}
