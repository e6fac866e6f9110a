import Foundation
import JSON
import Testing

/// The operator's verbs against a real server and its real store.
struct AdminVerbTests {
    private func json(_ ended: CadreBinary.Ended) throws -> JSONView {
        #expect(ended.status == 0, "\(ended.errors)")
        return try JSONDocument(parsing: Array(ended.output.utf8)).root
    }

    private func with(
        _ directory: TemporaryDirectory, _ body: (RunningServer) async throws -> Void
    ) async throws {
        let server = try await RunningServer.start(directory)
        do {
            try await body(server)
        } catch {
            server.kill()
            throw error
        }
        #expect(await server.terminate() == 0)
    }

    @Test func `a backup of a working server is served by another one`() async throws {
        let directory = try TemporaryDirectory()
        let file = directory.path("backup.sqlite")
        var run = ""
        var epoch: Int64 = 0
        try await with(directory) { server in
            let ended = try json(
                try await server.cadre(
                    "workflow", "run", "calendar-discovery", "--wait", "-o", "json"))
            run = try #require(ended["run_id"]?.string)
            let verified = try json(try await server.cadre("admin", "verify", "-o", "json"))
            #expect(verified["problems"]?.count == 0)
            let backup = try json(try await server.cadre("admin", "backup", file, "-o", "json"))
            let size = FileManager.default.contents(atPath: file).map { Int64($0.count) }
            #expect(backup["bytes"]?.int64 == size)
            let again = try await server.cadre("admin", "backup", file)
            #expect(again.status != 0 && again.errors.contains("exists"))
            let info = try json(try await server.cadre("info", "-o", "json"))
            epoch = try #require(info["epoch"]?.int64)
            #expect(info["last_backup"]?.string != "never")
            #expect((info["store_bytes"]?.int64 ?? 0) > 0)
            #expect(info["retention_millis"]?.int64 == 604_800_000)
        }
        let other = try TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: other.path("data"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            atPath: file, toPath: other.path("data") + "/cadre.sqlite")
        try await with(other) { server in
            let list = try json(try await server.cadre("workflow", "list", "-o", "json"))
            #expect(list["runs"]?[0]?["run_id"]?.string == run)
            #expect(list["runs"]?[0]?["status"]?.string == "completed")
            let info = try json(try await server.cadre("info", "-o", "json"))
            #expect((info["epoch"]?.int64 ?? 0) > epoch)
            let verified = try json(try await server.cadre("admin", "verify", "-o", "json"))
            #expect(verified["problems"]?.count == 0)
        }
    }

    @Test func `a drained server refuses new work, says so, and stops well`() async throws {
        try await with(try TemporaryDirectory()) { server in
            let drained = try json(try await server.cadre("admin", "drain", "-o", "json"))
            #expect(drained["drained"]?.bool == true)
            #expect(drained["open_runs"]?.int64 == 0)
            let refused = try await server.cadre("workflow", "run", "calendar-discovery")
            #expect(refused.status != 0)
            #expect(refused.errors.contains("takes no new work"))
            let info = try json(try await server.cadre("info", "-o", "json"))
            #expect(info["draining"]?.bool == true)
            #expect(try await server.cadre("admin", "drain").status == 0)
        }
    }

    @Test func `a server in memory says that there is nothing to back up`() async throws {
        let directory = try TemporaryDirectory()
        let command = try CadreBinary.Command(
            [
                "serve", "--grpc-port", "0", "--console-port", "0", "--log", "warning",
                "--loops", "1", "--data", ":memory:",
            ])
        try command.start()
        let line = try #require(await command.line(containing: "serving gRPC on"))
        let ports = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        let address = "127.0.0.1:\(try #require(ports.dropLast(5).last))"
        let file = directory.path("backup.sqlite")
        let refused = try await CadreBinary.run(["admin", "backup", file, "--server", address])
        #expect(refused.status == 1 && refused.errors.contains("--data"))
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(!FileManager.default.fileExists(atPath: file + ".part"))
        command.process.terminate()
        #expect(await command.ended().status == 0)
    }
}
