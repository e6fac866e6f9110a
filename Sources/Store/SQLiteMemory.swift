import Coordination

/// The prepared statements that write shared memory. Belongs to the store thread.
struct SQLiteMemoryInsertions {
    private let insert, point, unpoint, passedKeys, prune: SQLiteStatement

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        insert = try connection.prepare(
            """
            INSERT INTO memory_changes (namespace, key, revision, meta, value)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        point = try connection.prepare(
            """
            INSERT INTO memory_entries (shard, namespace, key, revision) VALUES (?4, ?1, ?2, ?3)
            ON CONFLICT (namespace, key) DO UPDATE SET revision = excluded.revision
            """)
        unpoint = try connection.prepare(
            "DELETE FROM memory_entries WHERE namespace = ?1 AND key = ?2")
        passedKeys = try connection.prepare(
            """
            SELECT DISTINCT key FROM memory_changes INDEXED BY memory_of_revision
            WHERE namespace = ?1 AND revision >= ?2 AND revision < ?3
            """)
        // The key's newest `keep` stay; a key that holds nothing keeps none.
        prune = try connection.prepare(
            """
            DELETE FROM memory_changes WHERE namespace = ?1 AND key = ?2 AND revision < ?3
                AND revision <= (
                    SELECT revision FROM memory_changes WHERE namespace = ?1 AND key = ?2
                    ORDER BY revision DESC LIMIT 1 OFFSET
                    CASE WHEN EXISTS (
                        SELECT 1 FROM memory_entries WHERE namespace = ?1 AND key = ?2)
                    THEN ?4 ELSE 0 END)
            """)
    }

    /// Appends a change and makes it what its key holds.
    func insert(_ row: MemoryRow, shard: Int64) throws(SQLiteFailure) {
        let key = row.key.text
        insert.bind(1, text: row.namespace)
        insert.bind(2, text: key)
        insert.bind(3, row.revision)
        insert.bind(4, bytes: row.meta)
        guard let value = row.value else {
            insert.bind(5, Int64?.none)
            try insert.run()
            unpoint.bind(1, text: row.namespace)
            unpoint.bind(2, text: key)
            return try unpoint.run()
        }
        try insert.run(blob: value, at: 5)
        point.bind(1, text: row.namespace)
        point.bind(2, text: key)
        point.bind(3, row.revision)
        point.bind(4, shard)
        try point.run()
    }

    /// Drops what is kept no longer.
    func prune(_ pruning: MemoryPruning) throws(SQLiteFailure) {
        passedKeys.bind(1, text: pruning.namespace)
        passedKeys.bind(2, pruning.from)
        passedKeys.bind(3, pruning.below)
        var keys: [String] = []
        while try passedKeys.step() { keys.append(passedKeys.text(0)) }
        for key in keys {
            prune.bind(1, text: pruning.namespace)
            prune.bind(2, text: key)
            prune.bind(3, pruning.below)
            prune.bind(4, Int64(pruning.keep))
            try prune.run()
        }
    }
}

/// The prepared statements that read shared memory. Belongs to one reader thread.
struct SQLiteMemoryReads {
    private let entries, changes, ofKey, history, before, line, recovered: SQLiteStatement

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        entries = try connection.prepare(
            """
            SELECT c.key, c.revision, c.meta, c.value FROM memory_entries e
            CROSS JOIN memory_changes c INDEXED BY memory_of_key
                ON c.namespace = e.namespace AND c.key = e.key AND c.revision = e.revision
            WHERE e.namespace = ?1 AND e.key >= ?2 AND (?3 = 0 OR e.key > ?2) ORDER BY e.key
            """)
        changes = try connection.prepare(
            """
            SELECT key, revision, meta, value FROM memory_changes INDEXED BY memory_of_revision
            WHERE namespace = ?1 AND revision >= ?2 ORDER BY revision, id
            """)
        ofKey = try connection.prepare(
            """
            SELECT key, revision, meta, value FROM memory_changes INDEXED BY memory_of_key
            WHERE namespace = ?1 AND key = ?3 AND revision >= ?2 ORDER BY revision
            """)
        let older = """
            SELECT key, revision, meta, value FROM memory_changes INDEXED BY memory_of_key
            WHERE namespace = ?1 AND key = ?2 AND revision < ?3 ORDER BY revision DESC
            """
        history = try connection.prepare(older)
        before = try connection.prepare(older + " LIMIT 1")
        line = try connection.prepare(
            """
            SELECT blob FROM entities
            WHERE kind = \(EntityKind.memoryLine.rawValue) AND namespace = ?1 AND key = ''
            """)
        recovered = try connection.prepare(
            """
            SELECT c.key, c.revision, c.meta, c.value, e.namespace, e.id FROM memory_entries e
            CROSS JOIN memory_changes c INDEXED BY memory_of_key
                ON c.namespace = e.namespace AND c.key = e.key AND c.revision = e.revision
            WHERE e.shard = ?1 AND e.id > ?2 ORDER BY e.id LIMIT ?3
            """)
    }

    /// One page, inside of the caller's transaction.
    func page(_ query: MemoryQuery) throws(SQLiteFailure) -> MemoryPage {
        var page = MemoryPageBuilder(query)
        switch query.kind {
        case .entries(let prefix, let after):
            entries.bind(1, text: query.namespace)
            entries.bind(2, text: (after ?? prefix).text)
            entries.bind(3, Int64(after == nil ? 0 : 1))
            while try entries.step() {
                let key = MemoryKey(entries.text(0))
                guard key.hasPrefix(prefix), page.hasRoom else {
                    page.ended(beforeEnd: key.hasPrefix(prefix))
                    break
                }
                page.add(entries.memoryRow(key, query))
            }
            entries.reset()
        case .changes(let scope, let from, let previous):
            try readChanges(&page, scope, from, previous)
        case .history(let key, let revision):
            history.bind(1, text: query.namespace)
            history.bind(2, text: key.text)
            history.bind(3, revision)
            while try history.step() {
                guard page.hasRoom else {
                    page.ended(beforeEnd: true)
                    break
                }
                page.add(history.memoryRow(key, query))
            }
            history.reset()
        }
        line.bind(1, text: query.namespace)
        if try line.step() { page.page.line = line.bytes(0) }
        line.reset()
        return page.page
    }

    private func readChanges(
        _ page: inout MemoryPageBuilder, _ scope: MemoryScope, _ from: MemoryPosition,
        _ previous: Bool
    ) throws(SQLiteFailure) {
        var statement = changes
        if case .key(let key) = scope {
            statement = ofKey
            statement.bind(3, text: key.text)
        }
        statement.bind(1, text: page.query.namespace)
        statement.bind(2, from.revision)
        var place = MemoryPlace(from)
        while try statement.step() {
            let key = MemoryKey(statement.text(0))
            let position = place.position(of: statement.integer(1), isWanted: scope.contains(key))
            guard let position else { continue }
            guard page.hasRoom else {
                page.page.next = position
                page.ended(beforeEnd: true)
                break
            }
            page.add(statement.memoryRow(key, page.query))
            if previous {
                page.add(previous: try row(before: statement.integer(1), key, page.query))
            }
        }
        statement.reset()
    }

    private func row(
        before revision: Int64, _ key: MemoryKey, _ query: MemoryQuery
    ) throws(SQLiteFailure) -> MemoryRow? {
        before.bind(1, text: query.namespace)
        before.bind(2, text: key.text)
        before.bind(3, revision)
        defer { before.reset() }
        return try before.step() ? before.memoryRow(key, query) : nil
    }

    /// Adds what the keys hold to a page of recovery.
    func fill(_ page: inout RecoveryPageBuilder) throws(SQLiteFailure) {
        guard let after = page.enter(.memory) else { return }
        recovered.bindPage(page.request, after: after, limit: page.room)
        while page.hasRoom, try recovered.step() {
            page.add(
                MemoryRow(
                    namespace: recovered.text(4), key: MemoryKey(recovered.text(0)),
                    revision: recovered.integer(1), meta: recovered.bytes(2),
                    value: recovered.bytes(3)), rowID: recovered.integer(5))
        }
        recovered.reset()
    }
}

extension SQLiteStatement {
    /// The current row, whose columns are key, revision, meta and value.
    fileprivate func memoryRow(_ key: MemoryKey, _ query: MemoryQuery) -> MemoryRow {
        MemoryRow(
            namespace: query.namespace, key: key, revision: integer(1), meta: bytes(2),
            value: query.keysOnly ? nil : optionalBytes(3))
    }
}
