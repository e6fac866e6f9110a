import AgentKit
import Console
import Coordination
import Engine
import Foundation
import GRPC
import Logging
import MexcPack
import NIOCore
import NIOPosix
import ServiceLifecycle
import Services
import Store
import Stubs
import Telemetry
import Threads

/// A whole server: store, engine, agents, socket loops, services and console, put together here
/// and nowhere else.
final class CadreServer: Service {
    /// Where gRPC is served.
    let grpcPort: Int
    let grpcAddress: String
    /// Where /metrics, /healthz and /readyz are served.
    let consoleAddress: String

    private let settings: Settings
    private let parts: ServerParts
    private let teardown: Teardown
    private let log: Logger

    private init(
        settings: Settings, parts: ServerParts, grpcPort: Int, consolePort: Int,
        teardown: Teardown, log: Logger
    ) {
        self.settings = settings
        self.parts = parts
        self.grpcPort = grpcPort
        self.teardown = teardown
        self.log = log
        grpcAddress = settings.authority(port: grpcPort)
        consoleAddress = settings.authority(port: consolePort)
    }

    /// Opens the store, recovers, and serves.
    ///
    /// - Throws: ``Failed`` with what is wrong and what to do; everything begun is undone.
    static func start(_ settings: Settings) async throws -> CadreServer {
        let log = ServerLog.make(level: settings.logLevel)
        let teardown = Teardown()
        do {
            return try await ServerAssembly(settings, log, teardown).start()
        } catch {
            await teardown.run()
            throw Failed(startFailure: error)
        }
    }

    /// Combines what an assembly has started.
    convenience init(
        assembled parts: ServerParts, _ assembly: ServerAssembly, grpcPort: Int, consolePort: Int
    ) {
        self.init(
            settings: assembly.settings, parts: parts, grpcPort: grpcPort,
            consolePort: consolePort, teardown: assembly.teardown, log: assembly.log)
    }

    /// Serves until SIGTERM, SIGINT or SIGHUP, then drains; another one ends the grace at once.
    ///
    /// - Parameter line: printed once a signal drains: whoever waits for it may stop the server at
    ///   once.
    func serveUntilSignal(announcing line: String) async throws {
        let listener = SignalListener(line: line, grace: parts.grace, log: log)
        let group = ServiceGroup(
            configuration: .init(
                services: [
                    .init(service: self),
                    .init(service: listener, successTerminationBehavior: .gracefullyShutdownGroup),
                ], logger: log))
        try await group.run()
    }

    /// The lifecycle's view: run until told to go, or until the store cannot be trusted.
    func run() async throws {
        let fatal = parts.fatal
        await cancelWhenGracefulShutdown { await fatal.wait() }
        if let reason = fatal.reason {
            log.critical("\(reason)")
            await teardown.run()
            throw Failed("\(reason)", exitCode: EX_IOERR)
        }
        await stop()
    }

    /// Health to NOT_SERVING, open calls to their end or the grace, open runs to disk.
    func stop() async {
        log.info("draining", metadata: ["grace_seconds": "\(settings.graceSeconds)"])
        await teardown.run()
        log.info("stopped")
    }
}

/// What a running server is made of.
struct ServerParts: Sendable {
    let host: EngineHost
    let agents: AgentHost
    let fatal: FatalSignal
    let grace: Grace
}

extension Failed {
    /// Describes why a server could not start.
    init(startFailure error: any Error) {
        switch error {
        case let failed as Failed: self = failed
        case let store as StoreError: self.init(store.message, exitCode: EX_CONFIG)
        case let start as ServerStartError: self.init(start.description, exitCode: EX_CONFIG)
        case let console as ConsoleError: self.init(console.message, exitCode: EX_CONFIG)
        case let failure as StepFailure: self.init(failure.message, exitCode: EX_CONFIG)
        default: self.init("the server could not start: \(error)", exitCode: EX_CONFIG)
        }
    }
}
