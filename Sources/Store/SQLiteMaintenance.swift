#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif
import Threads

/// Looks through the whole file and makes backups, on a thread and connections of its own, so that
/// neither commits nor reads wait for it. One thing at a time; few may wait.
final class SQLiteMaintenance: Sendable {
    private let path: String
    private let busyMillis: Int32
    private let jobs: Mailbox<@Sendable () -> Void>
    private let thread: NamedThread
    private let isStopping = StopFlag()
    private let state = Locked(State())

    private struct State {
        var isBackingUp = false
        var lastBackupMillis: Int64?
    }

    /// Verifications, backups and reads of a backup that may wait.
    private static let maxWaiting = 16

    /// Removes what a crash may have left of a backup, and starts the thread.
    init(path: String, busyMillis: Int32) throws(ThreadStartError) {
        self.path = path
        self.busyMillis = busyMillis
        SQLiteCopy.removeFile(at: Self.copyPath(path))
        let jobs = Mailbox<@Sendable () -> Void>(capacity: Self.maxWaiting)
        self.jobs = jobs
        thread = try NamedThread.start(name: "maintenance") {
            var batch: [@Sendable () -> Void] = []
            while jobs.waitAndDrain(into: &batch) == .drained {
                for job in batch { job() }
                batch = []
            }
        }
    }

    /// When the latest good backup was made.
    var lastBackupMillis: Int64? { state.withLock { $0.lastBackupMillis } }

    /// Breaks off what is under way and ends the thread. Called by the store thread.
    func stop() {
        isStopping.raise()
        jobs.close()
        thread.join()
    }

    /// Leaves work for the thread; refused when too much waits.
    func post(_ job: @escaping @Sendable () -> Void) -> StoreError? {
        switch jobs.post(job, lane: .work) {
        case .closed: .closed
        case .full: .tooManyReads
        default: nil
        }
    }

    /// Looks through the file as `PRAGMA quick_check` does: every page, every row, not whether the
    /// indexes agree with their tables.
    func verify(_ completion: @escaping @Sendable (Result<StoreVerdict, StoreError>) -> Void) {
        let refusal = post { completion(self.verdict(on: self.path)) }
        if let refusal { completion(.failure(refusal)) }
    }

    /// Makes a checked copy of what is committed when the thread gets to it.
    func backUp(_ completion: @escaping @Sendable (Result<any StoreCopy, StoreError>) -> Void) {
        let isFree = state.withLock { state in
            defer { state.isBackingUp = true }
            return !state.isBackingUp
        }
        guard isFree else { return completion(.failure(.backupUnderWay)) }
        let refusal = post {
            let copy = self.makeCopy()
            if case .failure = copy { self.ended() }
            completion(copy.map { $0 })
        }
        if let refusal {
            ended()
            completion(.failure(refusal))
        }
    }

    private func ended() { state.withLock { $0.isBackingUp = false } }

    private func verdict(on file: String) -> Result<StoreVerdict, StoreError> {
        let began = SystemClock.monotonicNanos()
        do throws(SQLiteFailure) {
            let connection = try open(file)
            let problems = try connection.texts("PRAGMA quick_check(100)")
            return .success(
                StoreVerdict(
                    problems: problems == ["ok"] ? [] : problems,
                    tookMillis: took(since: began)))
        } catch {
            // So damaged that the check itself cannot go on: that is what it was to find.
            guard error.kind == .corrupt else {
                return .failure(StoreError(error, file: file))
            }
            return .success(StoreVerdict(problems: [error.message], tookMillis: took(since: began)))
        }
    }

    private func took(since began: Int64) -> Int64 {
        (SystemClock.monotonicNanos() - began) / 1_000_000
    }

    private func makeCopy() -> Result<SQLiteCopy, StoreError> {
        let file = Self.copyPath(path)
        let made = copy(to: file)
        if case .failure(let error) = made {
            SQLiteCopy.removeFile(at: file)
            return .failure(error)
        }
        state.withLock { $0.lastBackupMillis = SystemClock.wallMillis() }
        return SQLiteCopy.open(file, maintenance: self) { [weak self] in self?.ended() }
    }

    private func copy(to file: String) -> Result<Void, StoreError> {
        SQLiteCopy.removeFile(at: file)
        SQLiteDirectory.makePrivate(file)
        do throws(SQLiteFailure) {
            // One statement, one snapshot: sqlite.org/lang_vacuum.html, "VACUUM with INTO". The
            // copy is compact, and readers and the writer go on; the log grows meanwhile.
            try open(path).execute("VACUUM INTO '\(file.replacing("'", with: "''"))'")
        } catch {
            return .failure(reason(for: error, writing: file))
        }
        return verdict(on: file).flatMap { verdict in
            guard let problem = verdict.problems.first else { return .success(()) }
            return .failure(StoreError(.corrupt, "the backup is not good: \(problem)"))
        }
    }

    /// Why no copy was made. A damaged store fails in many ways (a page number that is nonsense
    /// reads as a full disk, a torn index as a broken uniqueness rule), so whoever asks is told of
    /// the damage, not of its consequence.
    private func reason(for failure: SQLiteFailure, writing file: String) -> StoreError {
        guard failure.kind != .corrupt else { return StoreError(failure, file: path) }
        guard !isStopping.isRaised, case .success(let verdict) = verdict(on: path),
            let problem = verdict.problems.first
        else { return StoreError(failure, file: file) }
        return StoreError(
            .corrupt, "\(path) is damaged: \(problem). Restore the file from a backup")
    }

    private func open(_ file: String) throws(SQLiteFailure) -> SQLiteConnection {
        let connection = try SQLiteConnection(path: file, access: .read, busyMillis: busyMillis)
        try connection.execute("PRAGMA cache_size = -8192; PRAGMA temp_store = FILE")
        connection.breakOff(when: isStopping)
        return connection
    }

    private static func copyPath(_ path: String) -> String { path + "-backup" }
}

extension StoreError {
    /// What a second backup is told.
    static let backupUnderWay = StoreError(
        .overloaded, "a backup is being made or read already. Try again when it has ended")
}
