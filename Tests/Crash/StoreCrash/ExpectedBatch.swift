import Coordination
import Store

/// What the batch of a number contains: computed alike by the child that commits it and by the
/// parent that looks for it.
///
/// Batches follow each other without a gap. Each adds one payload and one row of history, and
/// changes a run that it shares with the batches around it, so that a torn or reordered write
/// shows.
struct ExpectedBatch {
    /// Batches that work on one run, one after the other.
    static let batchesPerRun: UInt32 = 4

    /// Runs that ended so many batches ago or more are pruned.
    static let batchesKept: UInt32 = 200

    /// 1 and up.
    let number: UInt32

    var run: RunID { RunID(serial: serial((number - 1) / Self.batchesPerRun)) }
    var payloadID: PayloadID { PayloadID(serial: serial(number)) }
    var sequence: Int64 { Int64((number - 1) % Self.batchesPerRun) + 1 }
    /// The batch that ends its run.
    var endOfRun: UInt32 {
        (number - 1) / Self.batchesPerRun * Self.batchesPerRun + Self.batchesPerRun
    }
    var isLastOfRun: Bool { sequence == Int64(Self.batchesPerRun) }

    /// Up to 24 KiB, so that batches cross pages of the file and of the log.
    var payload: Payload {
        var generator = SeededGenerator(seed: UInt64(number))
        let count = Int(generator.next() % (number % 16 == 0 ? 24_000 : 900))
        return Payload(bytes: (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) })
    }

    var runRow: RunRow {
        RunRow(
            run: run, namespace: "crash", workflowID: "w\(run)", definition: "loop", status: 1,
            startedMillis: 0, closedMillis: isLastOfRun ? Int64(number) : nil, blob: numberBytes)
    }

    var historyRow: HistoryRow {
        HistoryRow(run: run, firstSequence: sequence, count: 1, blob: numberBytes)
    }

    /// The batch as a claim of `epoch` commits it.
    func batch(epoch: Epoch, position: UInt64) -> StoreBatch {
        var batch = StoreBatch(
            shard: .only, epoch: epoch, number: BatchNumber(rawValue: position))
        batch.runs = [runRow]
        batch.history = [historyRow]
        batch.payloads = [PayloadRow(id: payloadID, run: run, payload: payload)]
        return batch
    }

    private var numberBytes: [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    /// Ids do not depend on the epoch of the claim here: the same over all rounds.
    private func serial(_ counter: UInt32) -> Serial {
        Serial(epoch: Epoch(rawValue: 1), counter: counter)
    }
}
