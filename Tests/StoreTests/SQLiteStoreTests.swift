import Coordination
import Foundation
import Testing
import Threads

@testable import Store

/// What only the SQLite store does: sharing transactions, checkpoints, fences between processes.
@Suite struct SQLiteStoreTests {
    private func open(
        _ directory: TemporaryDirectory,
        _ change: (inout SQLiteStore.Configuration) -> Void = { _ in }
    ) async throws -> SQLiteStore {
        var configuration = SQLiteStore.Configuration(directory: directory.path)
        change(&configuration)
        return try await SQLiteStore.open(configuration)
    }

    private func connection(_ directory: TemporaryDirectory) throws -> SQLiteConnection {
        try SQLiteConnection(
            path: "\(directory.path)/cadre.sqlite", access: .create, busyMillis: 500)
    }

    @Test func `the file is a WAL database of 8 KiB pages with our mark and version`() async throws
    {
        let directory = try TemporaryDirectory()
        let store = try await open(directory)
        await store.close()
        let file = try connection(directory)
        #expect(try file.integer("PRAGMA page_size") == 8192)
        #expect(try file.integer("PRAGMA user_version") == SQLiteSchema.latestVersion)
        #expect(try file.integer("PRAGMA application_id") == SQLiteSchema.applicationID)
        let mode = try file.prepare("PRAGMA journal_mode")
        #expect(try mode.step() && mode.text(0) == "wal")
    }

    @Test func `the log grows by pieces, and what a killed server leaves of one is read over`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let store = try await open(directory) { $0.checkpointPages = 100_000 }
        let epoch = try await store.claim(.only, wallMillis: 0)
        var lengths: Set<Int64> = []
        for number in 1...100 {
            let batch = epoch.batch(UInt64(number)) { $0.runs = [Rows.run(RunID(UInt32(number)))] }
            #expect(await store.commit(batch) == .committed)
            lengths.insert(store.facts.logBytes)
        }
        // 100 commits of some pages each: a file that grew with every one had 100 lengths.
        #expect(lengths.count < 10 && lengths.allSatisfy { $0 >= 1 << 20 })
        // Another process would find the file like this: zeros behind the frames.
        let copy = try TemporaryDirectory()
        for end in ["", "-wal"] {
            try FileManager.default.copyItem(
                atPath: "\(directory.path)/cadre.sqlite\(end)",
                toPath: "\(copy.path)/cadre.sqlite\(end)")
        }
        let again = try await open(copy)
        #expect(try await again.runs(in: "shop").count == 100)
        await again.close()
        await store.close()
    }

    @Test func `a claim by another process fences the commits of this one`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await open(directory)
        let epoch = try await store.claim(.only, wallMillis: 0)
        #expect(await store.commit(epoch.batch(1) { $0.runs = [Rows.run(RunID(1))] }) == .committed)
        // A second writer on the same file, as if the lock had not been there (network disk).
        let other = try SQLiteWriter(
            path: "\(directory.path)/cadre.sqlite", busyMillis: 500, cacheKibibytes: 1024,
            maxPages: nil)
        let newer = try other.claim(.only, wallMillis: 0)
        #expect(newer > epoch)
        #expect(await store.commit(epoch.batch(2) { $0.runs = [Rows.run(RunID(2))] }) == .fenced)
        #expect(try await store.runs(in: "shop").map(\.run) == [RunID(1)])
        #expect(other.write([newer.batch(1) { $0.runs = [Rows.run(RunID(3))] }]) == .committed)
        #expect(try await store.runs(in: "shop").map(\.run) == [RunID(3), RunID(1)])
        await store.close()
        withExtendedLifetime(directory) {}
    }

    @Test func `a file that another program has locked takes the same batch afterwards`() throws {
        let directory = try TemporaryDirectory()
        let writer = try SQLiteWriter(
            path: "\(directory.path)/cadre.sqlite", busyMillis: 1, cacheKibibytes: 1024,
            maxPages: nil)
        let epoch = try writer.claim(.only, wallMillis: 0)
        let other = try connection(directory)
        try other.execute("BEGIN IMMEDIATE")
        let batch = epoch.batch(1) { $0.runs = [Rows.run(RunID(1))] }
        guard case .locked = writer.write([batch]) else {
            Issue.record("it is known that nothing was written")
            return
        }
        try other.execute("ROLLBACK")
        #expect(writer.write([batch]) == .committed)
        withExtendedLifetime(directory) {}
    }

    /// Commits batch 1 and holds the store thread in its completion while `post` hands over more.
    private func whileStoreThreadIsHeld(
        _ store: SQLiteStore, _ epoch: Epoch, _ post: () -> Void
    ) async {
        let isHeld = EndSignal()
        let mayGo = Latch()
        store.commit(epoch.batch(1)) { _ in
            isHeld.end()
            mayGo.wait()
        }
        await isHeld.wait()
        post()
        mayGo.open()
    }

    @Test func `batches that wait share one transaction`() async throws {
        let directory = try TemporaryDirectory()
        let observed = NumberTally()
        let store = try await open(directory) { $0.onCommit = { observed.add($0.rows) } }
        let epoch = try await store.claim(.only, wallMillis: 0)
        let tally = OutcomeTally()
        await whileStoreThreadIsHeld(store, epoch) {
            for number in 2...10 {
                let run = RunID(UInt32(number))
                store.commit(
                    epoch.batch(UInt64(number)) { batch in
                        batch.runs = [Rows.run(run)]
                        batch.history = [Rows.history(run, 1)]
                    }
                ) { tally.add($0) }
            }
        }
        await store.close()
        #expect(tally.outcomes == Array(repeating: .committed, count: 9))
        let statistics = store.statistics
        #expect(statistics.commits == 2 && statistics.batches == 10)
        #expect(statistics.lastBatches == 9 && statistics.lastRows == 18 && statistics.rows == 18)
        #expect(statistics.bytes == 9 * (3 + 2))
        #expect(statistics.lastNanos > 0 && statistics.maxNanos <= statistics.totalNanos)
        #expect(observed.numbers == [0, 18])
    }

    @Test func `a batch that does not fit does not take those before it along`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await open(directory) { $0.maxPages = 60 }
        let epoch = try await store.claim(.only, wallMillis: 0)
        let tally = OutcomeTally()
        let isOver = EndSignal()
        await whileStoreThreadIsHeld(store, epoch) {
            for number in UInt32(2)...4 {
                let size = number == 3 ? 1 << 20 : 10
                store.commit(
                    epoch.batch(UInt64(number)) { batch in
                        batch.payloads = [
                            Rows.payload(
                                PayloadID(number), of: RunID(1),
                                bytes: [UInt8](repeating: 1, count: size))
                        ]
                    }
                ) { outcome in
                    tally.add(outcome)
                    if number == 4 { isOver.end() }
                }
            }
        }
        await isOver.wait()
        let found = try await store.loadPayloads([PayloadID(2), PayloadID(3), PayloadID(4)])
        await store.close()
        #expect(tally.outcomes == [.committed, .full, .full])
        #expect(Array(found.keys) == [PayloadID(2)])
        #expect(store.statistics.refusedAsFull == 2)
    }

    @Test func `a clash in a group spares those before it and stops those after`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await open(directory)
        let epoch = try await store.claim(.only, wallMillis: 0)
        let tally = OutcomeTally()
        await whileStoreThreadIsHeld(store, epoch) {
            for (number, run) in [(2, 1), (3, 1), (4, 2)] as [(UInt64, UInt32)] {
                store.commit(
                    epoch.batch(number) { $0.history = [Rows.history(RunID(run), 1)] }
                ) { tally.add($0) }
            }
        }
        await store.close()
        let outcomes = tally.outcomes
        #expect(outcomes.count == 3 && outcomes[0] == .committed)
        #expect(outcomes[1].isUnknown && outcomes[2].isUnknown)
        let again = try await open(directory)
        #expect(try await again.history(RunID(1), from: 1).count == 1)
        #expect(try await again.history(RunID(2), from: 1).isEmpty)
        await again.close()
        withExtendedLifetime(directory) {}
    }

    @Test func `a failure that nobody foresaw stops all later commits`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await open(directory) { $0.readerThreads = 1 }
        let epoch = try await store.claim(.only, wallMillis: 0)
        // The reader has prepared its statements when it answers, so only the writer is hit.
        #expect(try await store.run(RunID(2)) == nil)
        try connection(directory).execute("DROP TABLE payloads")
        let lost = epoch.batch(1) { batch in
            batch.payloads = [Rows.payload(PayloadID(1), of: RunID(1), bytes: [1])]
        }
        #expect(await store.commit(lost).isUnknown)
        #expect(await store.commit(epoch.batch(2) { $0.runs = [Rows.run(RunID(2))] }).isUnknown)
        await #expect { _ = try await store.claim(.only, wallMillis: 0) } throws: {
            ($0 as? StoreError)?.message.contains("Restart the server") == true
        }
        #expect(try await store.run(RunID(2)) == nil)
        await store.close()
        withExtendedLifetime(directory) {}
    }

    @Test func `the write-ahead log is copied beside the commits and does not grow for ever`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let store = try await open(directory) { $0.checkpointPages = 20 }
        let epoch = try await store.claim(.only, wallMillis: 0)
        var mostPages = 0
        for number in UInt32(1)...400 {
            let batch = epoch.batch(UInt64(number)) { batch in
                batch.runs = [Rows.run(RunID(number), blob: [UInt8](repeating: 1, count: 4000))]
                batch.history = [Rows.history(RunID(number), 1)]
            }
            #expect(await store.commit(batch) == .committed)
            mostPages = max(mostPages, store.statistics.loggedPages)
        }
        // 400 commits log some 6 pages each; without restarts the log would hold all of them.
        #expect(store.statistics.checkpoints > 2)
        #expect(store.statistics.checkpointFailure == nil)
        #expect(mostPages < 1200)
        await store.close()
        #expect(try connection(directory).integer("SELECT count(*) FROM runs") == 400)
        withExtendedLifetime(directory) {}
    }

    @Test func `queries beyond the limit are refused and those within are answered`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await open(directory) { configuration in
            configuration.readerThreads = 1
            configuration.maxWaitingQueries = 3
        }
        let isHeld = EndSignal()
        let mayGo = Latch()
        store.loadPayloads([]) { _ in
            isHeld.end()
            mayGo.wait()
        }
        await isHeld.wait()
        let answers = NumberTally()
        for number in 1...5 {
            store.query(.run(RunID(1))) { answer in
                switch answer {
                case .success: answers.add(number)
                case .failure(let error): answers.add(error.code == .overloaded ? -number : 0)
                }
            }
        }
        let payloadsCameToo = EndSignal()
        store.loadPayloads([]) { _ in payloadsCameToo.end() }
        mayGo.open()
        await payloadsCameToo.wait()
        #expect(answers.numbers == [-4, -5, 1, 2, 3])
        await store.close()
    }

    @Test(arguments: [(Int64.max, true), (0, false)])
    func `space is low when less than the mark is free`(
        _ mark: Int64, _ isLow: Bool
    ) async throws {
        let directory = try TemporaryDirectory()
        let store = try await open(directory) { $0.freeSpaceMarkBytes = mark }
        #expect(store.isLowOnSpace == isLow)
        #expect((store.facts.freeBytes ?? 0) > 0)
        await store.close()
    }

    @Test func `a store that is dropped writes what was handed over`() async throws {
        let directory = try TemporaryDirectory()
        let tally = OutcomeTally()
        do {
            let store = try await open(directory)
            let epoch = try await store.claim(.only, wallMillis: 0)
            for number in UInt32(1)...20 {
                store.commit(epoch.batch(UInt64(number)) { $0.runs = [Rows.run(RunID(number))] }) {
                    tally.add($0)
                }
            }
        }
        let again = try await openWhenFree(directory)
        #expect(try await again.runs(in: "shop").count == 20)
        #expect(tally.outcomes.count == 20)
        await again.close()
    }

    /// Opens as soon as the last holder lets go; its thread is on the way out.
    private func openWhenFree(_ directory: TemporaryDirectory) async throws -> SQLiteStore {
        while true {
            do {
                return try await open(directory)
            } catch let error as StoreError where error.code == .locked {
                await Task.yield()
            }
        }
    }
}
