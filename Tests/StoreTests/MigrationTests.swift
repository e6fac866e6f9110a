import Coordination
import Testing

@testable import Store

/// A file that an older server wrote goes on with all that it held.
@Suite struct MigrationTests {
    /// A file of the first version with one row in every table that it had.
    private func makeVersion1(_ directory: TemporaryDirectory) throws {
        let file = try SQLiteConnection(
            path: "\(directory.path)/cadre.sqlite", access: .create, busyMillis: 500)
        try file.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL")
        try file.execute(SQLiteSchema.migrations[0])
        try file.execute(
            """
            INSERT INTO shards VALUES (0, 77);
            INSERT INTO definitions VALUES (1, 0, 'shop', 'd', '3', 5, x'0102');
            INSERT INTO payloads VALUES (9, 4, '', x'7b7d');
            INSERT INTO runs VALUES (4, 0, 'shop', 'w', 'd', 1, 6, NULL, x'0103');
            INSERT INTO history VALUES (4, 1, 2, x'0104');
            INSERT INTO requests VALUES (1, 0, 0, 'shop', 'Start', 'q', 8, 9, x'0105');
            PRAGMA application_id = \(SQLiteSchema.applicationID); PRAGMA user_version = 1;
            """)
    }

    @Test func `a file of the first version keeps its rows and takes the new ones`() async throws {
        let directory = try TemporaryDirectory()
        try makeVersion1(directory)
        let store = try await SQLiteStore.open(.init(directory: directory.path))
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(epoch == Epoch(rawValue: 78))
        let page = try await store.recover(.only, after: nil)
        #expect(page.definitions.map(\.blob) == [[1, 2]])
        #expect(page.openRuns.map(\.blob) == [[1, 3]])
        #expect(page.requests.map(\.answer) == [[1, 5]])
        #expect(page.entities.isEmpty)
        let run = RunID(serial: Serial(column: 4))
        #expect(try await store.history(run, from: 1).map(\.blob) == [[1, 4]])
        let payload = PayloadID(serial: Serial(column: 9))
        #expect(try await store.loadPayloads([payload])[payload]?.bytes == Array("{}".utf8))
        let batch = epoch.batch(1) { batch in
            batch.entities = [Rows.entity("a")]
            batch.audits = [Rows.audit("x")]
        }
        #expect(await store.commit(batch) == .committed)
        #expect(try await store.recoverAll().flatMap(\.entities) == [Rows.entity("a")])
        #expect(try await store.audit().map(\.sequence) == [1])
        let end = epoch.batch(2) { $0.runs = [Rows.run(run, closed: 50)] }
        #expect(await store.commit(end) == .committed)
        #expect(try await store.pruneAll(closedBefore: 51) == 1)
        #expect(try await store.loadPayloads([payload]).isEmpty)
        await store.close()
        let file = try SQLiteConnection(
            path: "\(directory.path)/cadre.sqlite", access: .create, busyMillis: 500)
        #expect(try file.integer("PRAGMA user_version") == SQLiteSchema.latestVersion)
    }

    /// A file of the version in which each change of shared memory was a row.
    private func makeVersion5(_ directory: TemporaryDirectory) throws {
        let file = try SQLiteConnection(
            path: "\(directory.path)/cadre.sqlite", access: .create, busyMillis: 500)
        try file.execute("PRAGMA page_size = 8192; PRAGMA journal_mode = WAL")
        for sql in SQLiteSchema.migrations[..<5] { try file.execute(sql) }
        // Revision 9, the window from revision 5 on.
        try file.execute(
            """
            INSERT INTO entities VALUES (1, 0, \(EntityKind.memoryLine.rawValue), 'shop', '',
                x'0112010a0300');
            INSERT INTO entities VALUES (2, 0, 21, 'shop', '0000000100000001', x'01');
            INSERT INTO memory_changes VALUES (1, 'shop', 'a', 3, x'01', x'03');
            INSERT INTO memory_changes VALUES (2, 'shop', 'b', 4, x'01', x'04');
            INSERT INTO memory_changes VALUES (3, 'shop', 'a', 7, x'01', x'07');
            INSERT INTO memory_changes VALUES (4, 'shop', 'c', 8, x'01', x'08');
            INSERT INTO memory_changes VALUES (5, 'shop', 'c', 9, x'01', NULL);
            INSERT INTO memory_entries VALUES (1, 0, 'shop', 'a', 7);
            INSERT INTO memory_entries VALUES (2, 0, 'shop', 'b', 4);
            PRAGMA application_id = \(SQLiteSchema.applicationID); PRAGMA user_version = 5;
            """)
    }

    @Test func `shared memory of one row a change is packed into the log`() async throws {
        let directory = try TemporaryDirectory()
        try makeVersion5(directory)
        let store = try await SQLiteStore.open(.init(directory: directory.path))
        let epoch = try await store.claim(.only, wallMillis: 0)
        let pages = try await store.recoverAll()
        #expect(pages.flatMap(\.entities).map(\.entityKind) == [.memoryLine, .lockAcquire])
        let memory = pages.flatMap(\.memory)
        #expect(memory.map(\.revision) == [3, 4, 7, 8, 9])
        #expect(memory.map(\.value) == [[3], [4], [7], [8], nil])
        let query = MemoryQuery(
            namespace: "shop",
            .changes(.prefix(MemoryKey("")), from: MemoryPosition(revision: 5), previous: true),
            limit: 9)
        guard case .memory(let page) = try await store.query(.memory(query)) else { return }
        #expect(page.rows.map(\.revision) == [7, 8, 9])
        #expect(page.previous.map { $0?.revision } == [3, nil, 8])
        let more = MemoryRow(
            namespace: "shop", key: MemoryKey("b"), revision: 10, previous: 4, meta: [1],
            value: [10])
        #expect(await store.commit(epoch.batch(1) { $0.memory = [more] }) == .committed)
        await store.close()
    }

    @Test func `a migration that fails says which, and not its SQL`() async throws {
        let directory = try TemporaryDirectory()
        try makeVersion1(directory)
        let file = try SQLiteConnection(
            path: "\(directory.path)/cadre.sqlite", access: .create, busyMillis: 500)
        try file.execute("CREATE TABLE entities (id INTEGER PRIMARY KEY)")
        let error = await #expect(throws: StoreError.self) {
            _ = try await SQLiteStore.open(.init(directory: directory.path))
        }
        let message = try #require(error?.message)
        #expect(message.contains("from store version 1 to 2") && !message.contains("CREATE"))
    }
}
