/// When to copy the write-ahead log into the database file, and who does it.
///
/// A checkpoint beside a busy writer never gets to the end of the log, and SQLite starts the log
/// over only once all of it is copied (sqlite.org/wal.html, section 6). So the bulk is copied
/// beside the commits, and the writer itself copies the little that came in meanwhile.
struct CheckpointPolicy {
    /// Pages in the log that call for a checkpoint.
    let mark: Int
    private var isRunning = false
    private var next: Int

    /// What the store thread does after a commit.
    enum Action: Equatable {
        case none
        /// Ask the checkpoint thread to copy the bulk.
        case copyBeside
        /// Copy the rest here and now.
        case copyRest
    }

    /// - Parameter mark: pages in the log that call for a checkpoint, at least 1.
    init(mark: Int) {
        precondition(mark >= 1, "a checkpoint needs something to copy")
        self.mark = mark
        next = mark
    }

    /// A transaction was committed.
    ///
    /// - Parameters:
    ///   - pages: pages in the log now.
    ///   - finished: whether the checkpoint thread has finished since the last call.
    mutating func committed(loggedPages pages: Int, finishedBeside finished: Bool) -> Action {
        if finished {
            isRunning = false
            // A reader in the middle of a page may still hold the log; then wait for another
            // mark's worth of pages before trying again.
            next = pages < mark ? mark : pages + mark
            return pages < mark ? .none : .copyRest
        }
        if pages < mark && !isRunning { next = mark }
        guard pages >= next, !isRunning else { return .none }
        isRunning = true
        return .copyBeside
    }
}
