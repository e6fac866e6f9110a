import Coordination
import Glibc
import Store
import Threads

/// Commits steps through `Store` as the engine does, one batch in flight while the next is made,
/// and tells how many a second, what CPU they took and how much was written.
///
///     StoreBench DIR create            an empty store, for store_raw
///     StoreBench DIR BATCH SECONDS     prints one line of JSON
@main enum StoreBench {
    static func main() async throws {
        let arguments = CommandLine.arguments
        if arguments.count == 3, arguments[2] == "create" {
            let store = try await SQLiteStore.open(.init(directory: arguments[1]))
            _ = try await store.claim(.only, wallMillis: 0)
            return await store.close()
        }
        guard arguments.count == 4, let size = Int(arguments[2]), size >= 1, size <= 256,
            let seconds = Double(arguments[3])
        else {
            print("usage: StoreBench DIR create | StoreBench DIR BATCH SECONDS")
            exit(2)
        }
        let store = try await SQLiteStore.open(.init(directory: arguments[1]))
        try await measure(store, batchSize: size, seconds: seconds)
        await store.close()
    }

    private static func measure(
        _ store: SQLiteStore, batchSize: Int, seconds: Double
    ) async throws {
        let epoch = try await store.claim(.only, wallMillis: 0)
        var workload = StepWorkload(epoch: epoch)
        var number = BatchNumber.none
        func nextBatch() -> StoreBatch {
            number = number.next
            var batch = StoreBatch(shard: .only, epoch: epoch, number: number)
            batch.payloads.reserveCapacity(batchSize)
            batch.runs.reserveCapacity(batchSize)
            batch.history.reserveCapacity(batchSize)
            for _ in 0..<batchSize { workload.addStep(to: &batch) }
            return batch
        }
        let start = Reading.now()
        let endNanos = start.nanos + Int64(seconds * 1e9)
        var latencies: [Int64] = []
        var batch = nextBatch()
        var now = start.nanos
        while now < endNanos {
            let began = now
            let commit = PendingCommit(batch, in: store)
            batch = nextBatch()
            guard case .committed = await commit.outcome() else {
                print("StoreBench: a batch was not committed")
                exit(1)
            }
            now = SystemClock.monotonicNanos()
            latencies.append(now - began)
        }
        report(latencies.sorted(), batchSize, from: start, to: Reading.now())
    }

    private static func report(
        _ latencies: [Int64], _ batchSize: Int, from start: Reading, to end: Reading
    ) {
        let p50 = Double(latencies[latencies.count / 2]) / 1e3
        let p99 = Double(latencies[latencies.count * 99 / 100]) / 1e3
        print(
            """
            {"steps": \(latencies.count * batchSize), \
            "seconds": \(Double(end.nanos - start.nanos) / 1e9), \
            "cpu_seconds": \(Double(end.cpuNanos - start.cpuNanos) / 1e9), \
            "written_bytes": \(end.writtenBytes - start.writtenBytes), \
            "p50_us": \(p50), "p99_us": \(p99)}
            """)
    }
}

/// A commit under way: handed over at once, awaited later.
private struct PendingCommit {
    private let state = Locked(State())

    private struct State {
        var outcome: CommitOutcome?
        var waiting: CheckedContinuation<CommitOutcome, Never>?
    }

    init(_ batch: StoreBatch, in store: SQLiteStore) {
        store.commit(batch) { [state] outcome in
            let waiting = state.withLock { state in
                state.outcome = outcome
                return state.waiting
            }
            waiting?.resume(returning: outcome)
        }
    }

    func outcome() async -> CommitOutcome {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state -> CommitOutcome? in
                if state.outcome == nil { state.waiting = continuation }
                return state.outcome
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}

/// What the process has used so far.
private struct Reading {
    let nanos: Int64
    let cpuNanos: Int64
    let writtenBytes: Int64

    static func now() -> Reading {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Reading(
            nanos: SystemClock.monotonicNanos(),
            cpuNanos: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec),
            writtenBytes: written())
    }

    /// Bytes that this process caused to be sent to the disk; 0 where the kernel does not tell.
    private static func written() -> Int64 {
        guard let file = fopen("/proc/self/io", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            let parts = text.split { " :\n".contains($0) }
            if parts.first == "write_bytes", parts.count == 2 { return Int64(parts[1]) ?? 0 }
        }
        return 0
    }
}
