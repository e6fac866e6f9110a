import Foundation
import GRPC
import NIOPosix
import Stubs
import Testing

/// A server of the real binary on free ports, with a data directory of its own.
struct RunningServer {
    let command: CadreBinary.Command
    let grpcPort: Int
    let consolePort: Int

    /// Starts `cadre serve` and waits until it says where it serves.
    static func start(
        _ directory: TemporaryDirectory, _ arguments: [String] = []
    ) async throws -> RunningServer {
        let command = try CadreBinary.Command(
            [
                "serve", "--grpc-port", "0", "--console-port", "0", "--log", "warning",
                "--loops", "1", "--data", directory.path("data"),
            ] + arguments)
        try command.start()
        guard let line = await command.line(containing: "serving gRPC on") else {
            let ended = await command.ended()
            throw StartFailure(text: ended.errors)
        }
        let ports = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        // "… gRPC on 127.0.0.1:PORT, console on http://127.0.0.1:PORT"
        let grpc = try #require(ports.dropLast(5).last)
        let console = try #require(ports.last)
        return RunningServer(command: command, grpcPort: grpc, consolePort: console)
    }

    struct StartFailure: Error { let text: String }

    var address: String { "127.0.0.1:\(grpcPort)" }

    func kill() { Foundation.kill(command.process.processIdentifier, SIGKILL) }

    /// Asks it to stop and gives its exit status.
    func terminate() async -> Int32 {
        command.process.terminate()
        return await command.ended().status
    }

    /// A client verb against this server.
    func cadre(_ arguments: String...) async throws -> CadreBinary.Ended {
        try await CadreBinary.run(arguments + ["--server", address])
    }

    func withClient<T>(_ body: (GRPCClient) async throws -> T) async throws -> T {
        let client = GRPCClient(
            host: "127.0.0.1", port: grpcPort, group: MultiThreadedEventLoopGroup.singleton)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }
}

/// A directory that goes with its value.
final class TemporaryDirectory: Sendable {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory
            .appendingPathComponent("cadre-e2e-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }
}

/// The recorded market data that lies beside a checkout, or where `CADRE_SHARED_DATA` says.
enum RecordedData {
    static let directory: URL? = {
        let given = ProcessInfo.processInfo.environment["CADRE_SHARED_DATA"]
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let url =
            given.map { URL(fileURLWithPath: $0) }
            ?? root.deletingLastPathComponent().appendingPathComponent("shared/data")
        let isThere = FileManager.default.fileExists(
            atPath: url.appendingPathComponent("mexc").path)
        if !isThere {
            print("SKIPPED: recorded market data is not at \(url.path); set CADRE_SHARED_DATA")
        }
        return isThere ? url : nil
    }()

    static var isThere: Bool { directory != nil }

    static func file(_ name: String) throws -> String {
        try #require(directory).appendingPathComponent("mexc/\(name)").path
    }
}
