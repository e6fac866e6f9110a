import ArgumentParser
import JSON
import Messages
import Stubs

extension AgentCommand {
    /// Shows one instance.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one agent: its load, its operations, its session.")

        @Argument(help: "The agent's id, such as mexc-api/1.")
        var id: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await AgentServiceClient(client: client)
                        .getAgent(GetAgentRequest(agentID: id), options: server.callOptions)
                    guard let agent = response.agent else { return }
                    if server.output == .json { return printJSON { $0.agentMembers(agent) } }
                    show(agent)
                }
            }
        }

        private func show(_ agent: Messages.Agent) {
            var table = TextTable("FIELD", "VALUE")
            table.add("id", agent.id)
            table.add("type", agent.type)
            table.add("location", agent.location)
            table.add("busy", "\(agent.inFlight)/\(agent.slots)")
            table.add("done, failed", "\(agent.completed), \(agent.failed)")
            table.add("holds", agent.holds.isEmpty ? "none" : agent.holds.joined(separator: " "))
            if !agent.buildID.isEmpty { table.add("build", agent.buildID) }
            if let session = agent.session {
                table.add("session", session.connected ? "connected" : "dropped")
                table.add("credits", "\(session.credits)")
                table.add("lease", "\(session.leaseLeftMillis) of \(session.leaseMillis) ms left")
            }
            for label in agent.labels { table.add("label \(label.key)", label.value) }
            for operation in agent.operations {
                table.add("operation \(operation.name)", operation.summary)
            }
            printVisible(table.text)
        }
    }

    /// Asks an instance to leave.
    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Have an agent finish what it has and leave.")

        @Argument(help: "The agent's id, such as worker-7.")
        var id: String

        @Option(help: "Told to its worker.")
        var reason = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let request = DrainAgentRequest(agentID: id, reason: reason)
                    let response = try await AgentServiceClient(client: client)
                        .drainAgent(request, options: server.callOptions)
                    guard let agent = response.agent else { return }
                    if server.output == .json { return printJSON { $0.agentMembers(agent) } }
                    printVisible("\(agent.id) drains; \(agent.inFlight) in flight")
                }
            }
        }
    }

    /// Follows the pool.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the pool, then every change of it, until interrupted.")

        @Option(help: "Only this type.")
        var type = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let changes = try await AgentServiceClient(client: client)
                        .watchAgents(
                            WatchAgentsRequest(agentType: type), options: server.watchOptions)
                    for try await change in changes { show(change) }
                }
            }
        }

        private func show(_ change: WatchAgentsResponse) {
            switch change.update {
            case .snapshot(let snapshot): for agent in snapshot.agents { show(agent, "is there") }
            case .changed(let agent): show(agent, "changed")
            case .removed(let id):
                if server.output == .json {
                    StandardOutput.jsonLine {
                        $0.beginObject()
                        $0.member("removed", id)
                        $0.endObject()
                    }
                } else {
                    printVisible("\(id.visible) is gone")
                }
            case nil: break
            }
        }

        private func show(_ agent: Messages.Agent, _ what: String) {
            if server.output == .json { return StandardOutput.jsonLine { $0.agent(agent) } }
            let holds = agent.holds.isEmpty ? "" : " (\(agent.holds.joined(separator: ", ")))"
            printVisible("\(agent.id) \(what)\(holds)".visible)
        }
    }
}
