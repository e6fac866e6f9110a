#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Coordination
import Testing
import Threads

@testable import Store

/// Backups are good, consistent and made beside the commits; a check finds damage.
@Suite struct BackupTests {
    private func filled(_ directory: TemporaryDirectory, runs: UInt32) async throws -> SQLiteStore {
        let store = try await SQLiteStore.open(.init(directory: directory.path))
        let epoch = try await store.claim(.only, wallMillis: 50_000)
        let batch = epoch.batch(1) { batch in
            for number in 1...runs {
                batch.runs.append(Rows.run(RunID(number)))
                batch.history.append(Rows.history(RunID(number), 1))
                batch.payloads.append(
                    Rows.payload(
                        PayloadID(number), of: RunID(number),
                        bytes: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 900)))
            }
            batch.entities = [Rows.entity("a")]
        }
        #expect(await store.commit(batch) == .committed)
        return store
    }

    private func copy(_ store: SQLiteStore) async throws -> any StoreCopy {
        try await withCheckedThrowingContinuation { continuation in
            store.backUp { continuation.resume(with: $0) }
        }
    }

    private func bytes(of copy: any StoreCopy, pieces: Int = 100_000) async throws -> [UInt8] {
        var all: [UInt8] = []
        while true {
            let piece: [UInt8] = try await withCheckedThrowingContinuation { continuation in
                copy.read(upTo: pieces) { continuation.resume(with: $0) }
            }
            #expect(piece.count <= pieces)
            if piece.isEmpty { return all }
            all += piece
        }
    }

    private func write(_ bytes: [UInt8], to path: String) {
        let file = creat(path, 0o600)
        #expect(writeFile(file, bytes, bytes.count) == bytes.count)
        close(file)
    }

    private func verdict(_ store: SQLiteStore) async throws -> StoreVerdict {
        try await withCheckedThrowingContinuation { continuation in
            store.verify { continuation.resume(with: $0) }
        }
    }

    @Test func `a backup made beside commits holds one moment and starts as a server's store`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let store = try await filled(directory, runs: 200)
        // Batches of two runs each go on while the copy is made: it must hold both or neither.
        let epoch = try await store.claim(.only, wallMillis: 60_000)
        let isCopied = Locked(false)
        async let copied = copy(store)
        var number: UInt32 = 0
        repeat {
            number += 1
            let (odd, even) = (RunID(1_000 + 2 * number), RunID(1_001 + 2 * number))
            let batch = epoch.batch(UInt64(number)) {
                $0.runs = [Rows.run(odd), Rows.run(even)]
            }
            #expect(await store.commit(batch) == .committed)
            if number == 20 { isCopied.withLock { $0 = true } }
        } while !isCopied.snapshot
        let copy = try await copied
        #expect(store.facts.lastBackupMillis != nil)
        let bytes = try await bytes(of: copy)
        #expect(Int64(bytes.count) == copy.byteCount)
        copy.close()
        #expect(SQLiteDirectory.size(of: "\(directory.path)/cadre.sqlite-backup") == 0)

        let restored = try TemporaryDirectory()
        write(bytes, to: "\(restored.path)/cadre.sqlite")
        let again = try await SQLiteStore.open(.init(directory: restored.path))
        #expect(try await verdict(again).problems.isEmpty)
        let page = try await again.recoverAll()
        let runs = page.flatMap(\.openRuns)
        #expect(runs.prefix(200).map(\.run) == (1...200).map { RunID($0) })
        #expect(runs.count % 2 == 0)
        #expect(page.flatMap(\.entities) == [Rows.entity("a")])
        #expect(try await again.loadPayloads([PayloadID(7)])[PayloadID(7)]?.bytes.count == 900)
        // The original claims on; the restored one never reuses what the original had.
        let next = try await store.claim(.only, wallMillis: 70_000)
        let other = try await again.claim(.only, wallMillis: 71_000)
        #expect(other > next)
        #expect(other >= Epoch(rawValue: 71))
        await again.close()
        await store.close()
    }

    @Test func `nobody else may read the store, what stands beside it, or a backup`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await filled(directory, runs: 5)
        let copy = try await copy(store)
        for file in ["lock", "sqlite", "sqlite-wal", "sqlite-shm", "sqlite-backup"] {
            var status = stat()
            #expect(stat("\(directory.path)/cadre.\(file)", &status) == 0, "\(file)")
            #expect(status.st_mode & 0o777 == 0o600, "\(file)")
        }
        copy.close()
        await store.close()
    }

    @Test func `one backup at a time, and the next when it is closed`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await filled(directory, runs: 5)
        let first = try await copy(store)
        await #expect(throws: StoreError.backupUnderWay) { _ = try await copy(store) }
        first.close()
        first.close()
        let second = try await copy(store)
        #expect(try await bytes(of: second, pieces: 1 << 20).count == Int(second.byteCount))
        second.close()
        await #expect(throws: StoreError.closed) { _ = try await bytes(of: second) }
        await store.close()
    }

    @Test func `what a crash left of a backup is removed at the next start`() async throws {
        let directory = try TemporaryDirectory()
        write([1, 2, 3], to: "\(directory.path)/cadre.sqlite-backup")
        let store = try await SQLiteStore.open(.init(directory: directory.path))
        #expect(SQLiteDirectory.size(of: "\(directory.path)/cadre.sqlite-backup") == 0)
        #expect(store.facts.storeBytes > 0)
        await store.close()
    }

    @Test func `a damaged page is found, and no backup is made of it`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await filled(directory, runs: 2_000)
        await store.close()
        let path = "\(directory.path)/cadre.sqlite"
        let file = open(path, O_RDWR)
        let noise = [UInt8](repeating: 0xa5, count: 4_096)
        for page in 60..<100 { pwrite(file, noise, noise.count, off_t(page * 8_192)) }
        close(file)
        let damaged = try await SQLiteStore.open(.init(directory: directory.path))
        #expect(try await !verdict(damaged).problems.isEmpty)
        let refusal = await #expect(throws: StoreError.self) { _ = try await copy(damaged) }
        #expect(refusal?.code == .corrupt, "\(refusal?.message ?? "")")
        #expect(damaged.facts.lastBackupMillis == nil)
        #expect(SQLiteDirectory.size(of: path + "-backup") == 0)
        await damaged.close()
    }

    /// The head of the file, and the table of tables behind it.
    @Test(arguments: [0, 100])
    func `damage that the check cannot get past is a verdict in the database's words`(
        at offset: Int
    ) async throws {
        let directory = try TemporaryDirectory()
        let first = try await filled(directory, runs: 5)
        await first.close()
        let store = try await SQLiteStore.open(.init(directory: directory.path))
        let file = open("\(directory.path)/cadre.sqlite", O_RDWR)
        pwrite(file, [UInt8](repeating: 0xa5, count: 60), 60, off_t(offset))
        close(file)
        let problems = try await verdict(store).problems
        #expect(problems.count == 1)
        #expect(problems.first?.contains("SQLite code") == true, "\(problems)")
        let refusal = await #expect(throws: StoreError.self) { _ = try await copy(store) }
        #expect(refusal?.code == .corrupt, "\(refusal?.message ?? "")")
        await store.close()
    }

    @Test(arguments: [778, 1_546, 4_618, 4_874, 5_386] as [Int32])
    func `a file that cannot grow has a cause and a remedy`(code: Int32) {
        let failure = SQLiteFailure(code: code, message: "disk I/O error", doing: "opening")
        let message = StoreError(failure, file: "cadre.sqlite").message
        #expect(message.contains("disk is full") && message.contains("Free some space"))
        #expect(message.contains("SQLite code \(code)"))
    }

    @Test func `a store in memory says that there is nothing to back up`() async throws {
        let store = try InMemoryStore()
        await #expect(throws: StoreError.noFile) {
            let _: any StoreCopy = try await withCheckedThrowingContinuation { continuation in
                store.backUp { continuation.resume(with: $0) }
            }
        }
        await store.close()
    }
}

// The C function, whose name a method above hides.
private func writeFile(_ file: Int32, _ bytes: [UInt8], _ count: Int) -> Int {
    write(file, bytes, count)
}
