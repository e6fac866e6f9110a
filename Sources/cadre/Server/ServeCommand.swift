import ArgumentParser
import Foundation
import Threads

/// Serves until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve gRPC and the console until SIGTERM, SIGHUP or Ctrl-C.",
        discussion: """
            Settings come from flags, the environment (CADRE_GRPC_PORT for --grpc-port, and so on) \
            and a YAML file, in this order of weight; those in force are printed at the start.
            SIGTERM drains, and so does SIGHUP unless nohup ignores it: health goes to NOT_SERVING, new connections are refused and clients are \
            sent elsewhere, open calls may end within --grace, open runs stay on disk and go on at \
            the next start. Another signal (Ctrl-C twice) ends the grace at once; what was \
            acknowledged is on disk all the same.
            """)

    @OptionGroup var options: SettingsOptions

    func run() async throws {
        ProcessMemory.returnLargeBlocks()
        try await reporting {
            let settings: Settings
            do {
                settings = try options.settings()
            } catch {
                throw Failed("\(error)", exitCode: EX_CONFIG)
            }
            let server = try await CadreServer.start(settings)
            let line =
                "cadre \(CadreVersion.current) serving gRPC on \(server.grpcAddress), "
                + "console on http://\(server.consoleAddress)"
            try await server.serveUntilSignal(announcing: line)
        }
    }
}
