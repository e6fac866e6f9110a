import ArgumentParser
import JSON
import Messages
import Stubs

/// Circuit breakers: what they do, making one, forcing one.
struct BreakerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "List circuit breakers, put one, force one, watch them.",
        subcommands: [List.self, Show.self, Put.self, Force.self, Delete.self, Watch.self])
}

extension BreakerCommand {
    /// Lists the breakers of the namespace.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the breakers.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let breakers = BreakerServiceClient(client: client)
                    show(
                        try await allPages {
                            let page = try await breakers.listBreakers(
                                ListBreakersRequest(pageToken: $0), options: server.callOptions)
                            return (page.breakers, page.nextPageToken)
                        })
                }
            }
        }

        private func show(_ breakers: [Breaker]) {
            if server.output == .json {
                return printJSON { $0.member("breakers", breakers) { $0.breaker($1) } }
            }
            var table = TextTable("BREAKER", "STATE", "SEVERITY", "WINDOW", "REFUSED", "WHY")
            for breaker in breakers {
                table.add(
                    breaker.definition?.name ?? "", breaker.state.word, breaker.severity.word,
                    breaker.windowText, "\(breaker.counts?.notPermitted ?? 0)", breaker.whyText)
            }
            printVisible(table.text)
        }
    }

    /// Shows one breaker, with why it tripped.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a breaker and why it tripped.")

        @Argument(help: "The breaker's name.")
        var name: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    var request = GetBreakerRequest()
                    request.name = name
                    let response = try await BreakerServiceClient(client: client)
                        .getBreaker(request, options: server.callOptions)
                    (response.breaker ?? Breaker()).show(server.output)
                }
            }
        }
    }

    /// Forces a breaker.
    struct Force: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Force a breaker open, disable it, let it only count, end that, or close it.")

        @Argument(help: "The breaker's name.")
        var name: String

        @Argument(help: "open, disabled, metrics-only, release or reset.")
        var action: ForceWord

        @Option(help: "Why; required for open, disabled and metrics-only.")
        var reason = ""

        @OptionGroup var override: OverrideOptions

        func run() async throws {
            try await reporting {
                var request = ForceBreakerRequest()
                request.name = name
                request.action = action.wire
                request.reason = reason
                request.durationMillis = try override.durationMillis
                request.actor = override.actor
                try await override.server.withClient { client in
                    let response = try await BreakerServiceClient(client: client)
                        .forceBreaker(request, options: override.server.callOptions)
                    (response.breaker ?? Breaker()).show(override.server.output)
                }
            }
        }
    }

    /// Deletes a breaker.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete a breaker.")

        @Argument(help: "The breaker's name.")
        var name: String

        @Option(help: "Who does it, for the audit log.")
        var actor = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = DeleteBreakerRequest()
                request.name = name
                request.actor = actor
                try await server.withClient { client in
                    _ = try await BreakerServiceClient(client: client)
                        .deleteBreaker(request, options: server.callOptions)
                    DeletionReport.show(name, server.output)
                }
            }
        }
    }

    /// Prints every change until interrupted.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the breakers, then each change.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let updates = try await BreakerServiceClient(client: client)
                        .watchBreakers(WatchBreakersRequest(), options: server.watchOptions)
                    for try await update in updates { show(update) }
                }
            }
        }

        private func show(_ response: WatchBreakersResponse) {
            switch response.update {
            case .snapshot(let snapshot): for breaker in snapshot.breakers { show(breaker) }
            case .changed(let breaker): show(breaker)
            case .deleted(let name):
                if server.output == .json {
                    StandardOutput.jsonLine {
                        $0.beginObject()
                        $0.member("deleted", name)
                        $0.endObject()
                    }
                } else {
                    StandardOutput.line("\(name.visible) deleted")
                }
            case nil: break
            }
        }

        private func show(_ breaker: Breaker) {
            if server.output == .json {
                StandardOutput.jsonLine { $0.breaker(breaker) }
            } else {
                let words = [
                    Instant.text(breaker.changedUnixMillis), breaker.definition?.name ?? "",
                    breaker.state.word, breaker.whyText,
                ]
                StandardOutput.line(words.filter { !$0.isEmpty }.joined(separator: " ").visible)
            }
        }
    }
}

/// What can be forced, as people write it.
enum ForceWord: String, ExpressibleByArgument, CaseIterable {
    case open
    case disabled
    case metricsOnly = "metrics-only"
    case release
    case reset

    var wire: ForceAction {
        switch self {
        case .open: .forceOpen
        case .disabled: .disable
        case .metricsOnly: .metricsOnly
        case .release: .release
        case .reset: .reset
        }
    }
}

extension Duration {
    /// Seconds of an option as milliseconds.
    static func millis(_ seconds: Double, _ option: String) throws -> Int64 {
        guard seconds >= 0, seconds <= 366 * 86_400 else {
            throw Failed("\(option) is \(seconds); write 0 to 31622400 seconds", exitCode: 64)
        }
        return wholeMillis(seconds)
    }

    /// The nearest number of milliseconds, at least 1 for what is over 0: 0 means something else,
    /// such as for ever.
    static func wholeMillis(_ seconds: Double) -> Int64 {
        seconds > 0 ? max(1, Int64((seconds * 1_000).rounded())) : 0
    }
}
