import Coordination
import Store
import Testing

/// Shared memory, for every store.
@Suite struct MemorySuite {
    private func row(
        _ key: String, _ revision: Int64, _ value: [UInt8]?, previous: Int64 = 0,
        namespace: String = "shop"
    ) -> MemoryRow {
        MemoryRow(
            namespace: namespace, key: MemoryKey(key), revision: revision, previous: previous,
            meta: [1, UInt8(truncatingIfNeeded: revision)], value: value)
    }

    private func page(_ store: any Store, _ query: MemoryQuery) async throws -> MemoryPage {
        guard case .memory(let page) = try await store.query(.memory(query)) else {
            return MemoryPage()
        }
        return page
    }

    private func changes(
        _ store: any Store, _ scope: MemoryScope = .prefix(MemoryKey("")), from: Int64 = 1,
        limit: Int = 100, maxBytes: Int = 1 << 20, keysOnly: Bool = false
    ) async throws -> MemoryPage {
        try await page(
            store,
            MemoryQuery(
                namespace: "shop",
                .changes(scope, from: MemoryPosition(revision: from), previous: false),
                limit: limit, maxBytes: maxBytes, keysOnly: keysOnly))
    }

    private func history(_ store: any Store, _ key: String) async throws -> [Int64] {
        try await page(
            store,
            MemoryQuery(namespace: "shop", .history(MemoryKey(key), before: .max), limit: 99)
        ).rows.map(\.revision)
    }

    @Test(arguments: StoreKind.allCases)
    func `changes are taken up in their order after a restart`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(recoveryPageRows: 2))
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let rows = [
            row("a", 1, [1]), row("b", 2, [2]), row("a", 3, [], previous: 1), row("c", 4, [4]),
            row("b", 5, nil, previous: 2), row("\u{e9}", 6, [6]), row("e\u{301}", 7, [7]),
            row("a\u{0}", 8, [8]),
        ]
        let others = [row("a", 1, [9], namespace: "bank"), row("b", 2, [8], namespace: "bank")]
        let mixed = [rows[0], others[0], rows[1], rows[2], others[1], rows[3]]
        #expect(await under.store.commit(epoch.batch(1) { $0.memory = mixed }) == .committed)
        let line = EntityRow(kind: .memoryLine, namespace: "shop", key: "", blob: [1, 2, 3])
        #expect(
            await under.store.commit(
                epoch.batch(2) { batch in
                    batch.memory = Array(rows[4...])
                    batch.entities = [line]
                }) == .committed)
        let again = try await under.restarted()
        let recovered = try await again.store.recoverAll().flatMap(\.memory)
        #expect(recovered.filter { $0.namespace == "shop" } == rows)
        #expect(recovered.filter { $0.namespace == "bank" } == others)
        let page = try await changes(again.store)
        #expect(page.rows == rows && page.isLast && page.line == [1, 2, 3])
        #expect(
            try await changes(again.store, .prefix(MemoryKey("a"))).rows == [
                rows[0], rows[2], rows[7],
            ])
        #expect(try await changes(again.store, .key(MemoryKey("e\u{301}"))).rows == [rows[6]])
        #expect(
            try await changes(again.store, keysOnly: true).rows.allSatisfy { $0.value == nil })
        await again.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `changes come by pages of rows and of bytes`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        // More than one row of the log holds.
        let rows = (1...7).map { row("k\($0)", Int64($0), [UInt8](repeating: 1, count: 20_000)) }
        #expect(await store.commit(epoch.batch(1) { $0.memory = rows }) == .committed)
        for (limit, bytes) in [(2, 1 << 20), (100, 30_000), (1, 1)] {
            var read: [MemoryRow] = []
            var pages = 0
            while true {
                let page = try await changes(
                    store, from: (read.last?.revision ?? 0) + 1, limit: limit, maxBytes: bytes)
                read += page.rows
                pages += 1
                if page.isLast { break }
            }
            #expect(read == rows)
            #expect(pages == (limit == 1 ? 7 : 4))
        }
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `changes are read from any point, also from the middle of a revision`(
        _ kind: StoreKind
    ) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let rows = [
            row("a", 1, [1]), row("b", 2, [2]), row("z", 2, [3]),
            row("a", 2, [4], previous: 1), row("b", 3, nil, previous: 2),
            row("a", 4, [5], previous: 2),
        ]
        #expect(await store.commit(epoch.batch(1) { $0.memory = rows }) == .committed)
        for limit in 1...7 {
            var read: [MemoryRow] = []
            var previous: [MemoryRow?] = []
            var from = MemoryPosition(revision: 1)
            while true {
                let page = try await page(
                    store,
                    MemoryQuery(
                        namespace: "shop",
                        .changes(.prefix(MemoryKey("")), from: from, previous: true),
                        limit: limit))
                read += page.rows
                previous += page.previous
                guard let next = page.next else { break }
                #expect(!page.isLast)
                from = next
            }
            #expect(read == rows, "limit \(limit)")
            #expect(previous == [nil, nil, nil, rows[0], rows[1], rows[3]])
        }
        let own = try await page(
            store,
            MemoryQuery(
                namespace: "shop",
                .changes(.key(MemoryKey("a")), from: MemoryPosition(revision: 2), previous: false),
                limit: 10))
        #expect(own.rows == [rows[3], rows[5]] && own.previous.isEmpty && own.isLast)
        let history = try await page(
            store,
            MemoryQuery(namespace: "shop", .history(MemoryKey("a"), before: 4), limit: 10))
        #expect(history.rows == [rows[3], rows[0]])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `what the window passes is kept by key, and of what is deleted nothing`(
        _ kind: StoreKind
    ) async throws {
        let under = try await StoreUnderTest(kind)
        let store = under.store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let old = [
            row("hot", 1, [1]), row("cold", 2, [2]), row("hot", 3, [3], previous: 1),
            row("gone", 4, [4]),
        ]
        #expect(await store.commit(epoch.batch(1) { $0.memory = old }) == .committed)
        let new = [row("hot", 5, [5], previous: 3), row("gone", 6, nil, previous: 4)]
        let first = MemorySettlement(
            namespace: "shop", below: 5, held: [old[1], old[2], old[3]], gone: [], keep: 2)
        #expect(
            await store.commit(
                epoch.batch(2) { batch in
                    batch.memory = new
                    batch.memorySettlements = [first]
                }) == .committed)
        #expect(try await history(store, "hot") == [5, 3])
        #expect(try await history(store, "cold") == [2])
        #expect(try await history(store, "gone") == [6, 4])
        #expect(try await changes(store).rows == new)
        let previous = try await page(
            store,
            MemoryQuery(
                namespace: "shop",
                .changes(
                    .prefix(MemoryKey("")), from: MemoryPosition(revision: 5), previous: true),
                limit: 9)
        ).previous
        #expect(previous.map { $0?.value } == [[3], [4]])
        let last = [row("hot", 7, [7], previous: 5), row("hot", 8, [8], previous: 7)]
        let second = MemorySettlement(
            namespace: "shop", below: 8, held: [last[0]], gone: [MemoryKey("gone")], keep: 2)
        for (number, rows) in [(3, [last[0]]), (4, [last[1]])] {
            let outcome = await store.commit(
                epoch.batch(UInt64(number)) { batch in
                    batch.memory = rows
                    if number == 4 { batch.memorySettlements = [second] }
                })
            #expect(outcome == .committed)
        }
        #expect(try await history(store, "hot") == [8, 7, 3])
        #expect(try await history(store, "gone").isEmpty)
        let again = try await under.restarted()
        let recovered = try await again.store.recoverAll().flatMap(\.memory)
        #expect(recovered.map(\.revision) == [2, 7, 8])
        await again.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a revision that is stored refuses the whole batch`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(
            await store.commit(epoch.batch(1) { $0.memory = [self.row("a", 1, [1])] }) == .committed
        )
        let outcome = await store.commit(
            epoch.batch(2) { batch in
                batch.memory = [self.row("b", 1, [2])]
                batch.entities = [Rows.entity("x")]
            })
        guard case .unknown = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try await changes(store).rows == [row("a", 1, [1])])
        await store.close()
    }
}
