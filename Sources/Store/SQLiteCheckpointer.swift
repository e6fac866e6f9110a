import Threads

/// Copies the write-ahead log into the database file on a thread and a connection of its own, so
/// that commits do not wait for it.
final class SQLiteCheckpointer: Sendable {
    private let thread: NamedThread
    private let requests: Mailbox<Void>
    private let finished: Locked<Finished>

    /// What has finished since the writer last looked.
    struct Finished: Sendable {
        var count = 0
        /// The first failure; the log only grows until somebody repairs its cause.
        var failure: String?
    }

    /// Starts the thread, which opens its connection at the first request.
    init(path: String, busyMillis: Int32) throws(ThreadStartError) {
        // At most one request is under way: `CheckpointPolicy` waits for its end.
        let requests = Mailbox<Void>(capacity: 1)
        let finished = Locked(Finished())
        self.requests = requests
        self.finished = finished
        thread = try NamedThread.start(name: "checkpoint") {
            Self.run(path: path, busyMillis: busyMillis, requests: requests, finished: finished)
        }
    }

    /// Asks for a checkpoint; does not wait for it.
    func request() {
        _ = requests.post((), lane: .work)
    }

    /// What has finished since the last call.
    func takeFinished() -> Finished {
        finished.withLock { finished in
            defer { finished = Finished() }
            return finished
        }
    }

    /// Waits for a checkpoint under way and ends the thread. Called by the store thread.
    func stop() {
        requests.close()
        thread.join()
    }

    private static func run(
        path: String, busyMillis: Int32, requests: Mailbox<Void>, finished: Locked<Finished>
    ) {
        var connection: SQLiteConnection?
        var batch: [Void] = []
        while requests.waitAndDrain(into: &batch) == .drained {
            let failure = checkpoint(path: path, busyMillis: busyMillis, connection: &connection)
            finished.withLock { finished in
                finished.count += 1
                finished.failure = finished.failure ?? failure
            }
        }
    }

    /// - Returns: the failure, if there was one.
    private static func checkpoint(
        path: String, busyMillis: Int32, connection: inout SQLiteConnection?
    ) -> String? {
        do throws(SQLiteFailure) {
            if connection == nil {
                connection = try openConnection(path: path, busyMillis: busyMillis)
            }
            _ = try connection?.checkpoint()
            return nil
        } catch {
            return error.message
        }
    }

    private static func openConnection(
        path: String, busyMillis: Int32
    ) throws(SQLiteFailure) -> SQLiteConnection {
        let connection = try SQLiteConnection(path: path, access: .create, busyMillis: busyMillis)
        try connection.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -1024")
        return connection
    }
}
