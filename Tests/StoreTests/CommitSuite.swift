import Coordination
import Store
import Testing

/// Order, epochs and refusals of commits, for every store.
@Suite struct CommitSuite {
    @Test(arguments: StoreKind.allCases)
    func `an epoch is above the last one and not below the clock's seconds`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind)
        #expect(try await under.store.claim(.only, wallMillis: 0).rawValue == 1)
        #expect(try await under.store.claim(.only, wallMillis: 999).rawValue == 2)
        #expect(
            try await under.store.claim(.only, wallMillis: 1_700_000_000_999).rawValue
                == 1_700_000_000)
        let again = try await under.restarted()
        #expect(try await again.store.claim(.only, wallMillis: 5000).rawValue == 1_700_000_001)
        #expect(try await again.store.claim(ShardID(number: 1), wallMillis: 5000).rawValue == 5)
        await again.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a claim beyond the 31 bits is refused`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let last = Int64(Int32.max)
        #expect(try await store.claim(.only, wallMillis: last * 1000).rawValue == UInt32(last))
        await #expect { _ = try await store.claim(.only, wallMillis: 0) } throws: {
            ($0 as? StoreError)?.code == .failed
        }
        #expect(try await store.recover(.only, after: nil).next == nil)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a batch of an older epoch is fenced and leaves nothing`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let old = try await store.claim(.only, wallMillis: 0)
        let new = try await store.claim(.only, wallMillis: 0)
        #expect(await store.commit(old.batch(1) { $0.runs = [Rows.run(RunID(1))] }) == .fenced)
        #expect(try await store.run(RunID(1)) == nil)
        #expect(await store.commit(new.batch(1) { $0.runs = [Rows.run(RunID(2))] }) == .committed)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a batch for a shard that nobody claimed is fenced`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let other = ShardID(number: 3)
        #expect(
            await store.commit(epoch.batch(1, shard: other) { $0.runs = [Rows.run(RunID(1))] })
                == .fenced)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `shards have their own epochs, numbers and recovery`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let other = ShardID(number: 3)
        let first = try await store.claim(.only, wallMillis: 0)
        let second = try await store.claim(other, wallMillis: 9000)
        let here = first.batch(1) { batch in
            batch.runs = [Rows.run(RunID(1))]
            batch.requests = [Rows.request("here")]
        }
        let there = second.batch(1, shard: other) { batch in
            batch.runs = [Rows.run(RunID(2))]
            batch.definitions = [Rows.definition("there")]
        }
        #expect(await store.commit(here) == .committed)
        #expect(await store.commit(there) == .committed)
        let page = try await store.recover(.only, after: nil)
        #expect(page.openRuns.map(\.run) == [RunID(1)])
        #expect(page.definitions.isEmpty && page.requests == here.requests)
        let elsewhere = try await store.recover(other, after: nil)
        #expect(elsewhere.openRuns.map(\.run) == [RunID(2)])
        #expect(elsewhere.definitions == there.definitions && elsewhere.requests.isEmpty)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `completions run in the order of the calls`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let order = NumberTally()
        await withCheckedContinuation { continuation in
            for number in 1...200 {
                store.commit(epoch.batch(UInt64(number)) { $0.requests = [Rows.request("r")] }) {
                    order.add($0 == .committed ? number : -number)
                    if number == 200 { continuation.resume() }
                }
            }
        }
        #expect(order.numbers == Array(1...200))
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `numbers may leave gaps and an empty batch is committed`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(await store.commit(epoch.batch(3)) == .committed)
        #expect(await store.commit(epoch.batch(9) { $0.runs = [Rows.run(RunID(1))] }) == .committed)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases, [UInt64(4), 5])
    func `a batch that is not newer is refused, and so is all that follows`(
        _ kind: StoreKind, _ number: UInt64
    ) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(await store.commit(epoch.batch(5)) == .committed)
        let late = epoch.batch(number) { $0.runs = [Rows.run(RunID(1))] }
        #expect(await store.commit(late).isUnknown)
        #expect(
            await store.commit(epoch.batch(6) { $0.runs = [Rows.run(RunID(2))] }).isUnknown)
        #expect(try await store.runs(in: "shop").isEmpty)
        await store.close()
    }

    static let duplicates: [(String, @Sendable (inout StoreBatch) -> Void)] = [
        ("a payload", { $0.payloads = [Rows.payload(PayloadID(1), of: RunID(1), bytes: [1])] }),
        ("history", { $0.history = [Rows.history(RunID(1), 1)] }),
    ]

    @Test(arguments: StoreKind.allCases, [0, 1])
    func `a row that exists already refuses its whole batch`(
        _ kind: StoreKind, _ index: Int
    ) async throws {
        let (_, fill) = Self.duplicates[index]
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        #expect(await under.store.commit(epoch.batch(1, fill)) == .committed)
        let again = epoch.batch(2) { batch in
            batch.runs = [Rows.run(RunID(6))]
            fill(&batch)
        }
        #expect(await under.store.commit(again).isUnknown)
        #expect(try await under.store.run(RunID(6)) == nil)
        #expect(await under.store.commit(epoch.batch(3)).isUnknown)
        let next = try await under.restarted()
        let epochAfter = try await next.store.claim(.only, wallMillis: 0)
        #expect(
            await next.store.commit(epochAfter.batch(1) { $0.runs = [Rows.run(RunID(6))] })
                == .committed)
        await next.store.close()
    }

    @Test(arguments: StoreKind.allCases, [0, 1])
    func `a row twice in one batch refuses the batch`(
        _ kind: StoreKind, _ index: Int
    ) async throws {
        let (_, fill) = Self.duplicates[index]
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let batch = epoch.batch(1) { batch in
            fill(&batch)
            batch.payloads += batch.payloads
            batch.history += batch.history
        }
        #expect(await store.commit(batch).isUnknown)
        #expect(try await store.loadPayloads([PayloadID(1)]).isEmpty)
        #expect(try await store.history(RunID(1), from: 1).isEmpty)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a full store writes nothing and holds later batches until the refused one fits`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(isSmall: true))
        let store = under.store
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(await store.commit(epoch.batch(1) { $0.runs = [Rows.run(RunID(1))] }) == .committed)
        let large = epoch.batch(2) { batch in
            batch.runs = [Rows.run(RunID(2))]
            batch.payloads = [
                Rows.payload(
                    PayloadID(1), of: RunID(2), bytes: [UInt8](repeating: 1, count: 1 << 20))
            ]
        }
        let later = epoch.batch(3) { $0.runs = [Rows.run(RunID(3))] }
        #expect(await store.commit(large) == .full)
        #expect(await store.commit(later) == .full)
        #expect(await store.commit(large) == .full)
        #expect(try await store.runs(in: "shop").map(\.run) == [RunID(1)])
        let smaller = epoch.batch(2) { $0.runs = [Rows.run(RunID(2))] }
        #expect(await store.commit(smaller) == .committed)
        #expect(await store.commit(later) == .committed)
        let again = try await under.restarted()
        #expect(
            try await again.store.runs(in: "shop").map(\.run) == [RunID(3), RunID(2), RunID(1)])
        #expect(try await again.store.loadPayloads([PayloadID(1)]).isEmpty)
        await again.store.close()
    }
}

extension CommitOutcome {
    /// Whether it is `.unknown`, whatever the reason.
    var isUnknown: Bool {
        if case .unknown = self { true } else { false }
    }
}
