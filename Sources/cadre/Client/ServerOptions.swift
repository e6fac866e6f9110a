import ArgumentParser
import Foundation
import GRPC
import NIOPosix
import Stubs

/// How a result is printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    /// For people: aligned columns.
    case table
    /// For programs: one JSON value.
    case json
}

/// What every client verb takes.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server, HOST:PORT. Default 127.0.0.1:50051, or CADRE_SERVER when set.",
            valueName: "host:port"))
    var server: String?

    @Option(help: "The namespace of the call. Default: default, or CADRE_NAMESPACE when set.")
    var namespace: String?

    @Option(name: [.short, .customLong("output")], help: "table or json.")
    var output: OutputFormat = .table

    @Option(
        help: ArgumentHelp(
            "Gives up after this many seconds. Default 120; watches go on for ever.",
            valueName: "seconds"))
    var timeout: Double?

    func validate() throws {
        if let timeout, !(timeout > 0 && timeout <= 86_400) {
            throw ValidationError("--timeout must be over 0 and at most 86400 seconds")
        }
        _ = try address()
    }

    /// The address asked for, from the flag, the environment or the default.
    func address() throws -> ServerAddress {
        if let server { return try ServerAddress(server, from: "--server") }
        let given = ProcessInfo.processInfo.environment.filled("CADRE_SERVER")
        return try ServerAddress(given ?? "127.0.0.1:50051", from: "CADRE_SERVER")
    }

    /// What goes with each call.
    var callOptions: CallOptions { options(timeout: timeout ?? 120) }

    /// What goes with a call that tells what happens as long as somebody listens.
    var watchOptions: CallOptions { options(timeout: timeout) }

    private func options(timeout: Double?) -> CallOptions {
        var options = CallOptions()
        if let timeout { options.timeout = .milliseconds(Duration.wholeMillis(timeout)) }
        let name = namespace ?? ProcessInfo.processInfo.environment.filled("CADRE_NAMESPACE")
        if let name { options.metadata.add("cadre-namespace", name) }
        return options
    }

    /// Opens a connection for the length of `body`; prints a failed call and exits as documented.
    func withClient(_ body: (GRPCClient) async throws -> Void) async throws {
        let address = try address()
        let client = GRPCClient(
            host: address.host, port: address.port, group: MultiThreadedEventLoopGroup.singleton)
        do {
            try await body(client)
            await client.close()
        } catch let status as GRPCStatus {
            await client.close()
            throw Failed(status)
        } catch {
            await client.close()
            throw error
        }
    }
}

/// A call that failed, on its way to the exit code.
struct Failed: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32

    /// Describes an RPC status. An answer of a server's is one, UNAVAILABLE too (an open breaker, no
    /// live agent, a drain): only a call that no server answered has an exit code of its own.
    init(_ status: GRPCStatus) {
        description = "\(status)".visible + Self.lines(status.badFields)
        exitCode = status.isConnectionFailure ? EX_UNAVAILABLE : 1
    }

    /// As ``init(_:)``, with what can be done about it.
    init(_ status: GRPCStatus, _ advice: String) {
        let failed = Failed(status)
        description = "\(failed.description); \(advice.visible)"
        exitCode = failed.exitCode
    }

    /// A line for each bad field when there are several: a message has room for the first of them.
    private static func lines(_ fields: [GRPCStatus.BadField]) -> String {
        guard fields.count > 1 else { return "" }
        return fields.map { field in
            let words = [field.path, field.problem].filter { !$0.isEmpty }
            return "\n  " + words.joined(separator: " ").visible
        }.joined()
    }

    /// Describes what is wrong with the content of a file.
    init(content message: String) { self.init(message, exitCode: EX_DATAERR) }

    /// Describes something else that went wrong.
    init(_ message: String, exitCode: Int32 = 1) {
        description = message.visibleLines
        self.exitCode = exitCode
    }
}

/// Runs a command's body; a failure goes to standard error, then its exit code is taken.
func reporting(_ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch let failed as Failed {
        FileHandle.standardError.write(Data("cadre: \(failed)\n".utf8))
        throw ExitCode(failed.exitCode)
    }
}
