import ArgumentParser
import GRPC
import JSON
import Messages
import Stubs

extension WorkflowCommand {
    /// Prints what happened in a run.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what happened in a run, in order.")

        @Flag(help: "Print outputs too. They can be large.")
        var payloads = false

        @OptionGroup var named: NamedRunOptions

        func run() async throws {
            try await named.ask({ try await events(of: $1, $0) }, show: show)
        }

        private func events(
            of run: RunReference, _ workflows: WorkflowServiceClient
        ) async throws -> [HistoryEvent] {
            var request = GetHistoryRequest()
            request.run = run
            request.includePayloads = payloads
            var events: [HistoryEvent] = []
            repeat {
                let page = try await workflows.getHistory(
                    request, options: named.server.callOptions)
                events += page.events
                request.fromSequence = page.nextSequence
            } while request.fromSequence > 0
            return events
        }

        private func show(_ events: [HistoryEvent]) {
            if named.server.output == .json {
                return printJSON { $0.member("events", events) { $0.event($1) } }
            }
            var table = TextTable("SEQ", "TIME", "EVENT", "STEP", "ATTEMPT", "DETAIL")
            for event in events {
                table.add(
                    "\(event.sequence)", Instant.text(event.unixMillis), event.type.word,
                    event.step, event.attempt > 0 ? "\(event.attempt)" : "", event.detail)
            }
            printVisible(table.text)
        }
    }

    /// Follows a run.
    struct Watch: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what happened in a run, then what happens, until it ends.",
            discussion: "A run that continues as a new one is followed into it.")

        @Argument(help: "The run id, or a workflow id for its newest run.")
        var run: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    var request = WatchRunRequest()
                    request.follow = true
                    let workflows = WorkflowServiceClient(client: client)
                    try await RunReference.named(run) {
                        request.run = $0
                        let updates = try await workflows.watchRun(
                            request, options: server.watchOptions)
                        for try await update in updates { show(update) }
                    }
                }
            }
        }

        private func show(_ update: WatchRunResponse) {
            switch (update.update, server.output) {
            case (.event(let event), .table): StandardOutput.line(event.line.visible)
            case (.event(let event), .json): StandardOutput.jsonLine { $0.event(event) }
            case (.closed(let closed), .table):
                RunReport.show(closed.run ?? Messages.Run(), closed.result, .table)
            case (.closed(let closed), .json):
                StandardOutput.jsonLine {
                    $0.beginObject()
                    $0.members(of: closed.run ?? Messages.Run(), result: closed.result)
                    $0.endObject()
                }
            case (.continuedRunID(let run), .table):
                StandardOutput.line("continued as run \(run)")
            case (.continuedRunID(let run), .json):
                StandardOutput.jsonLine {
                    $0.beginObject()
                    $0.member("continued_run_id", run)
                    $0.endObject()
                }
            case (nil, _): break
            }
        }
    }

    /// Stores a definition.
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Store a workflow definition from a YAML or JSON file.")

        @Argument(help: "The file, or - for standard input.", completion: .file())
        var file: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let bytes = try InputText.bytes(file == "-" ? file : "@\(file)")
                let read = try DefinitionFile(String(decoding: bytes, as: UTF8.self))
                var request = PutDefinitionRequest()
                request.definition = read.definition
                try await server.withClient { client in
                    do {
                        let response = try await WorkflowServiceClient(client: client)
                            .putDefinition(request, options: server.callOptions)
                        show(read.definition, response.changed)
                    } catch let status as GRPCStatus where !status.badFields.isEmpty {
                        throw refusal(status)
                    }
                }
            }
        }

        /// Every fault on a line of its own, with its place in the file.
        private func refusal(_ status: GRPCStatus) -> Failed {
            let faults = status.badFields.map {
                "\n  " + "\(DefinitionFile.name(ofField: $0.path)) \($0.problem)".visible
            }
            return Failed("the server refuses the definition:" + faults.joined())
        }

        private func show(_ definition: WorkflowDefinition, _ changed: Bool) {
            switch server.output {
            case .table:
                let what = changed ? "stored" : "was stored already"
                printVisible("\(definition.name) \(definition.version) \(what)")
            case .json:
                printJSON {
                    $0.member("name", definition.name)
                    $0.member("version", definition.version)
                    $0.member("changed", changed)
                }
            }
        }
    }

    /// Lists definitions.
    struct Definitions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the workflows defined.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let workflows = WorkflowServiceClient(client: client)
                    show(
                        try await allPages {
                            let page = try await workflows.listDefinitions(
                                ListDefinitionsRequest(pageToken: $0), options: server.callOptions)
                            return (page.definitions, page.nextPageToken)
                        })
                }
            }
        }

        private func show(_ definitions: [WorkflowDefinition]) {
            if server.output == .json {
                return printJSON {
                    $0.member("definitions", definitions) {
                        $0.beginObject()
                        $0.member("name", $1.name)
                        $0.member("version", $1.version)
                        $0.member("summary", $1.summary)
                        $0.member("steps", $1.steps.map(\.id))
                        $0.endObject()
                    }
                }
            }
            var table = TextTable("WORKFLOW", "VERSION", "STEPS", "SUMMARY")
            for definition in definitions {
                table.add(
                    definition.name, definition.version,
                    definition.steps.map(\.id).joined(separator: " > "), definition.summary)
            }
            printVisible(table.text)
        }
    }
}

extension HistoryEvent {
    /// What a table's last column says of it.
    var detail: String {
        if let failure {
            let next = willRetry ? "; will be tried again" : ""
            return "\(failure.type): \(failure.message)\(next)"
        }
        if !actor.isEmpty { return "\(decision == .approve ? "approved" : "rejected") by \(actor)" }
        let texts = [reason, agent, signal, eventType, childRunID, continuedRunID]
        return texts.first { !$0.isEmpty } ?? ""
    }

    /// The event as one line.
    var line: String {
        var parts = [Instant.timeOfDay(unixMillis), type.word]
        if !step.isEmpty { parts.append(step) }
        if attempt > 1 { parts.append("attempt \(attempt)") }
        if !detail.isEmpty { parts.append(detail) }
        return parts.joined(separator: "  ")
    }
}
