#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The data directory of one server, held by an exclusive lock until it is released.
///
/// The lock is `flock(2)` on a file inside: the kernel drops it when the process ends, however it
/// ends, so there is nothing to clean up after a crash.
struct SQLiteDirectory: ~Copyable {
    /// The directory as it was given, without trailing slashes.
    let path: String
    private let lock: Int32

    /// The name of the database file.
    static let databaseName = "cadre.sqlite"

    /// The database file.
    var databasePath: String { "\(path)/\(Self.databaseName)" }

    /// Bytes of a file; 0 when it is not there.
    static func size(of file: String) -> Int64 {
        var status = stat()
        return unsafe stat(file, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Creates the directory (mode 0700, parents too) when it is missing, and takes its lock.
    ///
    /// - Throws: `.notWritable` or `.locked`, saying what to do.
    init(path given: String) throws(StoreError) {
        var path = given
        while path.utf8.count > 1, path.hasSuffix("/") { path.removeLast() }
        self.path = path
        try Self.create(path)
        let file = "\(path)/cadre.lock"
        let lock = unsafe open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.notWritable(file, errno) }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let cause = errno
            let holder = Self.readNumber(lock)
            close(lock)
            throw cause == EWOULDBLOCK
                ? Self.locked(path, by: holder) : Self.notWritable(file, cause)
        }
        self.lock = lock
        Self.writeNumber(getpid(), to: lock)
    }

    /// Makes an empty file that only this user may read, for SQLite to fill: it would make one that
    /// everybody may read, and gives what it puts beside a file (`-wal`, `-shm`) that file's mode. One
    /// that is there stays as it is; whoever opens the file next says what keeps it from being made.
    static func makePrivate(_ file: String) {
        // Not opened when it is there: closing it would drop the locks that this process has on it
        // (sqlite.org/howtocorrupt.html, section 2.2).
        let made = unsafe open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if made >= 0 { close(made) }
    }

    /// Lets the next server have the directory.
    consuming func release() {}

    deinit {
        close(lock)
    }

    private static func create(_ path: String) throws(StoreError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw notWritable(path, errno)
        }
        try create(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw notWritable(path, errno)
        }
    }

    private static func locked(_ path: String, by holder: Int32?) -> StoreError {
        let who = holder.map { " (pid \($0))" } ?? ""
        return StoreError(
            .locked,
            "\(path) is held by another cadre server\(who). Stop it or pass another --data "
                + "directory")
    }

    private static func notWritable(_ path: String, _ cause: Int32) -> StoreError {
        let reason = unsafe String(cString: strerror(cause))
        return StoreError(
            .notWritable,
            "cannot write \(path): \(reason). Pass a directory this user can write with --data")
    }

    /// The number is for people only; the lock counts, not the file's content.
    private static func writeNumber(_ number: Int32, to file: Int32) {
        let text = "\(number)\n"
        ftruncate(file, 0)
        _ = unsafe pwrite(file, text, text.utf8.count, 0)
    }

    private static func readNumber(_ file: Int32) -> Int32? {
        var digits = [UInt8](repeating: 0, count: 16)
        let count = unsafe pread(file, &digits, digits.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: digits[..<count].prefix { $0 != 0x0a }, as: UTF8.self))
    }
}
