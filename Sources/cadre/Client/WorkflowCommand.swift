import ArgumentParser
import Foundation
import GRPC
import JSON
import Messages
import Stubs

/// Workflows: definitions and runs.
struct WorkflowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workflow", abstract: "Start workflows and look at their runs.",
        subcommands: [
            Run.self, List.self, Count.self, Show.self, History.self, Watch.self, Signal.self,
            Approve.self,
            Reject.self, Pause.self, Resume.self, Retry.self, Cancel.self, Terminate.self,
            DeadLetters.self, Requeue.self,
            Explain.self, Graph.self, Keys.self, PauseKey.self, ResumeKey.self, Definitions.self,
            Put.self,
        ])
}

extension WorkflowCommand {
    /// Starts a run.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Start a run of a workflow; with --wait, print its result.",
            discussion: "Exits 1 when the run did not complete.")

        @Argument(help: "The workflow's name, such as calendar-discovery.")
        var name: String

        @Option(
            help: ArgumentHelp(
                "The input: JSON, @FILE, or - for standard input.", valueName: "json"))
        var input = "{}"

        @Option(help: "Your own name for the run; at most one open run has it.")
        var id: String?

        @Option(help: "Makes a repeat of this command harmless for 24 hours.")
        var requestID: String?

        @Option(
            help: """
                If a run of that name is open: fail, use_existing, terminate_existing or enqueue.
                """)
        var conflict = ConflictChoice.fail

        @Option(help: "If the last run of that name has ended: allow, allow_if_failed or reject.")
        var reuse = ReuseChoice.allow

        @Option(
            help: ArgumentHelp(
                "What the run can be found by; may be repeated. A number or true and false are "
                    + "taken as such, everything else as text.", valueName: "name=value"))
        var attribute: [String] = []

        @Flag(help: "Wait for the end and print the result.")
        var wait = false

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.id(id, "--id")
            try OptionCheck.id(requestID, "--request-id")
        }

        func run() async throws {
            try await reporting {
                var start = StartRunRequest()
                start.workflow = name
                start.workflowID = id ?? ""
                start.requestID = requestID ?? ""
                start.conflictPolicy = conflict.policy
                start.reusePolicy = reuse.policy
                for text in attribute { start.attributes.append(try RunAttribute(text)) }
                start.input = Payload(data: try InputText.bytes(input))
                try await server.withClient { client in
                    let workflows = WorkflowServiceClient(client: client)
                    if wait {
                        try await runAndWait(start, workflows)
                    } else {
                        try await startOnly(start, workflows)
                    }
                }
            }
        }

        private func startOnly(
            _ start: StartRunRequest, _ workflows: WorkflowServiceClient
        ) async throws {
            let response = try await workflows.startRun(start, options: server.callOptions)
            switch server.output {
            case .table:
                printVisible("\(response.runID)\(response.existing ? " (was there already)" : "")")
            case .json:
                printJSON {
                    $0.member("run_id", response.runID)
                    $0.member("existing", response.existing)
                }
            }
        }

        private func runAndWait(
            _ start: StartRunRequest, _ workflows: WorkflowServiceClient
        ) async throws {
            let id = try await workflows.startRun(start, options: server.callOptions).runID
            let response = try await end(of: id, workflows)
            let run = response.run ?? Messages.Run()
            RunReport.show(run, response.result, server.output)
            if run.status != .completed {
                throw Failed("the run ended as \(run.status.word)")
            }
        }

        /// Waits in a call of its own: should it be lost, the run is known by its id and goes on.
        private func end(
            of id: String, _ workflows: WorkflowServiceClient
        ) async throws -> AwaitRunResponse {
            let request = AwaitRunRequest(run: RunReference(by: .runID(id)), follow: true)
            do {
                return try await workflows.awaitRun(request, options: server.callOptions)
            } catch {
                throw Failed(error, "run \(id) goes on; see `cadre workflow watch \(id)`")
            }
        }
    }

    /// Lists runs.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List runs, newest first.")

        @Option(help: "Only runs of this workflow.")
        var workflow = ""

        @Flag(help: "Only runs that have not ended.")
        var open = false

        @Option(
            help: ArgumentHelp(
                "Only runs for which this holds: status = 'failed' AND start >= "
                    + "2026-01-01T00:00:00Z. Fields: id, run_id, type, status, start, close, "
                    + "attributes.NAME.",
                valueName: "condition"))
        var filter = ""

        @Option(help: "How many at the most, 1 to 1000.")
        var limit: Int32 = 20

        @Option(
            help: ArgumentHelp(
                "Go on where an earlier list ended: its next_page_token.", valueName: "token"))
        var after = ""

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.range(limit, 1...1_000, "--limit")
        }

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    show(try await runs(WorkflowServiceClient(client: client)))
                }
            }
        }

        /// Asks until there are enough: with a filter, a page may be short and still have a next one.
        private func runs(_ workflows: WorkflowServiceClient) async throws -> ListRunsResponse {
            var request = ListRunsRequest()
            request.workflow = workflow
            request.openOnly = open
            request.filter = filter
            var found = ListRunsResponse()
            found.nextPageToken = after
            repeat {
                request.pageToken = found.nextPageToken
                request.pageSize = limit - Int32(found.runs.count)
                let page = try await workflows.listRuns(request, options: server.callOptions)
                found.runs += page.runs
                found.nextPageToken = page.nextPageToken
            } while !found.nextPageToken.isEmpty && found.runs.count < limit
            return found
        }

        private func show(_ response: ListRunsResponse) {
            switch server.output {
            case .json:
                printJSON {
                    $0.member("runs", response.runs) {
                        $0.beginObject()
                        $0.members(of: $1, result: nil)
                        $0.endObject()
                    }
                    $0.member("next_page_token", response.nextPageToken)
                }
            case .table:
                var table = TextTable("RUN", "WORKFLOW", "STATUS", "STARTED", "TOOK", "ID")
                for run in response.runs {
                    table.add(
                        run.runID, run.workflow, run.status.word,
                        Instant.text(run.startedUnixMillis), RunReport.duration(run),
                        run.workflowID == run.runID ? "" : run.workflowID)
                }
                printVisible(table.text)
                if !response.nextPageToken.isEmpty {
                    printVisible("there are more: --after \(response.nextPageToken)")
                }
            }
        }
    }

    /// Counts runs.
    struct Count: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Count runs by status.")

        @Option(
            help: ArgumentHelp(
                "Only runs for which this holds, as in list.", valueName: "condition"))
        var filter = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await WorkflowServiceClient(client: client).countRuns(
                        CountRunsRequest(filter: filter), options: server.callOptions)
                    show(response)
                }
            }
        }

        private func show(_ response: CountRunsResponse) {
            switch server.output {
            case .json:
                printJSON {
                    $0.key("counts")
                    $0.beginObject()
                    for entry in response.counts { $0.member(entry.status.word, entry.count) }
                    $0.endObject()
                    $0.member("complete", response.complete)
                }
            case .table:
                var table = TextTable("STATUS", "RUNS")
                for entry in response.counts { table.add(entry.status.word, "\(entry.count)") }
                printVisible(table.text)
                if !response.complete { printVisible("counted the newest runs only") }
            }
        }
    }

    /// Shows one run.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a run: its steps, and its result when it has one.")

        @OptionGroup var named: NamedRunOptions

        func run() async throws {
            try await named.ask { workflows, run in
                try await workflows.getRun(
                    GetRunRequest(run: run), options: named.callOptions)
            } show: {
                RunReport.show($0.run ?? Messages.Run(), $0.result, named.server.output)
            }
        }
    }

    /// Cancels one run.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Stop a run.")

        @Option(help: "Why, for the history.")
        var reason = ""

        @OptionGroup var named: NamedRunOptions

        func run() async throws {
            try await named.ask { workflows, run in
                try await workflows.cancelRun(
                    CancelRunRequest(run: run, reason: reason),
                    options: named.callOptions)
            } show: {
                RunReport.show($0.run ?? Messages.Run(), nil, named.server.output)
            }
        }
    }
}
