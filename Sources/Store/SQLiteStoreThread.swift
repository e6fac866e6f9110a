import Coordination
import Threads

/// One thing that the store thread is asked to do.
enum WriteJob: Sendable {
    case commit(StoreBatch, @Sendable (CommitOutcome) -> Void)
    case claim(
        ShardID, wallMillis: Int64, @Sendable (Result<Epoch, StoreError>) -> Void)
    case prune(
        ShardID, closedBeforeMillis: Int64, @Sendable (Result<PrunedPiece, StoreError>) -> Void)
}

/// The store thread's loop and state: takes what waits, puts batches that follow each other into
/// one transaction, and answers in order. Group commit without a timer: the next group is what
/// came in while the last one was being synced.
final class SQLiteStoreThread {
    private let writer: SQLiteWriter
    private let checkpointer: SQLiteCheckpointer
    private let shared: SQLiteStoreShared
    private var checkpoints: CheckpointPolicy
    private var orders: [ShardID: CommitOrder] = [:]
    private var group: [(batch: StoreBatch, completion: @Sendable (CommitOutcome) -> Void)] = []
    private var groupBytes = 0
    /// Set when the outcome of a transaction is unknown: nothing may be built on this file until
    /// it has been opened and recovered again.
    private var broken: String?
    private var hasOldRequests = false
    private var requestsSinceDrop = 0

    /// Requests after which it is worth looking whether there are too many.
    private static let requestsBetweenDrops = 1_000
    /// How often a transaction is begun while another program has the file locked, each time for
    /// ``SQLiteStore/Configuration/busyMillis``: 10 s by default.
    private static let maxTries = 20

    /// Takes over an open writer.
    init(writer: SQLiteWriter, checkpointer: SQLiteCheckpointer, shared: SQLiteStoreShared) {
        self.writer = writer
        self.checkpointer = checkpointer
        self.shared = shared
        checkpoints = CheckpointPolicy(mark: shared.configuration.checkpointPages)
    }

    /// Works until the mailbox is closed and empty, then ends everything that reads and copies the
    /// whole log.
    func run(_ jobs: Mailbox<WriteJob>, stopReaders: () -> Void) {
        var batch: [WriteJob] = []
        while jobs.waitAndDrain(into: &batch, timeout: hasOldRequests ? .zero : nil) != .closed {
            for job in batch { perform(job) }
            flush()
            dropOldRequests()
        }
        stopReaders()
        checkpointer.stop()
        // A failure here costs nothing: the log is read at the next start.
        if broken == nil { try? writer.checkpointAndTruncate() }
    }

    private func perform(_ job: WriteJob) {
        switch job {
        case .commit(let batch, let completion):
            add(batch, completion)
        case .claim(let shard, let wallMillis, let completion):
            flush()
            completion(claim(shard, wallMillis: wallMillis))
        case .prune(let shard, let closedBeforeMillis, let completion):
            flush()
            completion(prune(shard, closedBeforeMillis: closedBeforeMillis))
        }
    }

    private func prune(
        _ shard: ShardID, closedBeforeMillis: Int64
    ) -> Result<PrunedPiece, StoreError> {
        if let broken { return .failure(StoreError(.failed, broken)) }
        do throws(StoreError) {
            let piece = try writer.prune(shard, closedBeforeMillis: closedBeforeMillis)
            shared.statistics.withLock { $0.prunedRuns += UInt64(piece.runs) }
            checkpointIfDue()
            return .success(piece)
        } catch {
            // After an error of the disk nobody knows what of the log is on it: stop, as after
            // one of a commit.
            if error.code == .failed || error.code == .corrupt {
                broken = "pruning failed: \(error.message). Restart the server"
            }
            return .failure(error)
        }
    }

    private func claim(_ shard: ShardID, wallMillis: Int64) -> Result<Epoch, StoreError> {
        if let broken { return .failure(StoreError(.failed, broken)) }
        do throws(StoreError) {
            let epoch = try writer.claim(shard, wallMillis: wallMillis)
            orders[shard] = CommitOrder(epoch: epoch)
            timePassed(toMillis: wallMillis)
            return .success(epoch)
        } catch {
            return .failure(error)
        }
    }

    // MARK: Groups

    private func add(_ batch: StoreBatch, _ completion: @escaping @Sendable (CommitOutcome) -> Void)
    {
        if !follows(batch) { flush() }
        switch admission(of: batch) {
        case .apply:
            group.append((batch, completion))
            groupBytes += batch.byteCount
            if groupBytes >= shared.configuration.transactionBytes { flush() }
        case .refuse(let outcome):
            flush()
            refuse(completion, outcome)
        }
    }

    /// Whether a batch may share the transaction of those that wait.
    private func follows(_ batch: StoreBatch) -> Bool {
        guard let last = group.last?.batch else { return true }
        return last.shard == batch.shard && last.epoch == batch.epoch && last.number < batch.number
    }

    private enum Admission {
        case apply
        case refuse(CommitOutcome)
    }

    private func admission(of batch: StoreBatch) -> Admission {
        if let broken { return .refuse(.unknown(broken)) }
        guard let order = orders[batch.shard] else { return .refuse(.fenced) }
        switch order.admits(epoch: batch.epoch, number: batch.number) {
        case .apply: return .apply
        case .fenced: return .refuse(.fenced)
        case .waitsForRefused: return .refuse(.full)
        case .outOfOrder(let why): return .refuse(.unknown(why))
        }
    }

    private func flush() {
        guard !group.isEmpty else { return }
        let group = group
        self.group.removeAll(keepingCapacity: true)
        groupBytes = 0
        let outcome = write(group.map(\.batch))
        if group.count > 1, outcome.isWorthSplitting {
            // One of them did not fit or clashed; the others need not suffer for it.
            for (batch, completion) in group { writeAlone(batch, completion) }
        } else {
            settle(group.map(\.batch), outcome, group.map(\.completion))
        }
    }

    private func writeAlone(
        _ batch: StoreBatch, _ completion: @escaping @Sendable (CommitOutcome) -> Void
    ) {
        switch admission(of: batch) {
        case .apply: settle([batch], write([batch]), [completion])
        case .refuse(let outcome): refuse(completion, outcome)
        }
    }

    private func refuse(
        _ completion: @escaping @Sendable (CommitOutcome) -> Void, _ outcome: CommitOutcome
    ) {
        if case .unknown(let why) = outcome {
            breakOff(because: why, [completion])
        } else {
            answer([completion], outcome)
        }
    }

    private func write(_ batches: [StoreBatch]) -> SQLiteWriter.Outcome {
        let start = SystemClock.monotonicNanos()
        let outcome = writePatiently(batches)
        guard outcome == .committed else { return outcome }
        let observation = CommitObservation(
            batches: batches.count, rows: batches.reduce(0) { $0 + $1.rowCount },
            bytes: batches.reduce(0) { $0 + $1.byteCount },
            nanos: SystemClock.monotonicNanos() - start)
        shared.statistics.withLock { statistics in
            statistics.add(observation)
            statistics.loggedPages = writer.loggedPages
        }
        shared.configuration.onCommit?(observation)
        return outcome
    }

    /// Writes, and waits for a program that has the file locked, but not for ever.
    private func writePatiently(_ batches: [StoreBatch]) -> SQLiteWriter.Outcome {
        for _ in 1..<Self.maxTries {
            let outcome = writer.write(batches)
            guard case .locked = outcome else { return outcome }
        }
        return writer.write(batches)
    }

    /// Takes notice of what became of a transaction, then tells those who wait for it.
    private func settle(
        _ batches: [StoreBatch], _ outcome: SQLiteWriter.Outcome,
        _ completions: [@Sendable (CommitOutcome) -> Void]
    ) {
        guard let first = batches.first, let last = batches.last else { return }
        switch outcome {
        case .committed:
            orders[first.shard]?.committed(last.number)
            // Before the answers: whoever reads after one finds nothing that is too old by then.
            let newest = batches.lazy.flatMap(\.requests).map(\.createdMillis).max()
            if let newest { timePassed(toMillis: newest) }
            answer(completions, .committed)
            requestsSinceDrop += batches.reduce(0) { $0 + $1.requests.count }
            if requestsSinceDrop >= Self.requestsBetweenDrops { hasOldRequests = true }
            checkpointIfDue()
        case .fenced:
            answer(completions, .fenced)
        case .full:
            orders[first.shard]?.refusedAsFull(first.number)
            answer(completions, .full)
            // Once all of the log is copied it starts over, in room that it has already.
            copyRest()
        case .conflict(let why):
            breakOff(because: "nothing was written: \(why)", completions)
        case .locked(let why):
            breakOff(
                because: "nothing was written, since another program keeps the file locked: \(why)",
                completions)
        case .unknown(let why):
            breakOff(because: why, completions)
        }
    }

    /// Whatever was handed over later may build on this batch, so nothing more is written.
    private func breakOff(
        because why: String, _ completions: [@Sendable (CommitOutcome) -> Void]
    ) {
        broken = broken ?? "an earlier commit failed: \(why). Restart the server"
        answer(completions, .unknown(why))
    }

    private func answer(
        _ completions: [@Sendable (CommitOutcome) -> Void], _ outcome: CommitOutcome
    ) {
        if outcome == .full {
            shared.statistics.withLock { $0.refusedAsFull += UInt64(completions.count) }
        }
        for completion in completions { completion(outcome) }
    }

    // MARK: Housekeeping

    private func checkpointIfDue() {
        let finished = checkpointer.takeFinished()
        let action = checkpoints.committed(
            loggedPages: writer.loggedPages, finishedBeside: finished.count > 0)
        if finished.count > 0 {
            shared.statistics.withLock { statistics in
                statistics.checkpoints += UInt64(finished.count)
                statistics.checkpointFailure = finished.failure
            }
        }
        switch action {
        case .none: break
        case .copyBeside: checkpointer.request()
        case .copyRest: copyRest()
        }
    }

    private func copyRest() {
        do throws(SQLiteFailure) {
            try writer.checkpoint()
        } catch {
            shared.statistics.withLock { $0.checkpointFailure = error.message }
        }
    }

    private func timePassed(toMillis millis: Int64) {
        let moved = shared.retention.withLock { $0.timePassed(toMillis: millis) }
        if moved { hasOldRequests = true }
    }

    /// A bounded piece per turn of the loop; failing only means that old rows stay a while.
    private func dropOldRequests() {
        guard hasOldRequests, broken == nil else { return hasOldRequests = false }
        let hour = shared.retention.withLock { $0.oldestHour }
        requestsSinceDrop = 0
        let beyond = Int64(shared.configuration.maxRequests)
        hasOldRequests = (try? writer.dropRequests(beforeHour: hour, beyond: beyond)) ?? false
    }
}

extension SQLiteWriter.Outcome {
    /// Whether batches that failed together might succeed one by one: nothing was written.
    fileprivate var isWorthSplitting: Bool {
        switch self {
        case .full, .conflict: true
        case .committed, .fenced, .locked, .unknown: false
        }
    }
}
