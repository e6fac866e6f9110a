import Foundation

/// A backup on its way to a file: written beside it, synced, and given its name only when it is
/// whole, so that the name never stands for half a backup.
final class BackupFile {
    private let path: String
    private let handle: FileHandle
    private var written: Int64 = 0
    private var expected: Int64?

    private var partial: String { path + ".part" }

    /// Creates the partial file.
    ///
    /// - Throws: ``Failed`` when the file exists already or cannot be written.
    init(_ path: String) throws {
        self.path = path
        guard path != "-" else {
            throw Failed(
                "a backup goes to a file, which has its name when it is whole; for a file called "
                    + "-, write ./-", exitCode: EX_USAGE)
        }
        guard !FileManager.default.fileExists(atPath: path) else {
            throw Failed("\(path) exists; a backup never replaces a file", exitCode: EX_CANTCREAT)
        }
        // It holds everything that the server knows, so it is its owner's only.
        guard
            FileManager.default.createFile(
                atPath: path + ".part", contents: nil, attributes: [.posixPermissions: 0o600]),
            let handle = FileHandle(forWritingAtPath: path + ".part")
        else { throw Failed("\(path).part cannot be written", exitCode: EX_CANTCREAT) }
        self.handle = handle
    }

    /// Adds bytes of a copy that has `total` in all.
    func append(_ bytes: [UInt8], of total: Int64) throws {
        expected = total
        do {
            try handle.write(contentsOf: Data(bytes))
        } catch {
            throw unwritten(partial, error)
        }
        written += Int64(bytes.count)
    }

    /// Gives the file its name; the bytes it holds.
    func finish() throws -> Int64 {
        guard let expected, written == expected else {
            throw Failed("the server sent \(written) bytes of \(expected ?? 0)")
        }
        do {
            try handle.synchronize()
            try handle.close()
            try FileManager.default.moveItem(atPath: partial, toPath: path)
        } catch {
            throw unwritten(path, error)
        }
        return written
    }

    private func unwritten(_ file: String, _ error: any Error) -> Failed {
        let reason = SystemReason.text(of: error)
        return Failed("\(file) cannot be written: \(reason)", exitCode: EX_IOERR)
    }

    /// Removes what was written so far.
    func discard() {
        try? handle.close()
        try? FileManager.default.removeItem(atPath: partial)
    }
}
