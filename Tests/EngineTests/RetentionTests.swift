import Coordination
import Store
import Testing
import Threads

@testable import Engine

/// Runs are kept for as long as promised, and no longer.
@Suite struct RetentionTests {
    private func run(_ counter: UInt32) -> RunID {
        RunID(serial: Serial(epoch: Epoch(rawValue: 1), counter: counter))
    }

    /// A store with one open run and runs that ended at 1, 2, ... seconds.
    private func filled(closed count: UInt32) async throws -> InMemoryStore {
        let store = try InMemoryStore()
        let epoch = try await store.claim(.only, wallMillis: 0)
        var batch = StoreBatch(shard: .only, epoch: epoch, number: BatchNumber(rawValue: 1))
        for number in 0...count {
            batch.runs.append(
                RunRow(
                    run: run(number), namespace: "default", workflowID: "w", definition: "d",
                    status: 1, startedMillis: 0,
                    closedMillis: number == 0 ? nil : Int64(number) * 1_000, blob: [1]))
        }
        await withCheckedContinuation { continuation in
            store.commit(batch) { outcome in
                #expect(outcome == .committed)
                continuation.resume()
            }
        }
        return store
    }

    private func left(in store: InMemoryStore) async -> [RunID] {
        await withCheckedContinuation { continuation in
            let query = StoreQuery.runs(
                namespace: "default", definition: nil, openOnly: false, before: nil, limit: 1_000)
            store.query(query) { result in
                guard case .success(.runs(let rows)) = result else {
                    return continuation.resume(returning: [])
                }
                continuation.resume(returning: rows.map(\.run))
            }
        }
    }

    @Test func `a pass removes what is due, whatever its number of pieces`() async throws {
        let store = try await filled(closed: 100)
        let pruner = RetentionPruner(store: store, retentionMillis: 10_000) { _ in }
        var report = await pruner.pass(nowMillis: 11_000)
        #expect(report == RetentionPruner.Report())
        report = await pruner.pass(nowMillis: 90_000)
        #expect(report.runs == 79)
        #expect(report.failure == nil)
        #expect(await left(in: store) == (80...100).reversed().map { run($0) } + [run(0)])
        report = await pruner.pass(nowMillis: .max)
        #expect(await left(in: store) == [run(0)])
        await store.close()
    }

    @Test func `a store that fails ends the pass with its reason`() async throws {
        let store = try await filled(closed: 1)
        await store.close()
        let report = await RetentionPruner(store: store, retentionMillis: 1) { _ in }
            .pass(nowMillis: 50_000)
        #expect(report.runs == 0)
        #expect(report.failure?.contains("closed") == true)
    }

    @Test func `what the engine can still be asked for is there until its time is over`()
        async throws
    {
        let store = try InMemoryStore()
        let server = try await TestServer(store: store)
        FakeAgents().join(server.host, type: "echo")
        _ = await server.put(.chain(2))
        let (summary, _) = try #require(await server.run("chain"))
        let closed = try #require(summary.closedMillis)
        let pruner = RetentionPruner(store: store, retentionMillis: 5_000) { _ in }
        #expect(await pruner.pass(nowMillis: closed + 5_000).runs == 0)
        #expect(await server.history(summary.id).count == summary.lastSequence)
        #expect(await pruner.pass(nowMillis: closed + 5_001).runs == 1)
        guard
            case .rejected(let rejection) = await server.ask({
                .getRun(.run(.default, summary.id), $0)
            })
        else {
            Issue.record("a pruned run was found")
            return
        }
        #expect(rejection.code == .notFound)
        await server.close()
        await store.close()
    }
}
