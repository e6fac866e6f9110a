import Coordination

/// A read-only connection with its statements. Belongs to one reader thread.
///
/// Every page is one transaction that is over when it answers: an open one would keep checkpoints
/// from restarting the write-ahead log.
struct SQLiteReader {
    private let connection: SQLiteConnection
    private let run, latestRun, history, payload: SQLiteStatement
    private let runs: RunListings
    private let definitionsPage, openRunsPage, requestsPage: SQLiteStatement
    private let entities: SQLiteEntityReads
    private let audit: SQLiteAuditReads
    private let memory: SQLiteMemoryReads
    private let publications: SQLitePublicationReads
    private let begin, end: SQLiteStatement

    /// Opens the connection on the calling thread.
    init(path: String, busyMillis: Int32, cacheKibibytes: Int) throws(SQLiteFailure) {
        connection = try SQLiteConnection(path: path, access: .read, busyMillis: busyMillis)
        try connection.execute("PRAGMA cache_size = -\(cacheKibibytes); PRAGMA query_only = ON")
        run = try connection.prepare("SELECT \(runColumns) FROM runs WHERE run = ?1")
        latestRun = try connection.prepare(
            """
            SELECT \(runColumns) FROM runs WHERE namespace = ?1 AND workflow_id = ?2
            ORDER BY run DESC LIMIT 1
            """)
        // The row that holds an event begins at or before it, so start from the last such row.
        history = try connection.prepare(
            """
            SELECT first_sequence, count, blob FROM history
            WHERE run = ?1 AND NOT EXISTS (SELECT 1 FROM pruning WHERE run = ?1)
                AND first_sequence + count > ?2 AND first_sequence >= coalesce(
                (SELECT max(first_sequence) FROM history
                 WHERE run = ?1 AND first_sequence <= ?2), ?2)
            ORDER BY first_sequence LIMIT ?3
            """)
        payload = try connection.prepare("SELECT content_type, bytes FROM payloads WHERE id = ?1")
        runs = try RunListings(connection)
        definitionsPage = try connection.prepare(
            """
            SELECT namespace, name, version, updated_ms, blob, id FROM definitions
            WHERE shard = ?1 AND id > ?2 ORDER BY id LIMIT ?3
            """)
        openRunsPage = try connection.prepare(
            """
            SELECT \(runColumns) FROM runs INDEXED BY runs_open
            WHERE closed_ms IS NULL AND shard = ?1 AND run > ?2 ORDER BY run LIMIT ?3
            """)
        requestsPage = try connection.prepare(
            """
            SELECT namespace, method, request_id, content_hash, created_ms, answer, id
            FROM requests NOT INDEXED
            WHERE shard = ?1 AND id > ?2 AND created_hour >= ?4 ORDER BY id LIMIT ?3
            """)
        entities = try SQLiteEntityReads(connection)
        audit = try SQLiteAuditReads(connection)
        memory = try SQLiteMemoryReads(connection)
        publications = try SQLitePublicationReads(connection)
        begin = try connection.prepare("BEGIN")
        end = try connection.prepare("COMMIT")
    }

    /// Answers one query from committed state.
    func answer(_ query: StoreQuery) throws(SQLiteFailure) -> StoreAnswer {
        switch query {
        case .run(let id):
            run.bind(1, id.serial.column)
            return .run(try run.firstRun())
        case .latestRun(let namespace, let workflowID):
            latestRun.bind(1, text: namespace)
            latestRun.bind(2, text: workflowID)
            return .run(try latestRun.firstRun())
        case .runs(let namespace, let definition, let openOnly, let before, let limit):
            return .runs(
                try runs.list(
                    namespace: namespace, definition: definition, openOnly: openOnly,
                    before: before, limit: max(limit, 0)))
        case .history(let run, let fromSequence, let limit):
            return .history(try rows(of: run, from: fromSequence, limit: max(limit, 0)))
        case .entities(let kind, let namespace, let after, let limit):
            return .entities(
                try entities.page(kind, namespace, after: after, limit: max(limit, 0)))
        case .audit(let namespace, let subject, let before, let limit):
            return .audit(
                try audit.page(
                    namespace: namespace, subject: subject, before: before, limit: max(limit, 0)))
        case .memory(let query):
            return .memory(
                try inTransaction { () throws(SQLiteFailure) in try memory.page(query) })
        case .publications(let range): return .publications(try publications.page(range))
        case .publicationMarks(let namespace, let after, let limit):
            return .publicationMarks(
                try publications.marks(namespace, after: after, limit: max(limit, 0)))
        }
    }

    /// The payloads among `ids` that are stored, in one transaction.
    func payloads(_ ids: [PayloadID]) throws(SQLiteFailure) -> [PayloadID: Payload] {
        try inTransaction { () throws(SQLiteFailure) in
            var found: [PayloadID: Payload] = [:]
            for id in ids where found[id] == nil {
                payload.bind(1, id.serial.column)
                guard try payload.step() else { continue }
                found[id] = Payload(
                    bytes: payload.bytes(1),
                    contentType: String(storedContentType: payload.text(0)))
                payload.reset()
            }
            return found
        }
    }

    /// One page of recovery, in one transaction.
    func recoveryPage(_ request: RecoveryRequest) throws(SQLiteFailure) -> RecoveryPage {
        try inTransaction { () throws(SQLiteFailure) in
            var page = RecoveryPageBuilder(request)
            try fillDefinitions(&page)
            try entities.fill(&page)
            try memory.fill(&page)
            try fillOpenRuns(&page)
            try fillRequests(&page)
            return page.finish()
        }
    }

    private func inTransaction<Answer>(
        _ body: () throws(SQLiteFailure) -> Answer
    ) throws(SQLiteFailure) -> Answer {
        try begin.run()
        do {
            let answer = try body()
            try end.run()
            return answer
        } catch {
            // The failure that matters is the first; without writes nothing can be lost here.
            try? connection.execute("ROLLBACK")
            throw error
        }
    }

    private func rows(
        of run: RunID, from sequence: Int64, limit: Int
    ) throws(SQLiteFailure) -> [HistoryRow] {
        history.bind(1, run.serial.column)
        history.bind(2, sequence)
        history.bind(3, Int64(limit))
        var rows: [HistoryRow] = []
        while try history.step() {
            rows.append(
                HistoryRow(
                    run: run, firstSequence: history.integer(0), count: Int(history.integer(1)),
                    blob: history.bytes(2)))
        }
        return rows
    }

    private func fillDefinitions(_ page: inout RecoveryPageBuilder) throws(SQLiteFailure) {
        guard let after = page.enter(.definitions) else { return }
        definitionsPage.bindPage(page.request, after: after, limit: page.room)
        while page.hasRoom, try definitionsPage.step() {
            page.add(definitionsPage.definitionRow(), rowID: definitionsPage.integer(5))
        }
        definitionsPage.reset()
    }

    private func fillOpenRuns(_ page: inout RecoveryPageBuilder) throws(SQLiteFailure) {
        guard let after = page.enter(.openRuns) else { return }
        openRunsPage.bindPage(page.request, after: after, limit: page.room)
        while page.hasRoom, try openRunsPage.step() {
            let row = openRunsPage.runRow()
            page.add(row, rowID: row.run.serial.column)
        }
        openRunsPage.reset()
    }

    private func fillRequests(_ page: inout RecoveryPageBuilder) throws(SQLiteFailure) {
        guard let after = page.enter(.requests) else { return }
        requestsPage.bindPage(page.request, after: after, limit: page.room)
        requestsPage.bind(4, page.request.oldestHour)
        while page.hasRoom, try requestsPage.step() {
            page.add(requestsPage.requestRow(), rowID: requestsPage.integer(6))
        }
        requestsPage.reset()
    }
}

extension SQLiteStatement {
    /// Binds shard, last row and limit: the parameters that all pages of recovery begin with.
    func bindPage(_ request: RecoveryRequest, after: Int64, limit: Int) {
        bind(1, Int64(request.shard.number))
        bind(2, after)
        bind(3, Int64(limit))
    }
}
