import ArgumentParser
import JSON
import Messages
import Stubs

/// The operating mode: what it is, forcing it, watching it.
struct ModeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mode", abstract: "Show the operating mode, force it, watch it.",
        subcommands: [Show.self, Set.self, Watch.self])
}

extension ModeCommand {
    /// Shows the mode and what an emergency has set in motion.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the operating mode.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await BreakerServiceClient(client: client)
                        .getMode(GetModeRequest(), options: server.callOptions)
                    (response.status ?? ModeStatus()).show(server.output)
                }
            }
        }
    }

    /// Forces the mode.
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Force the operating mode, or end that.")

        @Argument(help: "normal, degraded, emergency, or auto to end what was forced.")
        var mode: ModeWord

        @Option(help: "Why; required but for auto.")
        var reason = ""

        @OptionGroup var override: OverrideOptions

        func run() async throws {
            try await reporting {
                var request = SetModeRequest()
                request.change = mode.change
                request.reason = reason
                request.durationMillis = try override.durationMillis
                request.actor = override.actor
                try await override.server.withClient { client in
                    let response = try await BreakerServiceClient(client: client)
                        .setMode(request, options: override.server.callOptions)
                    (response.status ?? ModeStatus()).show(override.server.output)
                }
            }
        }
    }

    /// Prints every change until interrupted.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the operating mode, then each change.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let updates = try await BreakerServiceClient(client: client)
                        .watchMode(WatchModeRequest(), options: server.watchOptions)
                    for try await update in updates { show(update.status ?? ModeStatus()) }
                }
            }
        }

        private func show(_ status: ModeStatus) {
            if server.output == .json {
                StandardOutput.jsonLine {
                    $0.beginObject()
                    $0.members(of: status)
                    $0.endObject()
                }
            } else {
                StandardOutput.line(status.line.visible)
            }
        }
    }
}

/// Modes as people write them.
enum ModeWord: String, ExpressibleByArgument, CaseIterable {
    case normal, degraded, emergency, auto

    var change: SetModeRequest.Change {
        switch self {
        case .normal: .mode(.normal)
        case .degraded: .mode(.degraded)
        case .emergency: .mode(.emergency)
        case .auto: .release(true)
        }
    }
}

extension ModeStatus {
    /// The mode and its cause in one line.
    var line: String {
        let cause =
            override.map { "forced: \($0.reason) (\($0.actor))" }
            ?? "\(openCritical) critical and \(openHigh) high breakers open"
        let open = actions.filter { !$0.acknowledged }.map(\.name)
        let work = open.isEmpty ? "" : "; waiting for \(open.joined(separator: ", "))"
        return "\(mode.word) since \(Instant.text(changedUnixMillis)), \(cause)\(work)"
    }

    /// Prints it.
    func show(_ output: OutputFormat) {
        if output == .json { return printJSON { $0.members(of: self) } }
        printVisible(line)
        if actions.isEmpty { return }
        var table = TextTable("ACTION", "ORDER", "WHAT", "ATTEMPTS", "DONE")
        for action in actions {
            table.add(
                action.name, "\(action.order)", action.undo ? "undo" : "do", "\(action.attempts)",
                action.acknowledged ? "yes" : "no")
        }
        printVisible(table.text)
    }
}

extension JSONWriter {
    /// The members of the mode, into an object that is open.
    mutating func members(of status: ModeStatus) {
        member("mode", status.mode.word)
        member("mode_number", status.mode.rawValue)
        member("automatic", status.automatic.word)
        member("changed", Instant.text(status.changedUnixMillis))
        member("open_critical", status.openCritical)
        member("open_high", status.openHigh)
        if let forced = status.override {
            member("forced_reason", forced.reason)
            member("forced_by", forced.actor)
        }
        member("actions", status.actions) {
            $0.beginObject()
            $0.member("name", $1.name)
            $0.member("order", $1.order)
            $0.member("undo", $1.undo)
            $0.member("attempts", $1.attempts)
            $0.member("acknowledged", $1.acknowledged)
            $0.endObject()
        }
    }
}
