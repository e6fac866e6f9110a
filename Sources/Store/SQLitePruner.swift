import Coordination

/// Removes runs that ended long ago, a bounded piece at a time. Belongs to the store thread.
///
/// A run goes in two strokes. The first takes its row away and notes its id in `pruning`, in one
/// transaction: from then on nobody finds it. What it leaves behind (history and payloads, up to
/// tens of megabytes) follows piece by piece; its note goes last. So a crash at any point leaves
/// either a whole run or garbage that the next pieces collect.
struct SQLitePruner {
    private let connection: SQLiteConnection
    private let begin, commit: SQLiteStatement
    private let take, remove, firstNote, dropNote: SQLiteStatement
    private let payloads, dropPayload, dropHistory: SQLiteStatement

    /// What one piece may touch, so that a commit behind it waits for milliseconds only.
    private enum Bounds {
        static let runs: Int64 = 32
        static let rows = 256
        static let payloadBytes: Int64 = 2 << 20
    }

    /// Compiles the statements.
    init(_ connection: SQLiteConnection) throws(SQLiteFailure) {
        self.connection = connection
        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        take = try connection.prepare(
            """
            INSERT INTO pruning (run) SELECT run FROM runs INDEXED BY runs_closed
            WHERE closed_ms IS NOT NULL AND closed_ms < ?1 AND shard = ?2
            ORDER BY closed_ms LIMIT ?3
            """)
        remove = try connection.prepare(
            "DELETE FROM runs WHERE run IN (SELECT run FROM pruning)")
        firstNote = try connection.prepare("SELECT run FROM pruning ORDER BY run LIMIT 1")
        dropNote = try connection.prepare("DELETE FROM pruning WHERE run = ?1")
        payloads = try connection.prepare(
            """
            SELECT id, length(bytes) FROM payloads INDEXED BY payloads_of_run
            WHERE run = ?1 LIMIT ?2
            """)
        dropPayload = try connection.prepare("DELETE FROM payloads WHERE id = ?1")
        dropHistory = try connection.prepare(
            """
            DELETE FROM history WHERE rowid IN
                (SELECT rowid FROM history WHERE run = ?1 LIMIT ?2)
            """)
    }

    /// One piece, in a transaction of its own; the caller undoes it when this throws.
    func prune(_ shard: ShardID, closedBeforeMillis: Int64) throws(SQLiteFailure) -> PrunedPiece {
        try begin.run()
        var taken = 0
        if try notedRun() == nil {
            taken = try takeRuns(shard, closedBeforeMillis: closedBeforeMillis)
        }
        var rows = Bounds.rows
        var bytes = Bounds.payloadBytes
        var isEmpty = false
        while rows > 0, bytes > 0 {
            guard let run = try notedRun() else {
                isEmpty = true
                break
            }
            try collect(run, &rows, &bytes)
        }
        try commit.run()
        return PrunedPiece(runs: taken, hasMore: !isEmpty || taken == Int(Bounds.runs))
    }

    private func takeRuns(
        _ shard: ShardID, closedBeforeMillis: Int64
    ) throws(SQLiteFailure) -> Int {
        take.bind(1, closedBeforeMillis)
        take.bind(2, Int64(shard.number))
        take.bind(3, Bounds.runs)
        try take.run()
        let taken = connection.changedRows
        if taken > 0 { try remove.run() }
        return taken
    }

    private func notedRun() throws(SQLiteFailure) -> Int64? {
        guard try firstNote.step() else { return nil }
        defer { firstNote.reset() }
        return firstNote.integer(0)
    }

    /// Removes rows that a run left, and its note with the last of them.
    private func collect(
        _ run: Int64, _ rows: inout Int, _ bytes: inout Int64
    ) throws(SQLiteFailure) {
        for (id, size) in try payloads(of: run, limit: rows) {
            guard bytes > 0 else { return }
            dropPayload.bind(1, id)
            try dropPayload.run()
            rows -= 1
            bytes -= size
        }
        guard rows > 0, bytes > 0 else { return }
        dropHistory.bind(1, run)
        dropHistory.bind(2, Int64(rows))
        try dropHistory.run()
        let dropped = connection.changedRows
        // Each run costs something even when it left nothing.
        rows -= dropped + 1
        guard rows >= 0 else { return }
        dropNote.bind(1, run)
        try dropNote.run()
    }

    private func payloads(
        of run: Int64, limit: Int
    ) throws(SQLiteFailure) -> [(id: Int64, size: Int64)] {
        payloads.bind(1, run)
        payloads.bind(2, Int64(limit))
        var found: [(id: Int64, size: Int64)] = []
        while try payloads.step() { found.append((payloads.integer(0), payloads.integer(1))) }
        return found
    }
}
