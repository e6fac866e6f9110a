import Coordination
import Store
import Testing

/// Shared memory, for every store.
@Suite struct MemorySuite {
    private func row(
        _ key: String, _ revision: Int64, _ value: [UInt8]?, namespace: String = "shop"
    ) -> MemoryRow {
        MemoryRow(
            namespace: namespace, key: MemoryKey(key), revision: revision,
            meta: [1, UInt8(truncatingIfNeeded: revision)], value: value)
    }

    private func entries(
        _ store: any Store, prefix: String = "", after: String? = nil, limit: Int = 100,
        maxBytes: Int = 1 << 20, keysOnly: Bool = false
    ) async throws -> MemoryPage {
        try await page(
            store,
            MemoryQuery(
                namespace: "shop",
                .entries(prefix: MemoryKey(prefix), after: after.map { MemoryKey($0) }),
                limit: limit, maxBytes: maxBytes, keysOnly: keysOnly))
    }

    private func page(_ store: any Store, _ query: MemoryQuery) async throws -> MemoryPage {
        guard case .memory(let page) = try await store.query(.memory(query)) else {
            return MemoryPage()
        }
        return page
    }

    @Test(arguments: StoreKind.allCases)
    func `a key holds its newest change, also after a restart`(_ kind: StoreKind) async throws {
        let under = try await StoreUnderTest(kind, StoreLimits(recoveryPageRows: 2))
        let epoch = try await under.store.claim(.only, wallMillis: 0)
        let rows = [
            row("a", 1, [1]), row("b", 2, [2]), row("a", 3, []), row("c", 4, [4]), row("b", 5, nil),
            row("\u{e9}", 6, [6]), row("e\u{301}", 7, [7]), row("a\u{0}", 8, [8]),
        ]
        #expect(await under.store.commit(epoch.batch(1) { $0.memory = rows }) == .committed)
        let other = row("a", 1, [9], namespace: "bank")
        let line = EntityRow(kind: .memoryLine, namespace: "shop", key: "", blob: [1, 2, 3])
        #expect(
            await under.store.commit(
                epoch.batch(2) { batch in
                    batch.memory = [other]
                    batch.entities = [line]
                }) == .committed)
        let again = try await under.restarted()
        let recovered = try await again.store.recoverAll().flatMap(\.memory)
        #expect(recovered == [rows[2], rows[3], rows[5], rows[6], rows[7], other])
        let page = try await entries(again.store)
        #expect(page.rows == [rows[2], rows[7], rows[3], rows[6], rows[5]])
        #expect(page.isLast && page.line == [1, 2, 3])
        #expect(try await entries(again.store, prefix: "a").rows == [rows[2], rows[7]])
        #expect(try await entries(again.store, prefix: "a\u{0}").rows == [rows[7]])
        #expect(
            try await entries(again.store, keysOnly: true).rows.map(\.value) == [
                nil, nil, nil, nil, nil,
            ])
        await again.store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `entries come by pages of rows and of bytes`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        let rows = (1...7).map { row("k\($0)", Int64($0), [UInt8](repeating: 1, count: 100)) }
        #expect(await store.commit(epoch.batch(1) { $0.memory = rows }) == .committed)
        for (limit, bytes) in [(2, 1 << 20), (100, 150), (1, 1)] {
            var read: [MemoryRow] = []
            var after: String?
            var pages = 0
            while true {
                let page = try await entries(
                    store, prefix: "k", after: after, limit: limit, maxBytes: bytes)
                read += page.rows
                pages += 1
                after = page.rows.last?.key.text
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
            row("a", 1, [1]), row("b", 2, [2]), row("z", 2, [3]), row("a", 2, [4]),
            row("b", 3, nil),
            row("a", 4, [5]),
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
    func `pruning keeps each key's newest, and of what is deleted nothing`(
        _ kind: StoreKind
    ) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        var rows = (1...6).map { row("hot", Int64($0), [UInt8($0)]) }
        rows += [row("cold", 7, [7]), row("gone", 8, [8]), row("gone", 9, nil)]
        rows += [row("late", 10, [10]), row("hot", 11, [11])]
        #expect(await store.commit(epoch.batch(1) { $0.memory = rows }) == .committed)
        let pruning = MemoryPruning(namespace: "shop", from: 1, below: 10, keep: 3)
        #expect(
            await store.commit(epoch.batch(2) { $0.memoryPrunings = [pruning] }) == .committed)
        func history(_ key: String) async throws -> [Int64] {
            try await page(
                store,
                MemoryQuery(namespace: "shop", .history(MemoryKey(key), before: .max), limit: 99)
            ).rows.map(\.revision)
        }
        #expect(try await history("hot") == [11, 6, 5])
        #expect(try await history("cold") == [7])
        #expect(try await history("gone").isEmpty)
        #expect(try await history("late") == [10])
        #expect(try await entries(store).rows.map(\.key.text) == ["cold", "hot", "late"])
        // What has gone already is no obstacle.
        #expect(
            await store.commit(epoch.batch(3) { $0.memoryPrunings = [pruning] }) == .committed)
        #expect(try await history("hot") == [11, 6, 5])
        await store.close()
    }

    @Test(arguments: StoreKind.allCases)
    func `a revision of a key that exists refuses the whole batch`(_ kind: StoreKind) async throws {
        let store = try await StoreUnderTest(kind).store
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(
            await store.commit(epoch.batch(1) { $0.memory = [self.row("a", 1, [1])] }) == .committed
        )
        let outcome = await store.commit(
            epoch.batch(2) { $0.memory = [self.row("b", 2, [1]), self.row("a", 1, [2])] })
        guard case .unknown = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(try await entries(store).rows == [row("a", 1, [1])])
        await store.close()
    }
}
