import Coordination
import Testing

@testable import Store

/// A server that starts where nothing more can be written.
@Suite struct FullDiskTests {
    private let directory: TemporaryDirectory
    /// As another program would see the file; no limit holds for it.
    private let other: SQLiteConnection

    /// A store whose table of shards is so large that its last page is filled soon.
    init() throws {
        directory = try TemporaryDirectory()
        _ = try Self.writer(directory, maxPages: nil).claim(.only, wallMillis: 0)
        other = try SQLiteConnection(
            path: "\(directory.path)/cadre.sqlite", access: .create, busyMillis: 500)
        try other.execute(
            """
            WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 20000)
            INSERT INTO shards (shard, epoch) SELECT n, 1 FROM n
            """)
    }

    private static func writer(
        _ directory: TemporaryDirectory, maxPages: Int?
    ) throws -> SQLiteWriter {
        try SQLiteWriter(
            path: "\(directory.path)/cadre.sqlite", busyMillis: 500, cacheKibibytes: 1024,
            maxPages: maxPages)
    }

    private func isStored(_ shard: ShardID) throws -> Bool {
        try other.integer("SELECT count(*) FROM shards WHERE shard = \(shard.number)") == 1
    }

    /// Claims one shard after the other until one has no room.
    private func claimUntilFull(_ writer: SQLiteWriter) throws -> (ShardID, Epoch) {
        var number: Int32 = 20_000
        while true {
            number += 1
            try #require(number < 30_000, "there is always room")
            let shard = ShardID(number: number)
            let epoch = try writer.claim(shard, wallMillis: 7_000)
            if try !isStored(shard) { return (shard, epoch) }
        }
    }

    private func batch(_ shard: ShardID, _ epoch: Epoch) -> StoreBatch {
        var batch = StoreBatch(shard: shard, epoch: epoch, number: BatchNumber(rawValue: 1))
        batch.runs = [Rows.run(RunID(1))]
        return batch
    }

    @Test func `a shard can be claimed, and the claim is stored with the first batch`() throws {
        let writer = try Self.writer(directory, maxPages: 1)
        let (shard, epoch) = try claimUntilFull(writer)
        #expect(epoch == Epoch(rawValue: 7))
        #expect(try writer.claim(shard, wallMillis: 0) == Epoch(rawValue: 8))
        #expect(writer.write([batch(shard, epoch)]) == .fenced)
        let batch = batch(shard, Epoch(rawValue: 8))
        #expect(writer.write([batch]) == .full)
        #expect(writer.write([batch]) == .full)
        try other.execute("DELETE FROM shards WHERE shard BETWEEN 2 AND 15000")
        #expect(writer.write([batch]) == .committed)
        #expect(try isStored(shard))
        #expect(try writer.claim(shard, wallMillis: 0) == Epoch(rawValue: 9))
    }

    @Test func `a claim that was not stored is worth nothing after another one`() throws {
        let writer = try Self.writer(directory, maxPages: 1)
        let (shard, epoch) = try claimUntilFull(writer)
        let newer = try Self.writer(directory, maxPages: nil)
        #expect(try newer.claim(shard, wallMillis: 0) == Epoch(rawValue: 1))
        #expect(writer.write([batch(shard, epoch)]) == .fenced)
    }
}
