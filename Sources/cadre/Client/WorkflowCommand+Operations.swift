import ArgumentParser
import JSON
import Messages
import Stubs

/// Which run an operation is about, and how it is told.
struct OperationOptions: ParsableArguments {
    @Argument(help: "The run id, or a workflow id for its newest run.")
    var run: String

    @Option(
        name: .customLong("request-id"),
        help: "Makes a repeat of this command harmless for 24 hours.")
    var givenRequestID: String?

    @OptionGroup var server: ServerOptions

    /// Empty: none.
    var requestID: String { givenRequestID ?? "" }

    func validate() throws {
        try OptionCheck.id(givenRequestID, "--request-id")
    }

    /// Does it, and prints how the run stands.
    func perform(
        _ operation: (WorkflowServiceClient, RunReference) async throws -> Messages.Run?
    ) async throws {
        try await reporting {
            try await server.withClient { client in
                let workflows = WorkflowServiceClient(client: client)
                let run = try await RunReference.named(self.run) {
                    try await operation(workflows, $0)
                }
                RunReport.show(run ?? Messages.Run(), nil, server.output)
            }
        }
    }
}

extension WorkflowCommand {
    /// Sends a signal.
    struct Signal: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Send a run a named message.")

        @OptionGroup var options: OperationOptions

        @Argument(help: "The signal's name.")
        var signal: String

        @Option(
            help: ArgumentHelp(
                "What comes with it: JSON, @FILE, or - for standard input.", valueName: "json"))
        var payload = "{}"

        func run() async throws {
            var request = SignalRunRequest()
            request.signal = signal
            request.payload = Payload(data: try InputText.bytes(payload))
            request.requestID = options.requestID
            try await options.perform { workflows, run in
                request.run = run
                return try await workflows.signalRun(request, options: options.server.callOptions)
                    .run
            }
        }
    }

    /// Approves a step.
    struct Approve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Approve a step that waits for a decision.")

        @OptionGroup var decision: DecisionOptions

        func run() async throws { try await decision.perform(.approve) }
    }

    /// Rejects a step.
    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Reject a step that waits for a decision: it fails.")

        @OptionGroup var decision: DecisionOptions

        func run() async throws { try await decision.perform(.reject) }
    }

    /// Who decides what, and why.
    struct DecisionOptions: ParsableArguments {
        @OptionGroup var options: OperationOptions

        @Argument(help: "The step's id.")
        var step: String

        @Option(name: .customLong("as"), help: "Who decides.")
        var actor: String

        @Option(help: "Why, for the history and the step's output.")
        var comment = ""

        @Option(
            help: ArgumentHelp(
                "What was filled in: JSON, @FILE, or - for standard input.", valueName: "json"))
        var form: String?

        func perform(_ decision: ApprovalDecision) async throws {
            var request = DecideApprovalRequest()
            request.step = step
            request.decision = decision
            request.actor = actor
            request.comment = comment
            request.form = try form.map { Payload(data: try InputText.bytes($0)) }
            request.requestID = options.requestID
            try await options.perform { workflows, run in
                request.run = run
                return try await workflows.decideApproval(
                    request, options: options.server.callOptions
                ).run
            }
        }
    }

    /// Pauses a run.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a run from beginning anything new.")

        @OptionGroup var options: OperationOptions

        @Option(help: "Why, for the history.")
        var reason = ""

        func run() async throws {
            var request = PauseRunRequest()
            request.reason = reason
            request.requestID = options.requestID
            try await options.perform { workflows, run in
                request.run = run
                return try await workflows.pauseRun(request, options: options.server.callOptions)
                    .run
            }
        }
    }

    /// Lets a run go on.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a paused run go on.")

        @OptionGroup var options: OperationOptions

        @Option(help: "Why, for the history.")
        var reason = ""

        func run() async throws {
            var request = ResumeRunRequest()
            request.reason = reason
            request.requestID = options.requestID
            try await options.perform { workflows, run in
                request.run = run
                return try await workflows.resumeRun(request, options: options.server.callOptions)
                    .run
            }
        }
    }

    /// Takes up a run that did not complete.
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take up a failed run: what failed is tried again, results are kept.")

        @OptionGroup var options: OperationOptions

        @Option(help: "Why, for the history.")
        var reason = ""

        func run() async throws {
            var request = RetryRunRequest()
            request.reason = reason
            request.requestID = options.requestID
            try await options.perform { workflows, run in
                request.run = run
                return try await workflows.retryRun(request, options: options.server.callOptions)
                    .run
            }
        }
    }

    /// Ends a run at once.
    struct Terminate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a run at once; nothing is undone.")

        @OptionGroup var options: OperationOptions

        @Option(help: "Why, for the history.")
        var reason = ""

        func run() async throws {
            var request = TerminateRunRequest()
            request.reason = reason
            request.requestID = options.requestID
            try await options.perform { workflows, run in
                request.run = run
                return try await workflows.terminateRun(
                    request, options: options.server.callOptions
                ).run
            }
        }
    }
}
