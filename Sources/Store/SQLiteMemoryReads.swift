import Coordination

/// The prepared statements that read shared memory. Belongs to one reader thread.
struct SQLiteMemoryReads {
    private let forward, backward, holding, history, settled, line: SQLiteStatement
    private let recoveredSettled, recoveredLog: SQLiteStatement

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        forward = try connection.prepare(
            "SELECT blob FROM memory_log WHERE namespace = ?1 AND last >= ?2 ORDER BY last")
        backward = try connection.prepare(
            "SELECT first, blob FROM memory_log WHERE namespace = ?1 ORDER BY last DESC")
        holding = try connection.prepare(
            """
            SELECT blob FROM memory_log WHERE namespace = ?1 AND last >= ?2 ORDER BY last LIMIT 1
            """)
        history = try connection.prepare(
            """
            SELECT revision, meta, value FROM memory_changes
            WHERE namespace = ?1 AND key = ?2 AND revision < ?3 ORDER BY revision DESC
            """)
        settled = try connection.prepare(
            """
            SELECT revision, meta, value FROM memory_changes
            WHERE namespace = ?1 AND key = ?2 AND revision = ?3
            """)
        line = try connection.prepare(
            """
            SELECT blob FROM entities
            WHERE kind = \(EntityKind.memoryLine.rawValue) AND namespace = ?1 AND key = ''
            """)
        recoveredSettled = try connection.prepare(
            """
            SELECT c.revision, c.meta, c.value, c.namespace, c.key, c.id FROM memory_changes c
            WHERE c.shard = ?1 AND c.id > ?2 AND NOT EXISTS (
                SELECT 1 FROM memory_changes n INDEXED BY memory_of_key WHERE
                n.namespace = c.namespace AND n.key = c.key AND n.revision > c.revision)
            ORDER BY c.id LIMIT ?3
            """)
        recoveredLog = try connection.prepare(
            """
            SELECT namespace, blob, id FROM memory_log
            WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3
            """)
    }

    /// One page, inside of the caller's transaction.
    func page(_ query: MemoryQuery) throws(SQLiteFailure) -> MemoryPage {
        var page = MemoryPageBuilder(query)
        switch query.kind {
        case .changes(let scope, let from, let previous):
            try readChanges(&page, scope, from, previous)
        case .history(let key, let revision): try readHistory(&page, key, before: revision)
        }
        line.bind(1, text: query.namespace)
        if try line.step() { page.page.line = line.bytes(0) }
        line.reset()
        return page.page
    }

    // MARK: Changes

    private func readChanges(
        _ page: inout MemoryPageBuilder, _ scope: MemoryScope, _ from: MemoryPosition,
        _ previous: Bool
    ) throws(SQLiteFailure) {
        forward.bind(1, text: page.query.namespace)
        forward.bind(2, from.revision)
        defer { forward.reset() }
        var place = MemoryPlace(from)
        while try forward.step() {
            for change in try MemoryLogCodec.changes(forward.bytes(0))
            where change.revision >= from.revision {
                let position = place.position(
                    of: change.revision, isWanted: scope.contains(change.key))
                guard let position else { continue }
                guard page.hasRoom else { return page.ended(at: position) }
                page.add(change.row(page.query.namespace, keysOnly: page.query.keysOnly))
                if previous { page.add(previous: try replaced(by: change, page.query)) }
            }
        }
    }

    /// What a change replaced, if it is still kept.
    private func replaced(
        by change: MemoryLogCodec.Packed, _ query: MemoryQuery
    ) throws(SQLiteFailure) -> MemoryRow? {
        guard change.previous > 0 else { return nil }
        holding.bind(1, text: query.namespace)
        holding.bind(2, change.previous)
        defer { holding.reset() }
        if try holding.step() {
            let found = try MemoryLogCodec.changes(holding.bytes(0)).first {
                $0.revision == change.previous && $0.key == change.key
            }
            if let found { return found.row(query.namespace, keysOnly: query.keysOnly) }
        }
        let key = change.row(query.namespace, keysOnly: true).key
        settled.bind(1, text: query.namespace)
        settled.bind(2, text: key.text)
        settled.bind(3, change.previous)
        defer { settled.reset() }
        return try settled.step()
            ? settled.memoryRow(query.namespace, key, keysOnly: query.keysOnly) : nil
    }

    // MARK: History

    private func readHistory(
        _ page: inout MemoryPageBuilder, _ key: MemoryKey, before revision: Int64
    ) throws(SQLiteFailure) {
        backward.bind(1, text: page.query.namespace)
        defer { backward.reset() }
        // Whatever of it is in the log is not taken once more from what is kept by key.
        var oldest = revision
        while try backward.step() {
            let first = backward.integer(0)
            guard first < revision else { continue }
            oldest = min(oldest, first)
            let own = try MemoryLogCodec.changes(backward.bytes(1)).filter { change in
                change.revision < revision && change.isOf(key)
            }
            for change in own.reversed() {
                guard page.hasRoom else { return page.ended(beforeEnd: true) }
                page.add(change.row(page.query.namespace, keysOnly: page.query.keysOnly))
            }
        }
        try readSettled(&page, key, before: oldest)
    }

    private func readSettled(
        _ page: inout MemoryPageBuilder, _ key: MemoryKey, before revision: Int64
    ) throws(SQLiteFailure) {
        history.bind(1, text: page.query.namespace)
        history.bind(2, text: key.text)
        history.bind(3, revision)
        defer { history.reset() }
        while try history.step() {
            guard page.hasRoom else { return page.ended(beforeEnd: true) }
            page.add(
                history.memoryRow(page.query.namespace, key, keysOnly: page.query.keysOnly))
        }
    }

    // MARK: Recovery

    /// Adds what the keys hold to a page of recovery.
    func fill(_ page: inout RecoveryPageBuilder) throws(SQLiteFailure) {
        if let after = page.enter(.settledMemory) {
            recoveredSettled.bindPage(page.request, after: after, limit: page.room)
            while page.hasRoom, try recoveredSettled.step() {
                let row = recoveredSettled.memoryRow(
                    recoveredSettled.text(3), MemoryKey(recoveredSettled.text(4)))
                page.add([row], rowID: recoveredSettled.integer(5))
            }
            recoveredSettled.reset()
        }
        guard let after = page.enter(.memoryLog) else { return }
        recoveredLog.bindPage(page.request, after: after, limit: page.room)
        defer { recoveredLog.reset() }
        while page.hasRoom, try recoveredLog.step() {
            let namespace = recoveredLog.text(0)
            let changes = try MemoryLogCodec.changes(recoveredLog.bytes(1))
            page.add(changes.map { $0.row(namespace) }, rowID: recoveredLog.integer(2))
        }
    }
}

extension SQLiteStatement {
    /// The current row, whose first columns are revision, meta and value.
    fileprivate func memoryRow(
        _ namespace: String, _ key: MemoryKey, keysOnly: Bool = false
    ) -> MemoryRow {
        MemoryRow(
            namespace: namespace, key: key, revision: integer(0), meta: bytes(1),
            value: keysOnly ? nil : optionalBytes(2))
    }
}

extension MemoryScope {
    /// Whether a key belongs to it.
    fileprivate func contains(_ key: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .key(let own): key.elementsEqual(own.bytes)
        case .prefix(let prefix): key.starts(with: prefix.bytes)
        }
    }
}
