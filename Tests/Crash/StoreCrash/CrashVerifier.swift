import Coordination
import Store

/// Looks through a store after a kill: everything acknowledged is there, whole and in order, and
/// what was not acknowledged is there whole or not at all.
struct CrashVerifier {
    let store: SQLiteStore

    /// What was found wrong.
    struct Violation: Error, CustomStringConvertible {
        var description: String
    }

    /// - Parameters:
    ///   - verified: batches up to this one were there in earlier rounds.
    ///   - acknowledged: the last batch whose commit was acknowledged.
    ///   - pruned: runs that ended before this batch were pruned to the end in an earlier round.
    /// - Returns: the last batch that is stored.
    func verify(
        verified: UInt32, acknowledged: UInt32, pruned: UInt32
    ) async throws -> UInt32 {
        try await verifyGone(before: pruned)
        var last = max(verified, acknowledged)
        if last > 0, try await !isStored(last) {
            throw Violation(description: "batch \(last) was acknowledged and is not stored")
        }
        while try await isStored(last + 1) { last += 1 }
        let kept = last > ExpectedBatch.batchesKept ? last - ExpectedBatch.batchesKept + 1 : 1
        for number in stride(from: kept, through: last, by: 7) {
            guard try await isStored(number) else {
                throw Violation(description: "batch \(number) is gone, the last is \(last)")
            }
        }
        // Nothing may lie behind a gap; more than this were never under way.
        for number in (last + 1)...(last + 64) where try await isStored(number) {
            throw Violation(description: "batch \(number) is stored, \(last + 1) is not")
        }
        try await verifyRuns(last: last)
        return last
    }

    /// Prunes to the end, which kills have interrupted, and looks at both sides of the border.
    ///
    /// - Returns: the border: runs that ended before this batch are gone.
    func prune(last: UInt32) async throws -> UInt32 {
        guard last > ExpectedBatch.batchesKept else { return 1 }
        // What a child that has committed `last` may have pruned to.
        let border = last + 1 - ExpectedBatch.batchesKept
        while try await store.prunePiece(closedBeforeMillis: Int64(border)).hasMore {}
        try await verifyGone(before: border)
        for number in stride(from: border, through: last, by: 7) {
            guard ExpectedBatch(number: number).endOfRun >= border, try await isStored(number)
            else {
                throw Violation(description: "batch \(number) was pruned before its time")
            }
        }
        return border
    }

    /// Nothing of the runs that ended before a batch is left: neither rows nor their payloads.
    private func verifyGone(before border: UInt32) async throws {
        for number in stride(from: UInt32(1), to: border, by: 29) {
            let expected = ExpectedBatch(number: number)
            guard expected.endOfRun < border else { continue }
            if try await store.runRow(expected.run) != nil {
                throw Violation(description: "the pruned run of batch \(number) is there")
            }
            if try await isStored(number) {
                throw Violation(description: "the pruned batch \(number) left rows")
            }
        }
    }

    /// Whether all rows that only this batch writes are stored; throws when some are.
    private func isStored(_ number: UInt32) async throws -> Bool {
        let expected = ExpectedBatch(number: number)
        let payload = try await store.payload(expected.payloadID)
        let history = try await store.historyRow(expected.run, at: expected.sequence)
        if payload == nil && history == nil { return false }
        guard payload == expected.payload, history == expected.historyRow else {
            throw Violation(description: "batch \(number) is torn")
        }
        return true
    }

    /// The last run has the state of the last batch; recovery gives it exactly when it is open.
    private func verifyRuns(last: UInt32) async throws {
        guard last > 0 else { return }
        let expected = ExpectedBatch(number: last)
        guard try await store.runRow(expected.run) == expected.runRow else {
            throw Violation(description: "the run of batch \(last) has another state")
        }
        let open = try await store.recover(.only, after: nil).openRuns
        guard open == (expected.isLastOfRun ? [] : [expected.runRow]) else {
            throw Violation(description: "recovery gives \(open.count) runs after batch \(last)")
        }
    }
}

extension SQLiteStore {
    fileprivate func payload(_ id: PayloadID) async throws -> Payload? {
        try await withCheckedContinuation { continuation in
            loadPayloads([id]) { continuation.resume(returning: $0) }
        }.get()[id]
    }

    fileprivate func historyRow(_ run: RunID, at sequence: Int64) async throws -> HistoryRow? {
        let answer = try await withCheckedContinuation { continuation in
            query(.history(run: run, fromSequence: sequence, limit: 1)) {
                continuation.resume(returning: $0)
            }
        }.get()
        guard case .history(let rows) = answer else { return nil }
        return rows.first { $0.firstSequence == sequence }
    }

    fileprivate func prunePiece(closedBeforeMillis due: Int64) async throws -> PrunedPiece {
        try await withCheckedContinuation { continuation in
            prune(.only, closedBeforeMillis: due) { continuation.resume(returning: $0) }
        }.get()
    }

    fileprivate func runRow(_ run: RunID) async throws -> RunRow? {
        let answer = try await withCheckedContinuation { continuation in
            query(.run(run)) { continuation.resume(returning: $0) }
        }.get()
        guard case .run(let row) = answer else { return nil }
        return row
    }
}
