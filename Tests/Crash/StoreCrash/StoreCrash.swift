#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Store

/// Kills a committing process again and again and looks at what it left.
///
///     StoreCrash [ROUNDS [SEED [DIRECTORY]]]
///
/// Prints the seed, so that a failing sequence of kills can be tried again; exits with 1 when an
/// acknowledged batch is missing, torn or out of order.
@main
struct StoreCrash {
    static func main() async {
        let arguments = CommandLine.arguments
        do {
            if arguments.count == 4, arguments[1] == "--child", let first = UInt32(arguments[3]) {
                try await CommittingChild.run(directory: arguments[2], firstNumber: first)
            } else {
                let directory = arguments.count > 3 ? arguments[3] : temporaryDirectory()
                try await loop(
                    rounds: arguments.count > 1 ? Int(arguments[1]) ?? 0 : 25,
                    seed: arguments.count > 2 ? UInt64(arguments[2]) ?? 0 : UInt64(getpid()),
                    directory: directory)
                // After a failure the directory stays, to be looked at.
                if arguments.count <= 3 { remove(directory) }
            }
        } catch {
            report("\(error)")
            exit(1)
        }
    }

    private static func loop(rounds: Int, seed: UInt64, directory: String) async throws {
        print("StoreCrash: \(rounds) rounds, seed \(seed), \(directory)")
        var generator = SeededGenerator(seed: seed)
        var stored: UInt32 = 0
        var pruned: UInt32 = 1
        var acknowledgedInAll = 0
        for round in 1...max(rounds, 1) {
            let child = try ChildProcess(directory: directory, firstNumber: stored + 1)
            let numbers = try killAtRandom(child, &generator, round: round)
            try expectInOrder(numbers, from: stored + 1)
            acknowledgedInAll += numbers.count
            let last: UInt32
            (last, pruned) = try await look(
                directory, verified: stored, acknowledged: numbers.last ?? stored, pruned: pruned)
            print(
                "round \(round): \(numbers.count) acknowledged, \(last - stored) stored, whole;"
                    + " pruned up to \(pruned - 1)")
            stored = last
        }
        print("StoreCrash: \(acknowledgedInAll) acknowledged batches survived \(rounds) kills")
    }

    /// Waits for some acknowledgements, or for none in every fifth round (kills while the file is
    /// being opened), then a moment more, and kills.
    private static func killAtRandom(
        _ child: ChildProcess, _ generator: inout SeededGenerator, round: Int
    ) throws -> [UInt32] {
        let wanted = round % 5 == 1 ? 0 : Int.random(in: 1...400, using: &generator)
        let numbers = child.read(upTo: wanted)
        usleep(UInt32.random(in: 0...(wanted == 0 ? 40_000 : 3_000), using: &generator))
        guard let rest = child.kill() else {
            throw CrashVerifier.Violation(description: "the child ended by itself")
        }
        return numbers + rest
    }

    private static func expectInOrder(_ numbers: [UInt32], from first: UInt32) throws {
        for (index, number) in numbers.enumerated() where number != first + UInt32(index) {
            throw CrashVerifier.Violation(
                description: "\(number) was acknowledged in place \(first + UInt32(index))")
        }
    }

    private static func look(
        _ directory: String, verified: UInt32, acknowledged: UInt32, pruned: UInt32
    ) async throws -> (last: UInt32, pruned: UInt32) {
        let store = try await SQLiteStore.open(SQLiteStore.Configuration(directory: directory))
        let verifier = CrashVerifier(store: store)
        let last = try await verifier.verify(
            verified: verified, acknowledged: acknowledged, pruned: pruned)
        let border = try await verifier.prune(last: last)
        await store.close()
        return (last, border)
    }

    private static func temporaryDirectory() -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        return "\(base)/cadre-crash-\(getpid())"
    }

    private static func remove(_ directory: String) {
        for name in ["cadre.sqlite", "cadre.sqlite-wal", "cadre.sqlite-shm", "cadre.lock"] {
            unlink("\(directory)/\(name)")
        }
        rmdir(directory)
    }
}
