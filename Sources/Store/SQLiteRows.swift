import Coordination

/// The columns of a ``RunRow``, in the order that ``SQLiteStatement/runRow()`` reads them.
let runColumns =
    "run, namespace, workflow_id, definition, status, started_ms, closed_ms, blob"

// Reading rows back. The columns' order is that of the statements in `SQLiteReader`.
extension SQLiteStatement {
    /// The current row as a run.
    func runRow() -> RunRow {
        RunRow(
            run: RunID(serial: Serial(column: integer(0))), namespace: text(1),
            workflowID: text(2), definition: text(3), status: UInt8(truncatingIfNeeded: integer(4)),
            startedMillis: integer(5), closedMillis: optionalInteger(6), blob: bytes(7))
    }

    /// The first row as a run, if there is one.
    func firstRun() throws(SQLiteFailure) -> RunRow? {
        guard try step() else { return nil }
        defer { reset() }
        return runRow()
    }

    /// The current row as a definition.
    func definitionRow() -> DefinitionRow {
        DefinitionRow(
            namespace: text(0), name: text(1), version: text(2), updatedMillis: integer(3),
            blob: bytes(4))
    }

    /// The current row as a remembered request.
    func requestRow() -> RequestRow {
        RequestRow(
            namespace: text(0), method: text(1), requestID: text(2),
            contentHash: UInt64(bitPattern: integer(3)), createdMillis: integer(4),
            answer: bytes(5))
    }
}

/// The four ways to list runs, each with the index that serves it.
struct RunListings {
    private let all, ofDefinition, open, openOfDefinition: SQLiteStatement

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        func prepare(
            _ index: String, _ condition: String
        ) throws(SQLiteFailure) -> SQLiteStatement {
            try connection.prepare(
                """
                SELECT \(runColumns) FROM runs INDEXED BY \(index)
                WHERE namespace = ?1 AND run < ?2 \(condition) ORDER BY run DESC LIMIT ?3
                """)
        }
        all = try prepare("runs_of_namespace", "")
        ofDefinition = try prepare("runs_of_definition", "AND definition = ?4")
        // Open runs are few beside the closed ones, so their index is walked for both.
        open = try prepare("runs_open", "AND closed_ms IS NULL")
        openOfDefinition = try prepare("runs_open", "AND closed_ms IS NULL AND definition = ?4")
    }

    /// One page, newest first.
    func list(
        namespace: String, definition: String?, openOnly: Bool, before: RunID?, limit: Int
    ) throws(SQLiteFailure) -> [RunRow] {
        let statement =
            switch (definition, openOnly) {
            case (nil, false): all
            case (nil, true): open
            case (_?, false): ofDefinition
            case (_?, true): openOfDefinition
            }
        statement.bind(1, text: namespace)
        statement.bind(2, before?.serial.column ?? .max)
        statement.bind(3, Int64(limit))
        if let definition { statement.bind(4, text: definition) }
        var rows: [RunRow] = []
        while try statement.step() { rows.append(statement.runRow()) }
        return rows
    }
}
