import Foundation
import Testing

/// A server that cannot start says why and what to do, with an exit code scripts can test.
struct StartFailureTests {
    /// Starts `cadre serve` on free ports; it is expected to end by itself, and killed when it
    /// serves instead.
    private func serve(_ arguments: [String]) async throws -> CadreBinary.Ended {
        let command = try CadreBinary.Command(
            ["serve", "--grpc-port", "0", "--console-port", "0", "--log", "error"] + arguments)
        try command.start()
        if let line = await command.line(containing: "serving gRPC on") {
            Issue.record("it started: \(line)")
            kill(command.process.processIdentifier, SIGKILL)
        }
        return await command.ended()
    }

    private func serve(_ arguments: String...) async throws -> CadreBinary.Ended {
        try await serve(arguments)
    }

    @Test func `a data directory held by another server is refused by name`() async throws {
        let directory = try TemporaryDirectory()
        let first = try await RunningServer.start(directory)
        let ended = try await serve("--data", directory.path("data"))
        #expect(ended.status == EX_CONFIG)
        #expect(ended.errors.contains("held by another cadre server"), "\(ended.errors)")
        #expect(await first.terminate() == 0)
    }

    @Test func `a data directory that cannot be made is refused with its path`() async throws {
        let directory = try TemporaryDirectory()
        try Data("a file".utf8).write(to: directory.url.appendingPathComponent("file"))
        let path = directory.path("file/data")
        let ended = try await serve("--data", path)
        #expect(ended.status == EX_CONFIG)
        #expect(ended.errors.contains(path), "\(ended.errors)")
    }

    @Test(arguments: ["--grpc-port", "--console-port"])
    func `a port in use is refused by number`(flag: String) async throws {
        let directory = try TemporaryDirectory()
        let first = try await RunningServer.start(directory)
        let port = flag == "--grpc-port" ? first.grpcPort : first.consolePort
        // The later of two equal options counts.
        let ended = try await serve("--data", ":memory:", flag, "\(port)")
        #expect(ended.status == EX_CONFIG)
        #expect(
            ended.errors.contains("\(port)") && ended.errors.contains("in use"), "\(ended.errors)")
        #expect(await first.terminate() == 0)
    }

    @Test func `a store that a newer server wrote is refused and left alone`() async throws {
        let directory = try TemporaryDirectory()
        let first = try await RunningServer.start(directory)
        #expect(await first.terminate() == 0)
        let file = directory.url.appendingPathComponent("data/cadre.sqlite")
        // Bytes 60 to 63 of a database file are its user version, big endian
        // (sqlite.org/fileformat2.html, section 1.3).
        var bytes = try Data(contentsOf: file)
        bytes.replaceSubrange(60..<64, with: [0, 0, 39, 15])
        try bytes.write(to: file)
        let ended = try await serve("--data", directory.path("data"))
        #expect(ended.status == EX_CONFIG)
        #expect(ended.errors.contains("9999"), "\(ended.errors)")
        #expect(try Data(contentsOf: file) == bytes)
    }

    @Test(arguments: [0, 1, 100, 4_000])
    func `a truncated list names the place where it breaks off`(count: Int) async throws {
        let directory = try TemporaryDirectory()
        let list =
            "["
            + (0..<50).map { #"{"id":"\#($0)","cd":"c\#($0)","vn":"T\#($0)","sts":1}"# }
            .joined(separator: ",") + "]"
        let url = directory.url.appendingPathComponent("list.json")
        try Data(list.utf8.prefix(min(count, list.utf8.count - 1))).write(to: url)
        let ended = try await serve(
            "--data", ":memory:", "--market", "replay:\(url.path)", "--now", "2025-06-29T15:00:00Z")
        #expect(ended.status == EX_CONFIG)
        #expect(ended.errors.contains("list.json"), "\(ended.errors)")
    }

    @Test(arguments: [
        ["--market", "replay:x.json"], ["--market", "nonsense"], ["--now", "yesterday"],
        ["--market", "replay:/nowhere/x.json", "--now", "2025-06-29T15:00:00Z"],
        ["--loops", "0"], ["--config", "/nowhere.yaml"], ["--pools", ""],
        ["--host", "nope.invalid"], ["--host", "192.0.2.1"],
    ])
    func `a wrong setting ends the start with one line about it`(arguments: [String]) async throws {
        let ended = try await serve(["--data", ":memory:"] + arguments)
        #expect(ended.status == EX_CONFIG)
        let lines = ended.errors.split(separator: "\n")
        #expect(lines.count == 1 && ended.errors.hasPrefix("cadre: "), "\(ended.errors)")
        for raw in ["SocketAddressError", "errno", "could not be completed", "Error Domain"] {
            #expect(!ended.errors.contains(raw), "\(ended.errors)")
        }
    }
}
