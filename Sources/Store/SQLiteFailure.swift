import CSQLite

/// What SQLite reported, re-typed at the door: nobody above sees a result code.
///
/// Source: sqlite.org/rescode.html.
struct SQLiteFailure: Error, Hashable {
    /// What the store's code tells apart.
    enum Kind: Hashable {
        /// Another connection holds the lock and the busy timeout has passed; nothing was written.
        case busy
        /// No space left, or a limit on pages was reached. SQLite has undone the transaction.
        case full
        /// A row breaks a uniqueness rule; the statement changed nothing.
        case constraint
        /// Reading, writing or syncing failed; what is on disk is unknown.
        case io
        /// As `io`, where a file was to grow: most often the disk is full.
        case noRoomToWrite
        /// The file is damaged or is no database.
        case corrupt
        /// The file or its directory cannot be written.
        case readOnly
        /// The file cannot be opened.
        case cannotOpen
        /// Anything else: a bug of ours, or out of memory.
        case other
    }

    /// The family of the result code.
    let kind: Kind
    /// SQLite's words, what was being done, and the extended result code.
    let message: String

    /// Re-types an extended result code.
    init(code: Int32, message: String, doing: String) {
        kind = Kind(code: code)
        self.message = "\(message) (SQLite code \(code)) while \(doing)"
    }

    /// Something is stored already that may be stored once only.
    init(exists what: String) {
        kind = .constraint
        message = "\(what) is stored already"
    }

    /// A stored row that this build cannot read.
    init(unreadable what: String) {
        kind = .corrupt
        message = what
    }
}

extension SQLiteFailure.Kind {
    /// What follows the primary code in SQLITE_IOERR_WRITE, _TRUNCATE, _SHMOPEN, _SHMSIZE and
    /// _SHMMAP. The shared memory beside the log is made, and grows, at every start, so a full disk
    /// speaks with these codes then.
    private static let growing: Set<Int32> = [3, 6, 18, 19, 21]

    /// The lower eight bits of an extended result code are its primary code.
    fileprivate init(code: Int32) {
        switch code & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED: self = .busy
        case SQLITE_FULL: self = .full
        case SQLITE_CONSTRAINT: self = .constraint
        case SQLITE_IOERR: self = Self.growing.contains(code >> 8) ? .noRoomToWrite : .io
        case SQLITE_CORRUPT, SQLITE_NOTADB: self = .corrupt
        case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH: self = .readOnly
        case SQLITE_CANTOPEN: self = .cannotOpen
        default: self = .other
        }
    }
}

extension StoreError {
    /// What a caller of the store is told about a failure of SQLite.
    init(_ failure: SQLiteFailure, file: String) {
        let message = "\(file): \(failure.message)"
        switch failure.kind {
        case .full: self.init(.full, "\(message). Free some space on this disk")
        case .noRoomToWrite:
            self.init(
                .failed,
                "\(message): the disk is full, or it cannot be written. Free some space on it, or "
                    + "look at the disk")
        case .corrupt:
            self.init(.corrupt, "\(message). Restore the file from a backup")
        case .readOnly, .cannotOpen:
            self.init(.notWritable, "\(message). Pass a directory this user can write with --data")
        case .busy:
            self.init(.locked, "\(message). Stop whatever else has the file open")
        case .constraint, .io, .other: self.init(.failed, message)
        }
    }
}
