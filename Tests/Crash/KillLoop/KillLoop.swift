import CrashKit
import Foundation

/// Kills the real binary with SIGKILL again and again while clients start runs, and checks after
/// each restart that nothing acknowledged is lost and no committed step runs again.
///
/// Usage: `KillLoop [--binary PATH] [--rounds N] [--seed S]`. Exits 0 when every promise held.
@main
struct KillLoop {
    static func main() async throws {
        let arguments = Arguments(Words(CommandLine.arguments))
        print("kill loop: \(arguments.rounds) rounds, seed \(arguments.seed)")
        let directory = FileManager.default.temporaryDirectory
            .appendingPathComponent("cadre-kill-loop-\(getpid())")
        defer { try? FileManager.default.removeItem(at: directory) }
        let loop = Loop(arguments: arguments, directory: directory.path)
        let verdict = try await loop.run()
        print(verdict.text)
        if !verdict.held { exit(1) }
    }
}

/// What was asked for on the command line.
struct Arguments {
    let binary: String
    let rounds: Int
    let seed: UInt64

    init(_ words: Words) {
        binary = words["--binary", default: ".build/release/cadre"]
        rounds = words["--rounds", default: 20]
        seed = words["--seed", default: UInt64.random(in: 1...UInt64.max)]
    }
}

/// How it went.
struct Verdict {
    var kills = 0
    /// Kills while the server was taking up what the kill before had left.
    var recoveryKills = 0
    var acknowledgedStarts = 0
    var acknowledgedSignals = 0
    var acknowledgedResults = 0
    var completed = 0
    var faults: [String] = []

    var held: Bool { faults.isEmpty && acknowledgedStarts > 0 }

    var text: String {
        let counts =
            "\(kills) kills, \(recoveryKills) more during recovery; acknowledged: "
            + "\(acknowledgedStarts) starts, \(acknowledgedSignals) signals, "
            + "\(acknowledgedResults) results; \(completed) runs completed after recovery"
        if faults.isEmpty {
            return counts + (held ? "; every promise held" : "; nothing was tested")
        }
        return ([counts] + faults.prefix(20)).joined(separator: "\nBROKEN: ")
    }
}
