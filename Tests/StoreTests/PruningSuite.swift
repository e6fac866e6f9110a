import Coordination
import Store
import Testing

/// Removing what ended long ago, for every store.
@Suite struct PruningSuite {
    /// Runs 1...count with two payloads and two rows of history each; run n ended at n unless open.
    private func fill(
        _ store: any Store, _ epoch: Epoch, count: UInt32, open: Set<UInt32> = []
    ) async {
        let batch = epoch.batch(1) { batch in
            for number in 1...count {
                let run = RunID(number)
                batch.runs.append(
                    Rows.run(run, closed: open.contains(number) ? nil : Int64(number)))
                batch.history += [Rows.history(run, 1), Rows.history(run, 2)]
                batch.payloads += [
                    Rows.payload(PayloadID(2 * number), of: run, bytes: [1]),
                    Rows.payload(PayloadID(2 * number + 1), of: run, bytes: [2]),
                ]
            }
        }
        #expect(await store.commit(batch) == .committed)
    }

    private func isWhole(_ number: UInt32, in store: any Store) async throws -> Bool {
        let run = RunID(number)
        let ids = [PayloadID(2 * number), PayloadID(2 * number + 1)]
        let payloads = try await store.loadPayloads(ids).count
        let history = try await store.history(run, from: 1).count
        let isThere = try await store.run(run) != nil
        if isThere { return payloads == 2 && history == 2 }
        #expect(history == 0, "a run that is gone has history")
        return false
    }

    private func isGone(_ number: UInt32, in store: any Store) async throws -> Bool {
        let run = RunID(number)
        let ids = [PayloadID(2 * number), PayloadID(2 * number + 1)]
        let payloads = try await store.loadPayloads(ids).count
        let history = try await store.history(run, from: 1).count
        return try await store.run(run) == nil && payloads == 0 && history == 0
    }

    @Test(arguments: StoreKind.allCases)
    func `only runs that ended before the moment go, with all that is theirs`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        await fill(under.store, epoch, count: 150, open: [3, 7, 60])
        #expect(try await under.store.pruneAll(closedBefore: 100) == 96)
        #expect(try await under.store.pruneAll(closedBefore: 100) == 0)
        let store = try await under.restarted().store
        for number in UInt32(1)...150 {
            let stays = number >= 100 || [3, 7, 60].contains(number)
            #expect(
                stays
                    ? try await isWhole(number, in: store) : try await isGone(number, in: store),
                "run \(number)")
        }
        #expect(try await store.runs(in: "shop", limit: 1_000).count == 54)
        #expect(try await store.recoverAll().flatMap(\.openRuns).count == 3)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a piece is small, and after each a run is whole or unseen`(
        _ kind: StoreKind
    ) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        await fill(store, epoch, count: 100)
        var gone = 0
        while true {
            let piece = try await store.prune(closedBefore: 1_000)
            #expect(piece.runs <= 32)
            gone += piece.runs
            var whole = 0
            for number in UInt32(1)...100 where try await isWhole(number, in: store) { whole += 1 }
            #expect(whole == 100 - gone)
            if !piece.hasMore { break }
        }
        #expect(gone == 100)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a large run goes in several pieces`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let batch = epoch.batch(1) { batch in
            batch.runs = [Rows.run(RunID(1), closed: 1), Rows.run(RunID(2), closed: nil)]
            batch.history = (1...700).map { Rows.history(RunID(1), $0) }
            batch.payloads = (1...6).map {
                Rows.payload(
                    PayloadID($0), of: RunID(1), bytes: [UInt8](repeating: 1, count: 1 << 20))
            }
            batch.payloads.append(Rows.payload(PayloadID(9), of: RunID(2), bytes: [9]))
        }
        #expect(await store.commit(batch) == .committed)
        let first = try await store.prune(closedBefore: 2)
        #expect(first == PrunedPiece(runs: 1, hasMore: kind == .sqlite))
        #expect(try await store.run(RunID(1)) == nil)
        #expect(try await store.history(RunID(1), from: 1, limit: 1_000).isEmpty)
        #expect(try await store.pruneAll(closedBefore: 2) == 0)
        #expect(try await store.loadPayloads((1...9).map { PayloadID($0) }).count == 1)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `another shard's runs stay`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let other = ShardID(number: 4)
        let epoch = try await store.claim(other, wallMillis: 0)
        let batch = epoch.batch(1, shard: other) { $0.runs = [Rows.run(RunID(1), closed: 1)] }
        #expect(await store.commit(batch) == .committed)
        #expect(try await store.prune(closedBefore: 9) == PrunedPiece(runs: 0, hasMore: false))
        #expect(
            try await store.prune(closedBefore: 9, other) == PrunedPiece(runs: 1, hasMore: false))
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `too many requests: the oldest go`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind, StoreLimits(maxRequests: 100)).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        for number in UInt64(1)...40 {
            let batch = epoch.batch(number) { batch in
                batch.requests = (0..<100).map { Rows.request("\(number)-\($0)") }
            }
            #expect(await store.commit(batch) == .committed)
        }
        // Dropping goes on beside commits, in pieces; one more commit is behind the last of them.
        var left: [RequestRow] = []
        for number in UInt64(41)...100 {
            #expect(await store.commit(epoch.batch(number)) == .committed)
            left = try await store.recoverAll().flatMap(\.requests)
            if left.count <= 1_100 { break }
        }
        #expect(left.count <= 1_100)
        #expect(left.suffix(100).map(\.requestID) == (0..<100).map { "40-\($0)" })
        await store.close()
    }
}
