import ArgumentParser
import Foundation

/// The flags of the server; see ``Settings`` for meaning, range and default of each.
struct SettingsOptions: ParsableArguments {
    @Option(
        help:
            "A YAML file; its keys are the names of these flags without the dashes. CADRE_CONFIG.",
        completion: .file()
    )
    var config: String?

    @Option(help: "Address both ports listen on. CADRE_HOST. (default: 127.0.0.1)")
    var host: String?

    @Option(help: "gRPC port; 0 lets the system choose. CADRE_GRPC_PORT. (default: 50051)")
    var grpcPort: String?

    @Option(help: "Port of /metrics, /healthz, /readyz. CADRE_CONSOLE_PORT. (default: 9464)")
    var consolePort: String?

    @Option(
        help: ArgumentHelp(
            "Directory of the store; :memory: keeps nothing. CADRE_DATA. (default: cadre-data)",
            valueName: "dir"), completion: .directory)
    var data: String?

    @Option(
        help: ArgumentHelp(
            "simulator, simulator:SEED@SPEED, replay:FILE or a base URL. CADRE_MARKET. (default: simulator)",
            valueName: "source"))
    var market: String?

    @Option(
        help: ArgumentHelp(
            "The instant of a replay, or that the simulator begins at: 2025-06-29T15:00:00Z. CADRE_NOW.",
            valueName: "instant"))
    var now: String?

    @Option(help: "Socket loops. CADRE_LOOPS. (default: one per processor)")
    var loops: String?

    @Option(
        help: ArgumentHelp(
            "Time for open calls to end after SIGTERM; a second one ends it. CADRE_GRACE. (default: 10)",
            valueName: "seconds"))
    var grace: String?

    @Option(
        help: "\(Settings.logLevels.joined(separator: ", ")). CADRE_LOG. (default: info)",
        completion: .list(Settings.logLevels))
    var log: String?

    @Option(
        help: ArgumentHelp(
            "How long runs are kept after their end: 36h, 7d, forever. CADRE_RETENTION. (default: 7d)",
            valueName: "time"))
    var retention: String?

    @Flag(help: "Adds the agent `echo`, which answers what it is asked. CADRE_ECHO.")
    var withEcho = false

    @Option(
        help: ArgumentHelp(
            "Directory of workflow definitions, watched for changes. CADRE_DEFINITIONS.",
            valueName: "dir"), completion: .directory)
    var definitions: String?

    @Option(
        help: ArgumentHelp(
            "Instances of own agent types: mexc-api=1..4,idle=60,queue=100;calendar=0..2. CADRE_POOLS.",
            valueName: "pools"))
    var pools: String?

    /// The settings in force, from file, environment and flags.
    func settings() throws(Settings.Fault) -> Settings {
        let environment = ProcessInfo.processInfo.environment
        let given: [(String, String?)] = [
            ("host", host), ("grpc-port", grpcPort), ("console-port", consolePort),
            ("data", data), ("market", market), ("now", now),
            ("loops", loops), ("grace", grace), ("log", log),
            ("retention", retention), ("echo", withEcho ? "true" : nil),
            ("definitions", definitions), ("pools", pools),
        ]
        let flags = given.compactMap { name, text in text.map { (name, $0) } }
        if config?.isEmpty == true { throw Settings.Fault.empty("config") }
        return try Settings.read(
            file: config ?? environment.filled("CADRE_CONFIG"), environment: environment,
            flags: flags)
    }
}
