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

    /// One fact: a text, a number or a flag.
    private enum Fact {
        case text(String)
        case number(Int64)
        case flag(Bool)

        /// An instant, milliseconds since 1970; 0: there was none yet.
        static func instant(_ millis: Int64) -> Fact {
            .text(millis == 0 ? "never" : Instant.text(millis))
        }

        var shown: String {
            switch self {
            case .text(let text): text
            case .number(let number): "\(number)"
            case .flag(let flag): "\(flag)"
            }
        }

        func write(_ name: String, to writer: inout JSONWriter) {
            switch self {
            case .text(let text): writer.member(name, text)
            case .number(let number): writer.member(name, number)
            case .flag(let flag): writer.member(name, flag)
            }
        }
    }

    private func facts(_ info: GetInfoResponse) -> [(name: String, fact: Fact)] {
        [
            ("version", .text(info.version)), ("started", .instant(info.startedUnixMillis)),
            ("epoch", .number(Int64(info.epoch))), ("open_runs", .number(info.openRuns)),
            ("agents", .number(info.agents)), ("draining", .flag(info.draining)),
            ("store_bytes", .number(info.storeBytes)), ("log_bytes", .number(info.logBytes)),
            ("last_backup", .instant(info.lastBackupUnixMillis)),
            ("retention_millis", .number(info.retentionMillis)),
            ("pruned_runs", .number(info.prunedRuns)), ("request_ids", .number(info.requestIDs)),
            ("request_ids_forgotten_early", .number(info.requestIDsForgottenEarly)),
        ]
    }

    private func show(_ info: GetInfoResponse) {
        if server.output == .json {
            return printJSON { writer in
                for (name, fact) in facts(info) { fact.write(name, to: &writer) }
                writer.key("configuration")
                writer.beginObject()
                for setting in info.configuration { writer.member(setting.key, setting.value) }
                writer.endObject()
            }
        }
        var table = TextTable("NAME", "VALUE")
        for (name, fact) in facts(info) { table.add(name, fact.shown) }
        for setting in info.configuration { table.add(setting.key, setting.value) }
        printVisible(table.text)
    }
}
