import ArgumentParser
import Messages
import Stubs

extension AgentCommand {
    /// Takes an agent out of the choice.
    struct Isolate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an agent no more work; what it holds goes to others.")

        @Argument(help: "The agent's id, such as mexc-api/1.")
        var agent: String

        @Option(help: "Why.")
        var reason: String

        @OptionGroup var override: OverrideOptions

        func run() async throws {
            try await reporting {
                var request = IsolateAgentRequest()
                request.agentID = agent
                request.reason = reason
                request.durationMillis = try override.durationMillis
                request.actor = override.actor
                try await override.server.withClient { client in
                    let response = try await AgentServiceClient(client: client)
                        .isolateAgent(request, options: override.server.callOptions)
                    (response.isolation ?? Isolation()).show(agent, override.server.output)
                }
            }
        }
    }

    /// Lets an agent work again.
    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give an isolated agent its full load again.")

        @Argument(help: "The agent's id, such as mexc-api/1.")
        var agent: String

        @Option(help: "Why, for the audit log.")
        var reason = ""

        @Option(help: "Who does it, for the audit log.")
        var actor = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = RestoreAgentRequest()
                request.agentID = agent
                request.reason = reason
                request.actor = actor
                try await server.withClient { client in
                    let response = try await AgentServiceClient(client: client)
                        .restoreAgent(request, options: server.callOptions)
                    (response.isolation ?? Isolation()).show(agent, server.output)
                }
            }
        }
    }
}

extension Isolation {
    /// Prints where an agent stands.
    func show(_ agent: String, _ output: OutputFormat) {
        if output == .json {
            return printJSON {
                $0.member("agent_id", agent)
                $0.member("state", state.word)
                $0.member("reason", reason)
                $0.member("actor", actor)
                if untilUnixMillis > 0 { $0.member("until", Instant.text(untilUnixMillis)) }
                $0.member("total", total)
            }
        }
        let end = untilUnixMillis > 0 ? " until \(Instant.text(untilUnixMillis))" : ""
        printVisible("\(agent) is \(state.word)\(state == .isolated ? end : "")")
    }
}
