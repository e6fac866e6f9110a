import Foundation
import GRPC
import Messages
import NIOPosix
import Stubs

/// Kills the real binary with SIGKILL again and again while clients start runs, and checks after
/// each restart that nothing acknowledged is lost and no committed step runs again.
///
/// Usage: `KillLoop [--binary PATH] [--rounds N] [--seed S]`. Exits 0 when every promise held.
@main
struct KillLoop {
    static func main() async throws {
        let arguments = Arguments(CommandLine.arguments)
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
    var binary = ".build/release/cadre"
    var rounds = 20
    var seed = UInt64.random(in: 1...UInt64.max)

    init(_ words: [String]) {
        for (name, value) in zip(words.dropFirst(), words.dropFirst(2)) {
            switch name {
            case "--binary": binary = value
            case "--rounds": rounds = Int(value) ?? rounds
            case "--seed": seed = UInt64(value) ?? seed
            default: continue
            }
        }
    }
}

/// How it went.
struct Verdict {
    var kills = 0
    /// Kills while the server was taking up what the kill before had left.
    var recoveryKills = 0
    var acknowledgedStarts = 0
    var acknowledgedResults = 0
    var completed = 0
    var faults: [String] = []

    var held: Bool { faults.isEmpty && acknowledgedStarts > 0 }

    var text: String {
        let counts =
            "\(kills) kills, \(recoveryKills) more during recovery, \(acknowledgedStarts) acknowledged "
            + "starts, \(acknowledgedResults) acknowledged results, \(completed) runs completed after recovery"
        if faults.isEmpty {
            return counts + (held ? "; every promise held" : "; nothing was tested")
        }
        return ([counts] + faults.prefix(20)).joined(separator: "\nBROKEN: ")
    }
}

/// xorshift64*, so that a seed repeats the kill times.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed == 0 ? 1 : seed }

    mutating func next() -> UInt64 {
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        return state &* 2_685_821_657_736_338_717
    }
}
