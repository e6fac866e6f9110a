import ArgumentParser
import JSON
import Messages
import Stubs

/// What runs there and how it is set up.
struct InfoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Print what a server is and how it is set up.")

    @OptionGroup var server: ServerOptions

    func run() async throws {
        try await reporting {
            try await server.withClient { client in
                show(
                    try await AdminServiceClient(client: client)
                        .getInfo(GetInfoRequest(), options: server.callOptions))
            }
        }
    }

    private static func text(_ millis: Int64) -> String {
        millis == 0 ? "never" : Instant.text(millis)
    }

    private func show(_ info: GetInfoResponse) {
        let facts: [(String, String)] = [
            ("version", info.version), ("started", Instant.text(info.startedUnixMillis)),
            ("epoch", "\(info.epoch)"), ("open_runs", "\(info.openRuns)"),
            ("agents", "\(info.agents)"), ("draining", "\(info.draining)"),
            ("store_bytes", "\(info.storeBytes)"), ("log_bytes", "\(info.logBytes)"),
            ("last_backup", Self.text(info.lastBackupUnixMillis)),
            ("retention_millis", "\(info.retentionMillis)"),
            ("pruned_runs", "\(info.prunedRuns)"), ("request_ids", "\(info.requestIDs)"),
            ("request_ids_forgotten_early", "\(info.requestIDsForgottenEarly)"),
        ]
        let settings = info.configuration.map { ($0.key, $0.value) }
        if server.output == .json {
            return printJSON { writer in
                for (name, value) in facts { writer.member(name, value) }
                writer.key("configuration")
                writer.beginObject()
                for (name, value) in settings { writer.member(name, value) }
                writer.endObject()
            }
        }
        var table = TextTable("NAME", "VALUE")
        for (name, value) in facts + settings { table.add(name, value) }
        print(table.text)
    }
}
