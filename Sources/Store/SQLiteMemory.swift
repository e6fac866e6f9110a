import Coordination

/// The prepared statements that write shared memory. Belongs to the store thread.
///
/// A commit appends its changes packed into one row, so that it touches neighbouring pages only,
/// whatever their keys are. What is found by key is written when the window passes it, and only if
/// it still means something then.
struct SQLiteMemoryInsertions {
    private let newer, append, leave, settle, prune, forget: SQLiteStatement

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        newer = try connection.prepare(
            "SELECT 1 FROM memory_log WHERE namespace = ?1 AND last >= ?2 LIMIT 1")
        append = try connection.prepare(
            """
            INSERT INTO memory_log (shard, namespace, first, last, blob)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        leave = try connection.prepare("DELETE FROM memory_log WHERE namespace = ?1 AND last < ?2")
        settle = try connection.prepare(
            """
            INSERT INTO memory_changes (shard, namespace, key, revision, meta, value)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            """)
        prune = try connection.prepare(
            """
            DELETE FROM memory_changes WHERE namespace = ?1 AND key = ?2 AND revision <= (
                SELECT revision FROM memory_changes WHERE namespace = ?1 AND key = ?2
                ORDER BY revision DESC LIMIT 1 OFFSET ?3)
            """)
        forget = try connection.prepare(
            "DELETE FROM memory_changes WHERE namespace = ?1 AND key = ?2")
    }

    /// Appends changes, those of one namespace together.
    func insert(_ rows: [MemoryRow], shard: Int64) throws(SQLiteFailure) {
        guard let first = rows.first else { return }
        if rows.allSatisfy({ $0.namespace == first.namespace }) {
            return try appendAll(rows[...], shard: shard)
        }
        for own in Dictionary(grouping: rows, by: \.namespace).values {
            try appendAll(own[...], shard: shard)
        }
    }

    private func appendAll(_ rows: ArraySlice<MemoryRow>, shard: Int64) throws(SQLiteFailure) {
        for changes in MemoryLogCodec.rows(rows) { try append(changes, shard: shard) }
    }

    private func append(_ changes: ArraySlice<MemoryRow>, shard: Int64) throws(SQLiteFailure) {
        guard let first = changes.first, let last = changes.last else { return }
        newer.bind(1, text: first.namespace)
        newer.bind(2, first.revision)
        if try newer.step() {
            newer.reset()
            throw SQLiteFailure(exists: "revision \(first.revision) of \(first.namespace)")
        }
        append.bind(1, shard)
        append.bind(2, text: first.namespace)
        append.bind(3, first.revision)
        append.bind(4, last.revision)
        try append.run(blob: MemoryLogCodec.pack(changes), at: 5)
    }

    /// Leaves the old part of the log behind.
    func settle(_ settlement: MemorySettlement, shard: Int64) throws(SQLiteFailure) {
        for row in settlement.held { try settle(row, keep: settlement.keep, shard: shard) }
        for key in settlement.gone {
            forget.bind(1, text: settlement.namespace)
            forget.bind(2, text: key.text)
            try forget.run()
        }
        leave.bind(1, text: settlement.namespace)
        leave.bind(2, settlement.below)
        try leave.run()
    }

    private func settle(_ row: MemoryRow, keep: Int, shard: Int64) throws(SQLiteFailure) {
        let key = row.key.text
        settle.bind(1, shard)
        settle.bind(2, text: row.namespace)
        settle.bind(3, text: key)
        settle.bind(4, row.revision)
        settle.bind(5, bytes: row.meta)
        try settle.run(blob: row.value ?? [], at: 6)
        prune.bind(1, text: row.namespace)
        prune.bind(2, text: key)
        prune.bind(3, Int64(keep))
        try prune.run()
    }
}
