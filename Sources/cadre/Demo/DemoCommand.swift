import ArgumentParser
import Foundation
import GRPC
import Messages
import NIOPosix
import Stubs
import Threads

/// Shows what Cadre does, offline: starts what it needs and runs a workflow through real gRPC.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run the calendar-discovery workflow and watch it, offline.",
        discussion: """
            Starts a server on the simulated exchange, runs the workflow through gRPC, prints what \
            happens while it happens and a table at the end, and exits 0. Without --keep-serving \
            the ports are free ones and nothing is kept, whatever the environment and the file \
            say; only flags change that.
            """)

    @Flag(help: "Go on serving on the usual ports until Ctrl-C.")
    var keepServing = false

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        ProcessMemory.returnLargeBlocks()
        try await reporting {
            let settings = try demoSettings()
            let server = try await CadreServer.start(settings)
            StandardOutput.announce("cadre \(CadreVersion.current) serves")
            StandardOutput.announce("  gRPC     \(server.grpcAddress)")
            StandardOutput.announce("  console  http://\(server.consoleAddress)/\n")
            do {
                try await Demonstration(port: server.grpcPort, host: settings.host).run()
            } catch {
                await server.stop()
                throw (error as? GRPCStatus).map(Failed.init) ?? error
            }
            if keepServing {
                try await server.serveUntilSignal(
                    announcing: "\nserving until Ctrl-C; try: "
                        + Self.advice(settings, port: server.grpcPort))
            } else {
                await server.stop()
            }
        }
    }

    /// A command that reaches the server; where it is, unless clients look there anyway.
    static func advice(_ settings: Settings, port: Int) -> String {
        var settings = settings
        settings.host = Demonstration.reachable(settings.host)
        let address = settings.authority(port: port)
        let isUsual = address == "127.0.0.1:50051"
        return "\(CommandLine.arguments[0]) workflow list"
            + (isUsual ? "" : " --server \(address)")
    }

    /// Free ports and no files, unless asked to stay or told otherwise.
    private func demoSettings() throws -> Settings {
        var settings: Settings
        do {
            settings = try options.settings()
        } catch {
            throw Failed("\(error)", exitCode: EX_CONFIG)
        }
        guard !keepServing else { return settings }
        if options.grpcPort == nil { settings.grpcPort = 0 }
        if options.consolePort == nil { settings.consolePort = 0 }
        if options.data == nil { settings.data = ":memory:" }
        if options.log == nil { settings.logLevel = "warning" }
        return settings
    }
}

/// The part of the demo that is a client like any other.
struct Demonstration {
    let port: Int
    let host: String

    /// Where a server that listens at `host` is reached from this machine.
    static func reachable(_ host: String) -> String {
        ["0.0.0.0": "127.0.0.1", "::": "::1"][host] ?? host
    }

    /// Starts the workflow, prints its events as they come, then its result.
    func run() async throws {
        let client = GRPCClient(
            host: Self.reachable(host), port: port, group: MultiThreadedEventLoopGroup.singleton)
        do {
            try await show(WorkflowServiceClient(client: client))
            await client.close()
        } catch {
            await client.close()
            throw error
        }
    }

    private func show(_ workflows: WorkflowServiceClient) async throws {
        var options = CallOptions()
        options.timeout = .seconds(90)
        var start = StartRunRequest()
        start.workflow = "calendar-discovery"
        let run = try await workflows.startRun(start, options: options).runID
        StandardOutput.announce("calendar-discovery started as run \(run)")
        var watch = WatchRunRequest()
        watch.run = RunReference(by: .runID(run))
        for try await update in try await workflows.watchRun(watch, options: options) {
            switch update.update {
            case .event(let event): StandardOutput.announce("  \(event.line.visible)")
            case .closed(let closed): try finish(closed)
            case .continuedRunID, nil: break
            }
        }
    }

    private func finish(_ closed: RunClosed) throws {
        let run = closed.run ?? Run()
        guard run.status == .completed, let result = closed.result else {
            throw Failed("the run ended as \(run.status.word): \(run.failure?.message ?? "")")
        }
        StandardOutput.announce("\n" + (try DiscoveryReport(result.data)).text)
        StandardOutput.announce(
            "\nrun \(run.runID) \(run.status.word) in \(RunReport.duration(run))")
    }
}
