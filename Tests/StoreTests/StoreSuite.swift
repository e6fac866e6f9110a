import Coordination
import Store
import Testing

/// What every store must do, run against each of them.
@Suite struct StoreSuite {
    @Test(arguments: StoreKind.allCases)
    func `a fresh store has nothing to recover`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let pages = try await store.recoverAll()
        #expect(pages.count == 1)
        #expect(pages[0].definitions.isEmpty && pages[0].openRuns.isEmpty)
        #expect(pages[0].requests.isEmpty && pages[0].next == nil)
        #expect(try await store.run(RunID(1)) == nil)
        #expect(try await store.latestRun("order-1", in: "shop") == nil)
        #expect(try await store.runs(in: "shop").isEmpty)
        #expect(try await store.history(RunID(1), from: 1).isEmpty)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `every column of every row survives a restart`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let run = Rows.run(RunID(7), status: 250, closed: nil, blob: [1, 0, 255])
        let closed = Rows.run(RunID(8), workflow: "ö/ \0 x", status: 3, closed: -5, blob: [])
        let text = PayloadRow(
            id: PayloadID(2), run: run.run,
            payload: Payload(bytes: Array("héllo".utf8), contentType: "text/plain"))
        let batch = epoch.batch(1) { batch in
            batch.definitions = [Rows.definition("calendar"), Rows.definition("other")]
            batch.runs = [run, closed]
            batch.payloads = [Rows.payload(PayloadID(1), of: run.run, bytes: []), text]
            batch.history = [Rows.history(run.run, 1, count: 3)]
            batch.requests = [Rows.request("r1")]
        }
        #expect(await under.store.commit(batch) == .committed)

        let store = try await under.restarted().store
        #expect(try await store.run(run.run) == run)
        #expect(try await store.run(closed.run) == closed)
        #expect(try await store.history(run.run, from: 1) == batch.history)
        let payloads = try await store.loadPayloads([PayloadID(1), PayloadID(2), PayloadID(3)])
        #expect(payloads == [PayloadID(1): Payload(bytes: []), PayloadID(2): text.payload])
        let page = try await store.recover(.only, after: nil)
        #expect(page.definitions == batch.definitions)
        #expect(page.openRuns == [run])
        #expect(page.requests == batch.requests)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a definition replaces the one of its namespace and name`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let other = Rows.definition("calendar", namespace: "bank")
        let newer = Rows.definition("calendar", version: "2")
        #expect(
            await store.commit(
                epoch.batch(1) { $0.definitions = [Rows.definition("calendar"), other] })
                == .committed)
        #expect(await store.commit(epoch.batch(2) { $0.definitions = [newer] }) == .committed)
        #expect(try await store.recover(.only, after: nil).definitions == [newer, other])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a later row of a run changes its status, end and state only`(
        _ kind: StoreKind
    ) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let first = Rows.run(RunID(1))
        #expect(await store.commit(epoch.batch(1) { $0.runs = [first] }) == .committed)
        let last = Rows.run(
            RunID(1), namespace: "else", workflow: "else", definition: "else", status: 9,
            closed: 44, blob: [5])
        #expect(await store.commit(epoch.batch(2) { $0.runs = [last] }) == .committed)
        #expect(
            try await store.run(RunID(1)) == Rows.run(RunID(1), status: 9, closed: 44, blob: [5]))
        #expect(try await store.runs(in: "else").isEmpty)
        #expect(try await store.recover(.only, after: nil).openRuns.isEmpty)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `the latest run of a workflow id is the one with the highest id`(
        _ kind: StoreKind
    ) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let batch = epoch.batch(1) { batch in
            batch.runs = [
                Rows.run(RunID(3), workflow: "a"), Rows.run(RunID(1), workflow: "a", closed: 9),
                Rows.run(RunID(4), workflow: "b"),
                Rows.run(RunID(5), namespace: "bank", workflow: "a"),
            ]
        }
        #expect(await store.commit(batch) == .committed)
        #expect(try await store.latestRun("a", in: "shop")?.run == RunID(3))
        #expect(try await store.latestRun("a", in: "bank")?.run == RunID(5))
        #expect(try await store.latestRun("c", in: "shop") == nil)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `runs are listed newest first, by page and filter`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let batch = epoch.batch(1) { batch in
            batch.runs = (1...10).map { number in
                Rows.run(
                    RunID(number), namespace: number == 10 ? "bank" : "shop",
                    definition: number % 3 == 0 ? "third" : "calendar",
                    closed: number % 2 == 0 ? 1 : nil)
            }
        }
        #expect(await store.commit(batch) == .committed)
        func numbers(_ rows: [RunRow]) -> [UInt32] {
            rows.map { UInt32(truncatingIfNeeded: $0.run.serial.rawValue) }
        }
        #expect(numbers(try await store.runs(in: "shop")) == [9, 8, 7, 6, 5, 4, 3, 2, 1])
        #expect(numbers(try await store.runs(in: "shop", limit: 3)) == [9, 8, 7])
        #expect(numbers(try await store.runs(in: "shop", before: RunID(7), limit: 3)) == [6, 5, 4])
        #expect(numbers(try await store.runs(in: "shop", before: RunID(1))).isEmpty)
        #expect(numbers(try await store.runs(in: "shop", definition: "third")) == [9, 6, 3])
        #expect(numbers(try await store.runs(in: "shop", openOnly: true)) == [9, 7, 5, 3, 1])
        #expect(
            numbers(
                try await store.runs(
                    in: "shop", definition: "third", openOnly: true, before: RunID(9)))
                == [3])
        #expect(numbers(try await store.runs(in: "bank")) == [10])
        #expect(try await store.runs(in: "shop", limit: 0).isEmpty)
        #expect(try await store.runs(in: "shop", limit: -1).isEmpty)
        await store.close()
    }

    @Test(
        arguments: StoreKind.allCases,
        [
            (Int64(0), 100, [Int64(1), 4, 5, 9]), (1, 100, [1, 4, 5, 9]), (3, 100, [1, 4, 5, 9]),
            (4, 100, [4, 5, 9]), (6, 100, [5, 9]), (8, 100, [5, 9]), (9, 1, [9]), (10, 5, [9]),
            (11, 5, []), (2, 2, [1, 4]), (1, 0, []),
        ])
    func `history begins with the row that holds the wanted event`(
        _ kind: StoreKind, _ expected: (from: Int64, limit: Int, firsts: [Int64])
    ) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let batch = epoch.batch(1) { batch in
            batch.history = [
                Rows.history(RunID(1), 1, count: 3), Rows.history(RunID(1), 4),
                Rows.history(RunID(2), 1, count: 50), Rows.history(RunID(1), 5, count: 4),
                Rows.history(RunID(1), 9, count: 2),
            ]
        }
        #expect(await store.commit(batch) == .committed)
        let rows = try await store.history(
            RunID(1), from: expected.from, limit: expected.limit)
        #expect(rows.map(\.firstSequence) == expected.firsts)
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `payloads asked for twice or missing do no harm`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let big = [UInt8](repeating: 7, count: 2 << 20)
        let batch = epoch.batch(1) { batch in
            batch.payloads = [Rows.payload(PayloadID(1), of: RunID(1), bytes: big)]
        }
        #expect(await store.commit(batch) == .committed)
        #expect(try await store.loadPayloads([]).isEmpty)
        let found = try await store.loadPayloads([PayloadID(1), PayloadID(9), PayloadID(1)])
        #expect(found == [PayloadID(1): Payload(bytes: big)])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a closed store says so to every call`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        await store.close()
        await store.close()
        await #expect { _ = try await store.claim(.only, wallMillis: 0) } throws: {
            ($0 as? StoreError)?.code == .unavailable
        }
        await #expect { _ = try await store.recover(.only, after: nil) } throws: {
            ($0 as? StoreError)?.code == .unavailable
        }
        await #expect { _ = try await store.query(.run(RunID(1))) } throws: {
            ($0 as? StoreError)?.code == .unavailable
        }
        await #expect { _ = try await store.loadPayloads([PayloadID(1)]) } throws: {
            ($0 as? StoreError)?.code == .unavailable
        }
        guard case .unknown(let why) = await store.commit(epoch.batch(1)) else {
            Issue.record("a commit after close must not be acknowledged")
            return
        }
        #expect(why.contains("closed"))
    }

    @Test(arguments: StoreKind.allCases)
    func `what was handed over before close is on record after it`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind)
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let tally = OutcomeTally()
        for number in 1...50 {
            under.store.commit(
                epoch.batch(UInt64(number)) { $0.runs = [Rows.run(RunID(UInt32(number)))] }
            ) { tally.add($0) }
        }
        let again = try await under.restarted()
        #expect(tally.outcomes == Array(repeating: .committed, count: 50))
        #expect(try await again.store.runs(in: "shop").count == 50)
        await again.store.close()
    }
}
