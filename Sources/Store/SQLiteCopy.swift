#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif
import Threads

/// A backup on its way out: a file that is read piece by piece and removed at the end.
final class SQLiteCopy: StoreCopy {
    let byteCount: Int64
    private let path: String
    private let maintenance: SQLiteMaintenance
    private let onEnd: @Sendable () -> Void
    private let file: Locked<OpenFile?>

    private struct OpenFile {
        var descriptor: Int32
        var offset: Int64 = 0
    }

    private init(
        path: String, descriptor: Int32, byteCount: Int64, maintenance: SQLiteMaintenance,
        onEnd: @escaping @Sendable () -> Void
    ) {
        self.path = path
        self.byteCount = byteCount
        self.maintenance = maintenance
        self.onEnd = onEnd
        file = Locked(OpenFile(descriptor: descriptor))
    }

    deinit { close() }

    /// Opens the file for reading.
    static func open(
        _ path: String, maintenance: SQLiteMaintenance, onEnd: @escaping @Sendable () -> Void
    ) -> Result<SQLiteCopy, StoreError> {
        let descriptor = openForReading(path)
        guard descriptor >= 0 else {
            return .failure(StoreError(.failed, "\(path) cannot be read (errno \(errno))"))
        }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            closeFile(descriptor)
            return .failure(StoreError(.failed, "\(path) cannot be read (errno \(errno))"))
        }
        return .success(
            SQLiteCopy(
                path: path, descriptor: descriptor, byteCount: Int64(status.st_size),
                maintenance: maintenance, onEnd: onEnd))
    }

    func read(
        upTo count: Int, completion: @escaping @Sendable (Result<[UInt8], StoreError>) -> Void
    ) {
        let refusal = maintenance.post { completion(self.readNow(upTo: count)) }
        if let refusal { completion(.failure(refusal)) }
    }

    private func readNow(upTo count: Int) -> Result<[UInt8], StoreError> {
        file.withLock { file in
            guard let open = file else { return .failure(.closed) }
            var bytes = [UInt8](repeating: 0, count: max(count, 0))
            let got = unsafe pread(open.descriptor, &bytes, bytes.count, off_t(open.offset))
            guard got >= 0 else {
                return .failure(StoreError(.failed, "\(path) cannot be read (errno \(errno))"))
            }
            file?.offset += Int64(got)
            bytes.removeLast(bytes.count - got)
            return .success(bytes)
        }
    }

    func close() {
        let wasOpen = file.withLock { file in
            guard let open = file else { return false }
            closeFile(open.descriptor)
            file = nil
            return true
        }
        guard wasOpen else { return }
        Self.removeFile(at: path)
        onEnd()
    }

    /// Removes a copy and what SQLite may have put beside it; nothing when there is none.
    static func removeFile(at path: String) {
        for ending in ["", "-journal", "-wal", "-shm"] { unsafe _ = unlink(path + ending) }
    }
}

// The C functions, whose names the methods above hide.
private func openForReading(_ path: String) -> Int32 { unsafe open(path, O_RDONLY | O_CLOEXEC) }
private func closeFile(_ descriptor: Int32) { _ = close(descriptor) }
