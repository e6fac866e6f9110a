import Coordination

/// What one page of recovery is to contain.
struct RecoveryRequest: Sendable {
    var shard: ShardID
    var cursor: RecoveryCursor?
    /// Rows of all tables together, at least 1.
    var maxRows: Int
    /// The page ends with the row that passes this.
    var maxBytes: Int
    /// Requests of earlier hours are left out.
    var oldestHour: Int64
}

/// The tables that recovery reads, in order; the numbers are those of ``RecoveryCursor``.
enum RecoveryTable: Int {
    case definitions, entities, briefEntities, settledMemory, memoryLog, openRuns, requests
}

/// Fills a page table by table until it is full: the rule that both stores follow.
struct RecoveryPageBuilder {
    let request: RecoveryRequest
    private var page = RecoveryPage()
    private var rows = 0
    private var bytes = 0
    private var position: RecoveryCursor

    /// An empty page that begins at the request's cursor.
    init(_ request: RecoveryRequest) {
        precondition(request.maxRows >= 1, "a page of recovery holds at least one row")
        self.request = request
        position = request.cursor ?? RecoveryCursor(table: 0, rowID: 0)
    }

    /// Whether another row may be added.
    var hasRoom: Bool { rows < request.maxRows && bytes < request.maxBytes }

    /// How many rows may still be added.
    var room: Int { request.maxRows - rows }

    /// Goes on to a table.
    ///
    /// - Returns: the row id to read on from, exclusive; `nil` when the table was read on an
    ///   earlier page, or when this page is full.
    mutating func enter(_ table: RecoveryTable) -> Int64? {
        guard hasRoom, position.table <= table.rawValue else { return nil }
        if position.table < table.rawValue {
            position = RecoveryCursor(table: table.rawValue, rowID: 0)
        }
        return position.rowID
    }

    /// Adds a definition.
    mutating func add(_ row: DefinitionRow, rowID: Int64) {
        page.definitions.append(row)
        added(rowID, bytes: row.blob.count)
    }

    /// Adds an entity.
    mutating func add(_ row: EntityRow, rowID: Int64) {
        page.entities.append(row)
        added(rowID, bytes: row.blob?.count ?? 0)
    }

    /// Adds changes of shared memory that are stored in one row.
    mutating func add(_ rows: [MemoryRow], rowID: Int64) {
        page.memory += rows
        added(rowID, bytes: rows.reduce(0) { $0 + $1.byteCount })
    }

    /// Adds an open run.
    mutating func add(_ row: RunRow, rowID: Int64) {
        page.openRuns.append(row)
        added(rowID, bytes: row.blob.count)
    }

    /// Adds a remembered request.
    mutating func add(_ row: RequestRow, rowID: Int64) {
        page.requests.append(row)
        added(rowID, bytes: row.answer.count)
    }

    private mutating func added(_ rowID: Int64, bytes added: Int) {
        position.rowID = rowID
        rows += 1
        bytes += added
    }

    /// The page; it has a next one when it is full.
    func finish() -> RecoveryPage {
        var page = page
        page.next = hasRoom ? nil : position
        return page
    }
}
