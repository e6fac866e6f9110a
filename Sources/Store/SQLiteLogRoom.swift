#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Gives the write-ahead log room ahead of its writer. Belongs to the store thread.
///
/// A sync of a file that has grown must also write where its new blocks are: here it takes three to
/// four times as long as one of blocks that are there already. So the file grows by a piece of zeros
/// once in many commits instead of by some pages in each; once the log has been as long as checkpoints
/// let it become, it does not grow at all. Frames of zeros are no frames to SQLite, which reads up to
/// the first one whose salts and checksum are wrong (sqlite.org/fileformat2.html, section 4.1).
final class SQLiteLogRoom {
    private let path: String
    /// -1: not open yet, or there is no way to.
    private var file: Int32 = -1
    /// The file's length.
    private var bytes: Int64 = 0
    private var isHopeless = false

    /// What is added at once, and what must be free before a commit.
    private static let pieceBytes = 1 << 20
    private static let spareBytes: Int64 = 256 << 10
    /// A page and its header in the log, and the log's own header.
    private static let frameBytes: Int64 = 8192 + 24
    private static let headerBytes: Int64 = 32
    private static let zeros = [UInt8](repeating: 0, count: 128 << 10)

    /// - Parameter database: the database file, whose log stands beside it.
    init(database: String) { path = database + "-wal" }

    deinit {
        if file >= 0 { close(file) }
    }

    /// Before a commit behind so many pages: makes the file longer if little is left of it. On disk
    /// with the commit's own sync, as it is the same file. That it fails costs time, nothing else.
    func provide(behind pages: Int) {
        let end = Self.headerBytes + Int64(pages) * Self.frameBytes
        guard end + Self.spareBytes > bytes, !isHopeless, open() else { return }
        // Another connection may have cut it, or a commit have been longer than what was left.
        bytes = SQLiteDirectory.size(of: path)
        if end + Self.spareBytes > bytes { grow() }
    }

    private func open() -> Bool {
        if file >= 0 { return true }
        // What is written goes behind the end, wherever that is: never over a frame.
        file = Self.openToAppend(path)
        isHopeless = file < 0
        return file >= 0
    }

    private func grow() {
        for _ in 0..<(Self.pieceBytes / Self.zeros.count) {
            let written = unsafe write(file, Self.zeros, Self.zeros.count)
            guard written == Self.zeros.count else { return isHopeless = true }
            bytes += Int64(written)
        }
    }

    private static func openToAppend(_ path: String) -> Int32 {
        #if canImport(Darwin)
            unsafe Darwin.open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        #elseif canImport(Musl)
            unsafe Musl.open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        #else
            unsafe Glibc.open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        #endif
    }
}
