#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Coordination
import Store

/// The process that is killed: commits batch after batch, several under way at once, and writes
/// each number to standard output as soon as it is acknowledged.
enum CommittingChild {
    /// Runs until the process is killed or a commit fails.
    static func run(directory: String, firstNumber: UInt32) async throws {
        var configuration = SQLiteStore.Configuration(directory: directory)
        // Small, so that kills also hit checkpoints and the log's new beginnings.
        configuration.checkpointPages = 50
        let store = try await SQLiteStore.open(configuration)
        let epoch = try await store.claim(.only, wallMillis: 0)
        var number = firstNumber
        while true {
            // Groups of changing size, so that some batches share a transaction.
            let group = number...(number + number % 7)
            await withCheckedContinuation { continuation in
                commit(group, firstNumber, epoch, store) { continuation.resume() }
            }
            number = group.upperBound + 1
            if number > ExpectedBatch.batchesKept { prune(store, before: number) }
        }
    }

    /// Leaves one piece of pruning behind the commits; kills hit it like them.
    private static func prune(_ store: SQLiteStore, before number: UInt32) {
        let due = Int64(number - ExpectedBatch.batchesKept)
        store.prune(.only, closedBeforeMillis: due) { result in
            if case .failure(let error) = result {
                report("pruning: \(error.message)")
                exit(1)
            }
        }
    }

    private static func commit(
        _ group: ClosedRange<UInt32>, _ firstNumber: UInt32, _ epoch: Epoch, _ store: SQLiteStore,
        _ done: @escaping @Sendable () -> Void
    ) {
        for number in group {
            let position = UInt64(number - firstNumber) + 1
            let batch = ExpectedBatch(number: number).batch(epoch: epoch, position: position)
            store.commit(batch) { outcome in
                guard outcome == .committed else {
                    report("batch \(number): \(outcome)")
                    exit(1)
                }
                acknowledge(number)
                if number == group.upperBound { done() }
            }
        }
    }

    /// One write of four bytes: whole in the pipe or not in it (pipe(7), PIPE_BUF).
    private static func acknowledge(_ number: UInt32) {
        var number = number.littleEndian
        guard write(1, &number, 4) == 4 else { exit(2) }
    }
}

/// Writes a line to standard error.
func report(_ line: String) {
    let text = line + "\n"
    _ = write(2, text, text.utf8.count)
}
