#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif
import Coordination
import Testing

@testable import Store

/// What a start says when it cannot have its data directory.
@Suite struct DataDirectoryTests {
    private func failure(of directory: String, maxPages: Int? = nil) async -> StoreError? {
        var configuration = SQLiteStore.Configuration(directory: directory)
        configuration.maxPages = maxPages
        do {
            let store = try await SQLiteStore.open(configuration)
            await store.close()
            return nil
        } catch {
            return error
        }
    }

    private func connection(_ directory: TemporaryDirectory) throws -> SQLiteConnection {
        try SQLiteConnection(
            path: "\(directory.path)/cadre.sqlite", access: .create, busyMillis: 500)
    }

    @Test func `missing directories are created for this user only`() async throws {
        let base = try TemporaryDirectory()
        let path = "\(base.path)/a/b/c"
        #expect(await failure(of: path + "//") == nil)
        var status = stat()
        for directory in ["a", "a/b", "a/b/c"] {
            #expect(stat("\(base.path)/\(directory)", &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700)
        }
        #expect(stat("\(path)/cadre.sqlite", &status) == 0)
    }

    @Test func `a directory below a file is not writable, and the message says so`() async throws {
        let base = try TemporaryDirectory()
        let file = "\(base.path)/file"
        close(creat(file, 0o600))
        for path in [file, "\(file)/data", "\(file)/deeper/data"] {
            let error = await failure(of: path)
            #expect(error?.code == .notWritable)
            #expect(error?.message.contains(file) == true)
            #expect(error?.message.contains("--data") == true)
        }
    }

    #if os(Linux)
        @Test func `a file system that takes no files is not writable`() async throws {
            #expect(await failure(of: "/proc/cadre/data")?.code == .notWritable)
            #expect(await failure(of: "/proc")?.code == .notWritable)
        }
    #endif

    @Test func `a directory that this process holds already is locked`() async throws {
        let directory = try TemporaryDirectory()
        let store = try await SQLiteStore.open(.init(directory: directory.path))
        let error = await failure(of: directory.path)
        #expect(error?.code == .locked)
        let expected =
            "\(directory.path) is held by another cadre server (pid \(getpid())). "
            + "Stop it or pass another --data directory"
        #expect(error?.message == expected)
        await store.close()
        // A child that another test starts at this moment has the lock too, until it runs its program.
        var tries = 0
        while tries < 100, await failure(of: directory.path)?.code == .locked { tries += 1 }
        #expect(await failure(of: directory.path) == nil)
    }

    @Test(.enabled(if: LockHolder.isAvailable, "needs flock(1)"))
    func `a directory that another process holds is locked until that process ends`() async throws {
        let directory = try TemporaryDirectory()
        let holder = try await LockHolder(file: "\(directory.path)/cadre.lock")
        let error = await failure(of: directory.path)
        #expect(error?.code == .locked)
        #expect(error?.message.contains("held by another cadre server. Stop it") == true)
        await holder.kill()
        #expect(await failure(of: directory.path) == nil)
    }

    @Test func `a store of a newer version is refused and left as it is`() async throws {
        let directory = try TemporaryDirectory()
        #expect(await failure(of: directory.path) == nil)
        try connection(directory).execute("PRAGMA user_version = 4711")
        let error = await failure(of: directory.path)
        #expect(error?.code == .newerVersion)
        #expect(error?.message.contains("version 4711") == true)
        #expect(error?.message.contains("up to \(SQLiteSchema.latestVersion)") == true)
        #expect(error?.message.contains("Start the newer server again") == true)
        #expect(try connection(directory).integer("PRAGMA user_version") == 4711)
    }

    @Test func `a database of another program is refused and left as it is`() async throws {
        let directory = try TemporaryDirectory()
        try connection(directory).execute("CREATE TABLE theirs (a)")
        let error = await failure(of: directory.path)
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("another program") == true)
        let tables = "SELECT count(*) FROM sqlite_schema"
        #expect(try connection(directory).integer(tables) == 1)
    }

    @Test func `a file that is no database is refused`() async throws {
        let directory = try TemporaryDirectory()
        let file = open("\(directory.path)/cadre.sqlite", O_CREAT | O_WRONLY, 0o600)
        let text = String(repeating: "this is not a database. ", count: 100)
        #expect(write(file, text, text.utf8.count) == text.utf8.count)
        close(file)
        let error = await failure(of: directory.path)
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("backup") == true)
    }

    @Test func `a disk too full for the tables is told as full`() async throws {
        // The limit is set after the tables exist, so they are made by hand up to the limit here.
        let directory = try TemporaryDirectory()
        let small = try connection(directory)
        try small.execute("PRAGMA page_size = 8192; PRAGMA max_page_count = 3")
        #expect { try small.prepareForWriting(cacheKibibytes: 100) } throws: {
            ($0 as? StoreError)?.code == .full
        }
    }
}
