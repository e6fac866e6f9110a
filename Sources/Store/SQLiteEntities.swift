import Coordination

/// The prepared statements that write entities and audit lines. Belongs to the store thread.
struct SQLiteEntityInsertions {
    private let lasting, brief: Pair
    private let audit: SQLiteStatement

    /// The statements of one table.
    private struct Pair {
        let put, delete: SQLiteStatement

        init(_ connection: SQLiteConnection, table: String) throws(SQLiteFailure) {
            put = try connection.prepare(
                """
                INSERT INTO \(table) (shard, kind, namespace, key, blob) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (kind, namespace, key, shard) DO UPDATE SET blob = excluded.blob
                """)
            delete = try connection.prepare(
                """
                DELETE FROM \(table) WHERE shard = ?1 AND kind = ?2 AND namespace = ?3 AND key = ?4
                """)
        }
    }

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        lasting = try Pair(connection, table: "entities")
        brief = try Pair(connection, table: "brief_entities")
        audit = try connection.prepare(
            """
            INSERT INTO audit (at_ms, namespace, actor, action, subject, before, after, request_id)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
    }

    /// Writes, replaces or deletes one entity.
    func insert(_ row: EntityRow, shard: Int64) throws(SQLiteFailure) {
        let pair = row.entityKind.isBrief ? brief : lasting
        let statement = row.blob == nil ? pair.delete : pair.put
        statement.bind(1, shard)
        statement.bind(2, Int64(row.kind))
        statement.bind(3, text: row.namespace)
        statement.bind(4, text: row.key)
        if let blob = row.blob {
            try statement.run(blob: blob, at: 5)
        } else {
            try statement.run()
        }
    }

    /// Appends one audit line; SQLite numbers it.
    func insert(_ row: AuditRow) throws(SQLiteFailure) {
        audit.bind(1, row.atMillis)
        audit.bind(2, text: row.namespace)
        audit.bind(3, text: row.actor)
        audit.bind(4, text: row.action)
        audit.bind(5, text: row.subject)
        audit.bind(6, text: row.before)
        audit.bind(7, text: row.after)
        audit.bind(8, text: row.requestID)
        try audit.run()
    }
}

/// The prepared statements that read entities. Belongs to one reader thread.
struct SQLiteEntityReads {
    private let lasting, brief: Pair
    private let recovered, recoveredBrief: SQLiteStatement

    /// The statements of one table.
    private struct Pair {
        let first, next: SQLiteStatement

        init(_ connection: SQLiteConnection, table: String) throws(SQLiteFailure) {
            let start =
                "SELECT kind, namespace, key, blob FROM \(table) WHERE kind = ?1 AND namespace = ?2"
            first = try connection.prepare("\(start) ORDER BY key LIMIT ?3")
            next = try connection.prepare("\(start) AND key > ?4 ORDER BY key LIMIT ?3")
        }
    }

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        lasting = try Pair(connection, table: "entities")
        brief = try Pair(connection, table: "brief_entities")
        recoveredBrief = try connection.prepare(
            """
            SELECT kind, namespace, key, blob FROM brief_entities WHERE shard = ?1
            ORDER BY kind, namespace, key LIMIT ?3 OFFSET ?2
            """)
        recovered = try connection.prepare(
            """
            SELECT kind, namespace, key, blob, id FROM entities INDEXED BY entities_recovered
            WHERE kind < \(EntityKind.firstCold) AND shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3
            """)
    }

    /// One page by ascending key.
    func page(
        _ kind: EntityKind, _ namespace: String, after: String?, limit: Int
    ) throws(SQLiteFailure) -> [EntityRow] {
        let pair = kind.isBrief ? brief : lasting
        let statement = after == nil ? pair.first : pair.next
        statement.bind(1, Int64(kind.rawValue))
        statement.bind(2, text: namespace)
        statement.bind(3, Int64(limit))
        if let after { statement.bind(4, text: after) }
        var rows: [EntityRow] = []
        while try statement.step() { rows.append(statement.entityRow()) }
        return rows
    }

    /// Adds the entities that belong to a page of recovery.
    func fill(_ page: inout RecoveryPageBuilder) throws(SQLiteFailure) {
        if let after = page.enter(.entities) {
            recovered.bindPage(page.request, after: after, limit: page.room)
            while page.hasRoom, try recovered.step() {
                page.add(recovered.entityRow(), rowID: recovered.integer(4))
            }
            recovered.reset()
        }
        guard var count = page.enter(.briefEntities) else { return }
        // They have no number of their own: how many came before serves as well, as nothing is
        // written meanwhile.
        recoveredBrief.bindPage(page.request, after: count, limit: page.room)
        while page.hasRoom, try recoveredBrief.step() {
            count += 1
            page.add(recoveredBrief.entityRow(), rowID: count)
        }
        recoveredBrief.reset()
    }
}

/// The prepared statements that read the audit log. Belongs to one reader thread.
struct SQLiteAuditReads {
    private let all, ofNamespace, ofSubject, ofBoth: SQLiteStatement

    /// Compiles the statements, each with the index that serves it.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        func prepare(_ condition: String) throws(SQLiteFailure) -> SQLiteStatement {
            try connection.prepare(
                """
                SELECT sequence, at_ms, namespace, actor, action, subject, before, after, request_id
                FROM audit WHERE sequence < ?1 \(condition) ORDER BY sequence DESC LIMIT ?2
                """)
        }
        all = try prepare("")
        ofNamespace = try prepare("AND namespace = ?3")
        ofSubject = try prepare("AND subject = ?4")
        ofBoth = try prepare("AND +namespace = ?3 AND subject = ?4")
    }

    /// One page, newest first.
    func page(
        namespace: String?, subject: String?, before: Int64?, limit: Int
    ) throws(SQLiteFailure) -> [AuditRow] {
        let statement =
            switch (namespace, subject) {
            case (nil, nil): all
            case (_?, nil): ofNamespace
            case (nil, _?): ofSubject
            case (_?, _?): ofBoth
            }
        statement.bind(1, before ?? .max)
        statement.bind(2, Int64(limit))
        if let namespace { statement.bind(3, text: namespace) }
        if let subject { statement.bind(4, text: subject) }
        var rows: [AuditRow] = []
        while try statement.step() { rows.append(statement.auditRow()) }
        return rows
    }
}

extension SQLiteStatement {
    /// The current row as an entity.
    fileprivate func entityRow() -> EntityRow {
        EntityRow(
            kind: EntityKind(rawValue: UInt8(truncatingIfNeeded: integer(0))),
            namespace: text(1), key: text(2), blob: bytes(3))
    }

    /// The current row as an audit line.
    fileprivate func auditRow() -> AuditRow {
        AuditRow(
            sequence: integer(0), atMillis: integer(1), namespace: text(2), actor: text(3),
            action: text(4), subject: text(5), before: text(6), after: text(7),
            requestID: text(8))
    }
}
