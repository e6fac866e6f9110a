import CSQLite

/// One connection to a database file, opened and closed in this file only.
///
/// Not `Sendable`: the thread that opens a connection is the only one that uses it, which is what
/// `SQLITE_OPEN_NOMUTEX` asks for (sqlite.org/threadsafe.html, multi-thread mode). Statements
/// hold their connection, so it is closed after the last of them.
@safe final class SQLiteConnection {
    /// What a connection may do.
    enum Access {
        /// Reads and writes, and creates the file when it is missing.
        case create
        /// Reads only; the file must exist.
        case read
    }

    /// Where the file is, for messages.
    let path: String

    private let handle: OpaquePointer
    /// Pages in the write-ahead log after the latest commit of this connection; SQLite's hook
    /// writes here, on the thread that commits. On the heap, since the hook keeps its address.
    private let loggedPages: UnsafeMutablePointer<Int32>
    /// Kept for as long as SQLite holds its address.
    private var stopFlag: StopFlag?

    /// Opens the file. Blocks on the disk.
    ///
    /// - Parameter busyMillis: how long a statement waits for another connection's lock.
    init(path: String, access: Access, busyMillis: Int32) throws(SQLiteFailure) {
        self.path = path
        let mode =
            switch access {
            case .create: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            case .read: SQLITE_OPEN_READONLY
            }
        var opened: OpaquePointer?
        let flags = mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE
        let code = unsafe sqlite3_open_v2(path, &opened, flags, nil)
        guard let handle = unsafe opened, code == SQLITE_OK else {
            let message = unsafe String(cString: sqlite3_errstr(code))
            // sqlite.org/c3ref/open.html: a handle must be closed even when opening failed; closing
            // a null one does nothing.
            unsafe sqlite3_close_v2(opened)
            throw SQLiteFailure(code: code, message: message, doing: "opening \(path)")
        }
        unsafe self.handle = handle
        unsafe loggedPages = .allocate(capacity: 1)
        unsafe loggedPages.initialize(to: 0)
        unsafe sqlite3_busy_timeout(handle, busyMillis)
    }

    deinit {
        // close_v2 waits for statements that are still open instead of failing; there are none,
        // since each holds its connection.
        unsafe sqlite3_close_v2(handle)
        unsafe loggedPages.deallocate()
    }

    /// Runs statements without parameters and results, separated by semicolons.
    ///
    /// - Parameter purpose: what a failure says was being done; `nil`: the statements themselves.
    func execute(_ sql: String, for purpose: String? = nil) throws(SQLiteFailure) {
        let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, doing: purpose ?? sql) }
    }

    /// Compiles one statement for many uses.
    func prepare(_ sql: String) throws(SQLiteFailure) -> SQLiteStatement {
        var compiled: OpaquePointer?
        let flags = UInt32(SQLITE_PREPARE_PERSISTENT)
        let code = unsafe sqlite3_prepare_v3(handle, sql, -1, flags, &compiled, nil)
        guard let statement = unsafe compiled, code == SQLITE_OK else {
            throw failure(code, doing: "preparing \(sql)")
        }
        return unsafe SQLiteStatement(owning: statement, of: self, sql: sql)
    }

    /// Reads the first column of the first row, such as of a `PRAGMA`; 0 when there is no row.
    func integer(_ sql: String) throws(SQLiteFailure) -> Int64 {
        let statement = try prepare(sql)
        return try statement.step() ? statement.integer(0) : 0
    }

    /// Reads the first column of every row as text.
    func texts(_ sql: String) throws(SQLiteFailure) -> [String] {
        let statement = try prepare(sql)
        var texts: [String] = []
        while try statement.step() { texts.append(statement.text(0)) }
        return texts
    }

    /// Breaks off statements that take long once the flag is raised; they fail as interrupted.
    func breakOff(when flag: StopFlag) {
        stopFlag = flag
        let context = unsafe Unmanaged.passUnretained(flag).toOpaque()
        unsafe sqlite3_progress_handler(handle, 10_000, isToStop, context)
    }

    /// Whether a transaction is open. SQLite ends one by itself after some errors, a full disk
    /// among them (sqlite.org/lang_transaction.html, section 3).
    var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

    /// Rows that the latest `INSERT`, `UPDATE` or `DELETE` changed.
    var changedRows: Int { Int(unsafe sqlite3_changes64(handle)) }

    /// Turns automatic checkpoints off and counts the log's pages instead.
    func countLoggedPages() {
        unsafe _ = sqlite3_wal_hook(handle, noteLoggedPages, loggedPages)
    }

    /// Pages in the write-ahead log after this connection's latest commit.
    var walPages: Int { Int(unsafe loggedPages.pointee) }

    /// Copies logged pages into the database file, without waiting for readers or writers.
    ///
    /// - Returns: pages in the log, and how many of them are copied by now.
    func checkpoint() throws(SQLiteFailure) -> (logged: Int, copied: Int) {
        try checkpoint(mode: SQLITE_CHECKPOINT_PASSIVE)
    }

    /// Copies all logged pages and cuts the log to nothing; for the end, when no one else reads.
    func checkpointAndTruncate() throws(SQLiteFailure) {
        _ = try checkpoint(mode: SQLITE_CHECKPOINT_TRUNCATE)
    }

    private func checkpoint(mode: Int32) throws(SQLiteFailure) -> (logged: Int, copied: Int) {
        var logged: Int32 = 0
        var copied: Int32 = 0
        let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode, &logged, &copied)
        guard code == SQLITE_OK else { throw failure(code, doing: "a checkpoint") }
        return (Int(logged), Int(copied))
    }

    /// The latest error of this connection.
    func failure(_ code: Int32, doing: String) -> SQLiteFailure {
        let message = unsafe String(cString: sqlite3_errmsg(handle))
        return SQLiteFailure(code: code, message: message, doing: doing)
    }
}

/// SQLite's question every so many instructions: 1 breaks the statement off.
private func isToStop(_ context: UnsafeMutableRawPointer?) -> Int32 {
    // `context` is the connection's `stopFlag`, which lives as long as the connection.
    guard let context = unsafe context else { return 0 }
    return unsafe Unmanaged<StopFlag>.fromOpaque(context).takeUnretainedValue().isRaised ? 1 : 0
}

/// SQLite's hook after each commit in WAL mode: notes a number and returns.
private func noteLoggedPages(
    _ context: UnsafeMutableRawPointer?, _ connection: OpaquePointer?,
    _ database: UnsafePointer<CChar>?, _ pages: Int32
) -> Int32 {
    // `context` is the connection's `loggedPages`, which lives as long as the connection.
    unsafe context?.assumingMemoryBound(to: Int32.self).pointee = pages
    return SQLITE_OK
}
