import Coordination

/// The prepared statements that write the rows of a batch. Belongs to the store thread.
struct SQLiteInsertions {
    private let definition, payload, run, history, request: SQLiteStatement
    private let entities: SQLiteEntityInsertions
    private let memory: SQLiteMemoryInsertions
    private let publications: SQLitePublicationInsertions

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        definition = try connection.prepare(
            """
            INSERT INTO definitions (shard, namespace, name, version, updated_ms, blob)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (namespace, name) DO UPDATE SET
                version = excluded.version, updated_ms = excluded.updated_ms, blob = excluded.blob
            """)
        payload = try connection.prepare(
            "INSERT INTO payloads (id, run, content_type, bytes) VALUES (?1, ?2, ?3, ?4)")
        // Names only the columns that can change, so that the other indexes are left alone.
        run = try connection.prepare(
            """
            INSERT INTO runs (run, shard, namespace, workflow_id, definition, status, started_ms,
                closed_ms, blob) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT (run) DO UPDATE SET
                status = excluded.status, closed_ms = excluded.closed_ms, blob = excluded.blob
            """)
        history = try connection.prepare(
            "INSERT INTO history (run, first_sequence, count, blob) VALUES (?1, ?2, ?3, ?4)")
        request = try connection.prepare(
            """
            INSERT INTO requests (shard, created_hour, namespace, method, request_id,
                content_hash, created_ms, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """)
        entities = try SQLiteEntityInsertions(connection)
        memory = try SQLiteMemoryInsertions(connection)
        publications = try SQLitePublicationInsertions(connection)
    }

    /// Writes all rows of a batch inside of the caller's transaction.
    func insert(_ batch: StoreBatch) throws(SQLiteFailure) {
        let shard = Int64(batch.shard.number)
        for row in batch.definitions { try insert(row, shard: shard) }
        for row in batch.payloads { try insert(row) }
        for row in batch.runs { try insert(row, shard: shard) }
        for row in batch.history { try insert(row) }
        for row in batch.requests { try insert(row, shard: shard) }
        for row in batch.entities { try entities.insert(row, shard: shard) }
        for row in batch.audits { try entities.insert(row) }
        try memory.insert(batch.memory, shard: shard)
        for settlement in batch.memorySettlements { try memory.settle(settlement, shard: shard) }
        for row in batch.publications { try publications.insert(row) }
        for name in batch.removedPublications { try publications.delete(name) }
    }

    private func insert(_ row: DefinitionRow, shard: Int64) throws(SQLiteFailure) {
        definition.bind(1, shard)
        definition.bind(2, text: row.namespace)
        definition.bind(3, text: row.name)
        definition.bind(4, text: row.version)
        definition.bind(5, row.updatedMillis)
        try definition.run(blob: row.blob, at: 6)
    }

    private func insert(_ row: PayloadRow) throws(SQLiteFailure) {
        payload.bind(1, row.id.serial.column)
        payload.bind(2, row.run.serial.column)
        payload.bind(3, text: row.payload.contentType.storedContentType)
        try payload.run(blob: row.payload.bytes, at: 4)
    }

    private func insert(_ row: RunRow, shard: Int64) throws(SQLiteFailure) {
        run.bind(1, row.run.serial.column)
        run.bind(2, shard)
        run.bind(3, text: row.namespace)
        run.bind(4, text: row.workflowID)
        run.bind(5, text: row.definition)
        run.bind(6, Int64(row.status))
        run.bind(7, row.startedMillis)
        run.bind(8, row.closedMillis)
        try run.run(blob: row.blob, at: 9)
    }

    private func insert(_ row: HistoryRow) throws(SQLiteFailure) {
        history.bind(1, row.run.serial.column)
        history.bind(2, row.firstSequence)
        history.bind(3, Int64(row.count))
        try history.run(blob: row.blob, at: 4)
    }

    private func insert(_ row: RequestRow, shard: Int64) throws(SQLiteFailure) {
        request.bind(1, shard)
        request.bind(2, RequestRetention.hour(ofMillis: row.createdMillis))
        request.bind(3, text: row.namespace)
        request.bind(4, text: row.method)
        request.bind(5, text: row.requestID)
        request.bind(6, Int64(bitPattern: row.contentHash))
        request.bind(7, row.createdMillis)
        try request.run(blob: row.answer, at: 8)
    }
}

extension Serial {
    /// As an SQL integer. Epochs stay below 2^31, so the order is the same.
    var column: Int64 { Int64(bitPattern: rawValue) }

    /// From an SQL integer.
    init(column: Int64) { self.init(rawValue: UInt64(bitPattern: column)) }
}

extension String {
    /// How a content type is stored: nearly all payloads are JSON, which is stored as nothing.
    var storedContentType: String { self == Payload.json ? "" : self }

    /// The content type that a column stands for.
    init(storedContentType text: String) { self = text.isEmpty ? Payload.json : text }
}
