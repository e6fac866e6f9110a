import Coordination
import Store
import Testing

/// Recovery by pages, for every store.
@Suite struct RecoverySuite {
    /// 5 definitions, 3 entities of which 2 are recovered, 9 runs of which 6 are open, 4 requests.
    private func fill(_ store: any Store) async throws -> StoreBatch {
        let epoch = try await store.claim(.only, wallMillis: 0)
        let batch = epoch.batch(1) { batch in
            batch.definitions = (1...5).map { Rows.definition("d\($0)") }
            batch.entities = [
                Rows.entity("e1"), Rows.entity("cold", kind: .deadLetter),
                Rows.entity("e2", kind: .schedule, blob: [2]),
            ]
            batch.runs = (1...9).map {
                Rows.run(
                    RunID($0), closed: $0 % 3 == 0 ? 1 : nil,
                    blob: [UInt8](repeating: UInt8($0), count: 1000))
            }
            batch.requests = (1...4).map { Rows.request("r\($0)") }
        }
        #expect(await store.commit(batch) == .committed)
        return batch
    }

    @Test(arguments: StoreKind.allCases, [1, 2, 3, 4, 5, 7, 9, 17, 18, 100])
    func `pages of any size give every row once, in order`(
        _ kind: StoreKind, _ pageRows: Int
    ) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(recoveryPageRows: pageRows))
        let batch = try await fill(under.store)
        let store = try await under.restarted().store
        let pages = try await store.recoverAll()
        #expect(pages.flatMap(\.definitions) == batch.definitions)
        #expect(pages.flatMap(\.entities) == [batch.entities[0], batch.entities[2]])
        #expect(pages.flatMap(\.openRuns) == batch.runs.filter { $0.closedMillis == nil })
        #expect(pages.flatMap(\.requests) == batch.requests)
        for page in pages {
            let rows =
                page.definitions.count + page.entities.count + page.openRuns.count
                + page.requests.count
            #expect(rows <= pageRows)
            #expect(page.next == nil || rows == pageRows)
        }
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a page ends after the row that fills it`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(recoveryPageBytes: 1500))
        let batch = try await fill(under.store)
        let pages = try await under.store.recoverAll()
        #expect(pages.map(\.openRuns.count) == [2, 2, 2, 0])
        #expect(pages.flatMap(\.openRuns).count == 6)
        #expect(pages.flatMap(\.requests) == batch.requests)
        await under.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a run that ends between two pages is not given again`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(recoveryPageRows: 9))
        _ = try await fill(under.store)
        let store = under.store
        let first = try await store.recover(.only, after: nil)
        #expect(first.openRuns.map(\.run) == [RunID(1), RunID(2)])
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(
            await store.commit(epoch.batch(1) { $0.runs = [Rows.run(RunID(4), closed: 2)] })
                == .committed)
        let second = try await store.recover(.only, after: first.next)
        #expect(second.openRuns.map(\.run) == [RunID(5), RunID(7), RunID(8)])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a request id used again comes back in the order of use`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        var again = Rows.request("r")
        again.answer = [4]
        let rows = [Rows.request("r"), Rows.request("other"), again]
        for (index, row) in rows.enumerated() {
            #expect(
                await under.store.commit(epoch.batch(UInt64(index) + 1) { $0.requests = [row] })
                    == .committed)
        }
        let next = try await under.restarted()
        #expect(try await next.store.recoverAll().flatMap(\.requests) == rows)
        await next.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `requests are remembered for their hours and then forgotten`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(requestRetentionHours: 2))
        let store = under.store
        let epoch = try await store.claim(.only, wallMillis: 0)
        for hour in 0...4 {
            let batch = epoch.batch(UInt64(hour) + 1) {
                $0.requests = [Rows.request("h\(hour)", atHour: Int64(hour))]
            }
            #expect(await store.commit(batch) == .committed)
        }
        let ids = try await store.recoverAll().flatMap(\.requests).map(\.requestID)
        #expect(ids == ["h2", "h3", "h4"])
        let again = try await under.restarted()
        _ = try await again.store.claim(.only, wallMillis: 6 * 3_600_000)
        let left = try await again.store.recoverAll().flatMap(\.requests).map(\.requestID)
        #expect(left == ["h4"])
        await again.store.close()
    }
}
