import Coordination

/// Packs changes that an older server stored one a row into the log, those that watchers can still
/// ask for; the older ones stay where they are, found by key.
enum MemoryLogMigration {
    /// Before which migration it is run.
    static let index = 6

    /// Changes in one row of the log.
    private static let rowChanges = 64

    /// Carries it out, inside of the caller's transaction.
    static func run(on connection: SQLiteConnection) throws(SQLiteFailure) {
        let lines = try connection.prepare(
            """
            SELECT namespace, blob, shard FROM entities
            WHERE kind = \(EntityKind.memoryLine.rawValue) AND key = ''
            """)
        var found: [(namespace: String, oldest: Int64, shard: Int64)] = []
        while try lines.step() {
            do throws(CodecError) {
                let line = try MemoryCodec.decodeLine(lines.bytes(1))
                found.append((lines.text(0), line.oldest, lines.integer(2)))
            } catch {
                throw SQLiteFailure(unreadable: "a namespace's revision: \(error)")
            }
        }
        for line in found {
            try pack(line.namespace, from: line.oldest, shard: line.shard, connection)
        }
    }

    private static func pack(
        _ namespace: String, from oldest: Int64, shard: Int64, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) {
        let append = try connection.prepare(
            """
            INSERT INTO memory_log (shard, namespace, first, last, blob)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        for row in try rows(of: namespace, from: oldest, connection) {
            guard let first = row.first, let last = row.last else { continue }
            append.bind(1, shard)
            append.bind(2, text: namespace)
            append.bind(3, first.revision)
            append.bind(4, last.revision)
            try append.run(blob: MemoryLogCodec.pack(row[...]), at: 5)
        }
        let leave = try connection.prepare(
            "DELETE FROM memory_changes WHERE namespace = ?1 AND revision >= ?2")
        leave.bind(1, text: namespace)
        leave.bind(2, oldest)
        try leave.run()
    }

    /// The changes as rows of the log, those of one revision in one.
    private static func rows(
        of namespace: String, from oldest: Int64, _ connection: SQLiteConnection
    ) throws(SQLiteFailure) -> [[MemoryRow]] {
        let changes = try connection.prepare(
            """
            SELECT c.key, c.revision, c.meta, c.value, coalesce((
                SELECT max(p.revision) FROM memory_changes p WHERE p.namespace = c.namespace
                AND p.key = c.key AND p.revision < c.revision), 0)
            FROM memory_changes c INDEXED BY memory_of_revision
            WHERE c.namespace = ?1 AND c.revision >= ?2 ORDER BY c.revision, c.id
            """)
        changes.bind(1, text: namespace)
        changes.bind(2, oldest)
        var rows: [[MemoryRow]] = []
        while try changes.step() {
            let row = MemoryRow(
                namespace: namespace, key: MemoryKey(changes.text(0)),
                revision: changes.integer(1), previous: changes.integer(4),
                meta: changes.bytes(2), value: changes.optionalBytes(3))
            if let last = rows.last,
                last.count < rowChanges || last.last?.revision == row.revision
            {
                rows[rows.count - 1].append(row)
            } else {
                rows.append([row])
            }
        }
        return rows
    }
}
