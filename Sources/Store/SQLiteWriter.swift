import Coordination
import Threads

/// The only connection that writes, and the transactions it makes. Belongs to the store thread.
final class SQLiteWriter {
    private let connection: SQLiteConnection
    private let insertions: SQLiteInsertions
    private let begin, commit, rollback: SQLiteStatement
    private let readEpoch, writeEpoch, dropRequests: SQLiteStatement
    /// What was claimed while the disk was full, and the epoch that was stored then; written with the
    /// shard's first batch.
    private var unwritten: [ShardID: (claimed: Epoch, after: Epoch?)] = [:]
    private let pruner: SQLitePruner
    private let logRoom: SQLiteLogRoom

    /// How many old requests go in one transaction, so that no commit waits long behind it.
    private static let requestsDroppedAtOnce: Int64 = 2000

    /// Opens and migrates the file. Blocks on the disk.
    ///
    /// - Parameter maxPages: the file's limit in pages; `nil` leaves SQLite's.
    init(
        path: String, busyMillis: Int32, cacheKibibytes: Int, maxPages: Int?
    ) throws(StoreError) {
        SQLiteDirectory.makePrivate(path)
        do {
            connection = try SQLiteConnection(path: path, access: .create, busyMillis: busyMillis)
        } catch {
            throw StoreError(error, file: path)
        }
        try connection.prepareForWriting(cacheKibibytes: cacheKibibytes)
        logRoom = SQLiteLogRoom(database: path)
        do {
            if let maxPages { try connection.execute("PRAGMA max_page_count = \(maxPages)") }
            insertions = try SQLiteInsertions(connection)
            begin = try connection.prepare("BEGIN IMMEDIATE")
            commit = try connection.prepare("COMMIT")
            rollback = try connection.prepare("ROLLBACK")
            readEpoch = try connection.prepare("SELECT epoch FROM shards WHERE shard = ?1")
            writeEpoch = try connection.prepare(
                """
                INSERT INTO shards (shard, epoch) VALUES (?1, ?2)
                ON CONFLICT (shard) DO UPDATE SET epoch = excluded.epoch
                """)
            dropRequests = try connection.prepare(
                """
                DELETE FROM requests WHERE id IN
                    (SELECT id FROM (SELECT id, created_hour FROM requests ORDER BY id LIMIT ?2)
                     WHERE created_hour < ?1
                         OR id <= (SELECT max(id) FROM requests) - ?3)
                """)
            pruner = try SQLitePruner(connection)
        } catch {
            throw StoreError(error, file: path)
        }
    }

    /// Pages in the write-ahead log after the latest commit.
    var loggedPages: Int { connection.walPages }

    /// Claims a shard; on disk when this returns, unless the disk is full.
    ///
    /// A server must start on a full disk too, to show what it holds and to go on when there is room;
    /// 32 KiB for SQLite's shared memory must be free after a clean stop.
    /// Such a claim is written together with the first batch, which is refused as long as there is
    /// none. Nothing durable bears its epoch before; of what is volatile, a later start takes
    /// the epoch again at most within the same second, and workers then hear that what they hold is
    /// stale before they are given anything.
    func claim(_ shard: ShardID, wallMillis: Int64) throws(StoreError) -> Epoch {
        try connection.translatingFailures { () throws(SQLiteFailure) in try begin.run() }
        do throws(StoreError) {
            let stored = try connection.translatingFailures { () throws(SQLiteFailure) in
                try epoch(of: shard)
            }
            let last = [stored, unwritten[shard]?.claimed].compactMap(\.self).max()
            let next = try Epoch.claimed(after: last, wallMillis: wallMillis)
            try store(next, of: shard, after: stored)
            return next
        } catch {
            _ = undo()
            throw error
        }
    }

    /// Commits a claim, or keeps it for the first batch when there is no room for it.
    private func store(
        _ claimed: Epoch, of shard: ShardID, after last: Epoch?
    ) throws(StoreError) {
        do throws(SQLiteFailure) {
            try write(claimed, of: shard)
            try commit.run()
            unwritten[shard] = nil
        } catch {
            guard error.kind == .full, undo() == nil else {
                throw StoreError(error, file: connection.path)
            }
            unwritten[shard] = (claimed, last)
        }
    }

    private func write(_ epoch: Epoch, of shard: ShardID) throws(SQLiteFailure) {
        writeEpoch.bind(1, Int64(shard.number))
        writeEpoch.bind(2, Int64(epoch.rawValue))
        try writeEpoch.run()
    }

    /// What became of a transaction.
    enum Outcome: Equatable {
        case committed
        case fenced
        /// Nothing was written: there was no room.
        case full
        /// Nothing was written: a row exists already.
        case conflict(String)
        /// Nothing was written: another program has held the file locked for the busy timeout.
        case locked(String)
        /// It may or may not be on disk.
        case unknown(String)
    }

    /// Writes batches of one shard and epoch in one transaction, synced when this returns.
    func write(_ batches: [StoreBatch]) -> Outcome {
        do {
            return try writeInTransaction(batches) ? .committed : .fenced
        } catch {
            return outcome(of: error)
        }
    }

    /// - Returns: `false` when the shard has a newer epoch; nothing was written then.
    private func writeInTransaction(_ batches: [StoreBatch]) throws(SQLiteFailure) -> Bool {
        guard let first = batches.first else { return true }
        logRoom.provide(behind: loggedPages)
        try begin.run()
        guard try holds(first.shard, under: first.epoch) else {
            try rollback.run()
            return false
        }
        for batch in batches { try insertions.insert(batch) }
        try commit.run()
        unwritten[first.shard] = nil
        return true
    }

    /// Whether an epoch is the shard's newest; one that had no room when it was claimed is written
    /// now, if nobody else has claimed the shard since.
    private func holds(_ shard: ShardID, under claimed: Epoch) throws(SQLiteFailure) -> Bool {
        let stored = try epoch(of: shard)
        guard let mine = unwritten[shard] else { return stored == claimed }
        guard mine.claimed == claimed, mine.after == stored else { return false }
        try write(claimed, of: shard)
        return true
    }

    private func outcome(of failure: SQLiteFailure) -> Outcome {
        if let failedUndo = undo() { return .unknown("\(failure.message); \(failedUndo.message)") }
        switch failure.kind {
        case .full: return .full
        case .constraint: return .conflict(failure.message)
        case .busy: return .locked(failure.message)
        case .io, .noRoomToWrite, .corrupt, .readOnly, .cannotOpen, .other:
            return .unknown(failure.message)
        }
    }

    /// Ends a transaction that SQLite has not ended itself, without its changes.
    private func undo() -> SQLiteFailure? {
        guard connection.isInTransaction else { return nil }
        do throws(SQLiteFailure) {
            try rollback.run()
            return nil
        } catch {
            return error
        }
    }

    private func epoch(of shard: ShardID) throws(SQLiteFailure) -> Epoch? {
        readEpoch.bind(1, Int64(shard.number))
        guard try readEpoch.step() else { return nil }
        defer { readEpoch.reset() }
        return Epoch(rawValue: UInt32(truncatingIfNeeded: readEpoch.integer(0)))
    }

    /// Drops some of the requests remembered in hours before `hour`, and of those beyond the newest
    /// `maxCount`, oldest first, in a transaction of its own.
    ///
    /// - Returns: whether there may be more of them.
    func dropRequests(
        beforeHour hour: Int64, beyond maxCount: Int64
    ) throws(SQLiteFailure) -> Bool {
        dropRequests.bind(1, hour)
        dropRequests.bind(2, Self.requestsDroppedAtOnce)
        dropRequests.bind(3, maxCount)
        try dropRequests.run()
        return connection.changedRows == Int(Self.requestsDroppedAtOnce)
    }

    /// Removes a piece of what ended long ago.
    func prune(_ shard: ShardID, closedBeforeMillis: Int64) throws(StoreError) -> PrunedPiece {
        do throws(SQLiteFailure) {
            return try pruner.prune(shard, closedBeforeMillis: closedBeforeMillis)
        } catch {
            _ = undo()
            throw StoreError(error, file: connection.path)
        }
    }

    /// Copies what is left in the log into the database file, on the commit path.
    func checkpoint() throws(SQLiteFailure) {
        _ = try connection.checkpoint()
    }

    /// Copies the whole log and cuts it; for the end.
    func checkpointAndTruncate() throws(SQLiteFailure) {
        try connection.checkpointAndTruncate()
    }
}
