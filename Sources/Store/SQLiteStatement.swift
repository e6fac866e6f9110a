import CSQLite

/// A compiled statement: bind, step, read, reset. Made by ``SQLiteConnection/prepare(_:)``.
///
/// Not `Sendable`; belongs to its connection's thread. Parameters count from 1 and columns from
/// 0, as in SQLite.
@safe final class SQLiteStatement {
    private let handle: OpaquePointer
    private let connection: SQLiteConnection
    private let sql: String

    /// Takes over a compiled statement of `connection`; it is finalized here and nowhere else.
    @unsafe init(owning handle: OpaquePointer, of connection: SQLiteConnection, sql: String) {
        unsafe self.handle = handle
        self.connection = connection
        self.sql = sql
    }

    deinit {
        // The result repeats the last step's error, which was reported then.
        unsafe sqlite3_finalize(handle)
    }

    // Binding fails only for an index that the statement does not have, or beyond the length
    // limit (1 GB): both are bugs of ours, hence preconditions.

    /// Binds a whole number.
    func bind(_ index: Int32, _ value: Int64) {
        expectBound(unsafe sqlite3_bind_int64(handle, index, value), index)
    }

    /// Binds a whole number, or NULL.
    func bind(_ index: Int32, _ value: Int64?) {
        if let value { return bind(index, value) }
        expectBound(unsafe sqlite3_bind_null(handle, index), index)
    }

    /// Binds a text; SQLite takes a copy.
    func bind(_ index: Int32, text: String) {
        var text = text
        let code = text.withUTF8 { utf8 in
            // A null pointer would bind NULL, so an empty text points at a constant.
            guard let start = utf8.baseAddress else {
                return unsafe sqlite3_bind_text(handle, index, "", 0, transient)
            }
            return unsafe start.withMemoryRebound(to: CChar.self, capacity: utf8.count) {
                unsafe sqlite3_bind_text(handle, index, $0, Int32(utf8.count), transient)
            }
        }
        expectBound(code, index)
    }

    /// Binds bytes; SQLite takes a copy. For short ones.
    func bind(_ index: Int32, bytes: [UInt8]) {
        let code = unsafe bytes.withUnsafeBytes { raw in
            unsafe raw.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sqlite3_bind_blob64(
                    handle, index, raw.baseAddress, UInt64(raw.count), transient)
        }
        expectBound(code, index)
    }

    /// Runs a statement that returns no rows, with bytes as one of its parameters.
    ///
    /// The bytes are not copied: they are bound for this one step only, inside of the scope that
    /// keeps them in place, and unbound before it ends (`SQLITE_STATIC`).
    func run(blob: [UInt8], at index: Int32) throws(SQLiteFailure) {
        let failed = unsafe blob.withUnsafeBytes { raw -> SQLiteFailure? in
            let bound =
                unsafe raw.isEmpty
                ? sqlite3_bind_zeroblob(handle, index, 0)
                : sqlite3_bind_blob64(handle, index, raw.baseAddress, UInt64(raw.count), nil)
            expectBound(bound, index)
            let failed = stepOnce()
            unsafe sqlite3_bind_null(handle, index)
            return failed
        }
        if let failed { throw failed }
    }

    /// Runs a statement that returns no rows.
    func run() throws(SQLiteFailure) {
        if let failed = stepOnce() { throw failed }
    }

    /// Steps to the end and resets; the failure is read before another call can overwrite it.
    private func stepOnce() -> SQLiteFailure? {
        let code = unsafe sqlite3_step(handle)
        let failed = code == SQLITE_DONE ? nil : connection.failure(code, doing: sql)
        unsafe sqlite3_reset(handle)
        return failed
    }

    /// Goes to the next row; `false` after the last, when the statement is ready for its next use.
    func step() throws(SQLiteFailure) -> Bool {
        let code = unsafe sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        let failed = code == SQLITE_DONE ? nil : connection.failure(code, doing: sql)
        unsafe sqlite3_reset(handle)
        if let failed { throw failed }
        return false
    }

    /// Leaves the rows that were not read; bound parameters stay.
    func reset() {
        unsafe sqlite3_reset(handle)
    }

    /// A column of the current row as a whole number; NULL reads as 0.
    func integer(_ column: Int32) -> Int64 {
        unsafe sqlite3_column_int64(handle, column)
    }

    /// A column of the current row as a whole number, `nil` for NULL.
    func optionalInteger(_ column: Int32) -> Int64? {
        let isNull = unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
        return isNull ? nil : integer(column)
    }

    /// A copy of a blob column of the current row, `nil` for NULL.
    func optionalBytes(_ column: Int32) -> [UInt8]? {
        let isNull = unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
        return isNull ? nil : bytes(column)
    }

    /// A copy of a text column of the current row.
    func text(_ column: Int32) -> String {
        String(decoding: bytes(column), as: UTF8.self)
    }

    /// A copy of a blob or text column of the current row.
    func bytes(_ column: Int32) -> [UInt8] {
        // The pointer first, then the length: sqlite.org/c3ref/column_blob.html. It is valid
        // until the next step; the copy is made at once.
        guard let start = unsafe sqlite3_column_blob(handle, column) else { return [] }
        let count = Int(unsafe sqlite3_column_bytes(handle, column))
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    private func expectBound(_ code: Int32, _ index: Int32) {
        precondition(code == SQLITE_OK, "parameter \(index) does not fit: \(sql)")
    }
}

/// Tells SQLite to copy what is bound; C spells it `(sqlite3_destructor_type)-1`, a macro that
/// Swift does not import.
private var transient: sqlite3_destructor_type {
    unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
