import ArgumentParser
import JSON
import Messages
import Stubs

/// Agents: who is there, how they are, calling one.
struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent",
        abstract: "List agents, ask their health, call, drain, watch or isolate.",
        subcommands: [
            List.self, Invoke.self, Health.self, Show.self, Drain.self, Watch.self, Isolate.self,
            Restore.self,
        ])
}

extension AgentCommand {
    /// Lists the pool.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the agents in the pool.")

        @Option(help: "Only this type.")
        var type = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let service = AgentServiceClient(client: client)
                    var pools: [Messages.AgentPool] = []
                    let agents = try await allPages { token in
                        let page = try await service.listAgents(
                            ListAgentsRequest(agentType: type, pageToken: token),
                            options: server.callOptions)
                        pools += page.pools
                        return (page.agents, page.nextPageToken)
                    }
                    show(agents, pools)
                }
            }
        }

        private func show(_ agents: [Messages.Agent], _ pools: [Messages.AgentPool]) {
            if server.output == .json {
                return printJSON {
                    $0.member("agents", agents) { $0.agent($1) }
                    $0.member("pools", pools) { $0.pool($1) }
                }
            }
            var table = TextTable(
                "AGENT", "LOCATION", "STATE", "BUSY", "DONE", "FAILED", "OPERATIONS")
            for agent in agents {
                table.add(
                    agent.id, agent.location, agent.stateWords,
                    "\(agent.inFlight)/\(agent.slots)",
                    "\(agent.completed)", "\(agent.failed)",
                    agent.operations.map(\.name).joined(separator: " "))
            }
            printVisible(table.text)
            if pools.isEmpty { return }
            printVisible("")
            var poolTable = TextTable("POOL", "INSTANCES", "STARTING", "WAITING", "MADE", "RETIRED")
            for pool in pools {
                poolTable.add(
                    pool.agentType,
                    "\(pool.instances) (\(pool.minInstances)..\(pool.maxInstances))",
                    "\(pool.starting)", "\(pool.waiting)/\(pool.maxWaiting)", "\(pool.created)",
                    "\(pool.retired)")
            }
            printVisible(poolTable.text)
        }
    }

    /// Calls an operation.
    struct Invoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call an operation of an agent type and print its answer.",
            discussion: "Exits 1 when the operation failed.")

        @Argument(help: "The agent type, such as mexc-api.")
        var agentType: String

        @Argument(help: "The operation, such as symbols.")
        var operation: String

        @Option(
            help: ArgumentHelp(
                "The input: JSON, @FILE, or - for standard input.", valueName: "json"))
        var input = "{}"

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = InvokeRequest()
                request.agentType = agentType
                request.operation = operation
                request.payload = Payload(data: try InputText.bytes(input))
                try await server.withClient { client in
                    try show(
                        try await AgentServiceClient(client: client)
                            .invoke(request, options: server.callOptions))
                }
            }
        }

        private func show(_ response: InvokeResponse) throws {
            switch response.outcome {
            case .error(let failure): throw Failed("\(failure.type): \(failure.message)")
            case .payload(let payload): show(payload, response.metadata ?? InvokeMetadata())
            case nil: throw Failed("the server sent neither a payload nor a failure")
            }
        }

        private func show(_ payload: Payload, _ metadata: InvokeMetadata) {
            printJSON {
                if server.output == .json {
                    $0.member("agent", metadata.agent)
                    $0.member("queue_micros", metadata.queueMicros)
                    $0.member("execution_micros", metadata.executionMicros)
                    $0.member("attempts", metadata.attempts)
                }
                $0.key("payload")
                $0.payload(payload)
            }
        }
    }

    /// Asks the agents how they are.
    struct Health: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask agents how they are.",
            discussion: """
                Exits 1 when one of them is not healthy, or there is neither an agent nor a pool of \
                the type.
                """)

        @Option(help: "Only this type.")
        var type = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let service = AgentServiceClient(client: client)
                    var request = CheckHealthRequest()
                    request.agentType = type
                    let response = try await service.checkHealth(
                        request, options: server.callOptions)
                    show(response)
                    if response.agents.isEmpty, !type.isEmpty { try await requirePool(service) }
                    if response.state != .healthy {
                        throw Failed("the fleet is \(response.state.word)")
                    }
                }
            }
        }

        /// A pool that rests has no agent, and makes one for the next call.
        private func requirePool(_ service: AgentServiceClient) async throws {
            let listed = try await service.listAgents(
                ListAgentsRequest(agentType: type), options: server.callOptions)
            if listed.pools.isEmpty {
                throw Failed("no agent of type \(type); see `cadre agent list`")
            }
        }

        private func show(_ response: CheckHealthResponse) {
            if server.output == .json {
                return printJSON {
                    $0.member("state", response.state.word)
                    $0.member("agents", response.agents) {
                        $0.beginObject()
                        $0.member("agent_id", $1.agentID)
                        $0.member("state", $1.state.word)
                        $0.member("detail", $1.detail)
                        $0.member("latency_micros", $1.latencyMicros)
                        $0.endObject()
                    }
                    $0.member("omitted", Int64(response.omitted))
                }
            }
            var table = TextTable("AGENT", "STATE", "LATENCY", "DETAIL")
            for agent in response.agents {
                table.add(
                    agent.agentID, agent.state.word, "\(agent.latencyMicros) us", agent.detail)
            }
            printVisible(table.text)
        }
    }
}
