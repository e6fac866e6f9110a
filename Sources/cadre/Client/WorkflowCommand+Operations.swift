import ArgumentParser
import GRPC
import JSON
import Messages
import Stubs

/// Which run an operation is about, and how it is told.
struct OperationOptions: ParsableArguments {
    @Option(
        name: .customLong("request-id"),
        help: "Makes a repeat of this command harmless for 24 hours.")
    var givenRequestID: String?

    @OptionGroup var named: NamedRunOptions

    var callOptions: CallOptions { named.callOptions }

    /// Empty: none.
    var requestID: String { givenRequestID ?? "" }

    func validate() throws {
        try OptionCheck.id(givenRequestID, "--request-id")
    }

    /// Does it, and prints how the run stands.
    func perform(
        _ operation: (WorkflowServiceClient, RunReference) async throws -> Messages.Run?
    ) async throws {
        try await named.ask(operation) {
            RunReport.show($0 ?? Messages.Run(), nil, named.server.output)
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
                return try await workflows.signalRun(request, options: options.callOptions)
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
                    request, options: options.callOptions
                ).run
            }
        }
    }

    /// Pauses a run.
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a run from beginning anything new.")

        @OptionGroup var operation: ReasonedOptions

        func run() async throws {
            try await operation.perform(PauseRunRequest.init(run:reason:requestID:)) {
                try await $0.pauseRun($1, options: $2).run
            }
        }
    }

    /// Lets a run go on.
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let a paused run go on.")

        @OptionGroup var operation: ReasonedOptions

        func run() async throws {
            try await operation.perform(ResumeRunRequest.init(run:reason:requestID:)) {
                try await $0.resumeRun($1, options: $2).run
            }
        }
    }

    /// Takes up a run that did not complete.
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take up a failed run: what failed is tried again, results are kept.")

        @OptionGroup var operation: ReasonedOptions

        func run() async throws {
            try await operation.perform(RetryRunRequest.init(run:reason:requestID:)) {
                try await $0.retryRun($1, options: $2).run
            }
        }
    }

    /// Ends a run at once.
    struct Terminate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a run at once; nothing is undone.")

        @OptionGroup var operation: ReasonedOptions

        func run() async throws {
            try await operation.perform(TerminateRunRequest.init(run:reason:requestID:)) {
                try await $0.terminateRun($1, options: $2).run
            }
        }
    }

    /// An operation that needs nothing but a reason.
    struct ReasonedOptions: ParsableArguments {
        @OptionGroup var options: OperationOptions

        @Option(help: "Why, for the history.")
        var reason = ""

        /// Makes the request from the run, the reason and the request id, sends it, and prints how the
        /// run stands.
        func perform<Request>(
            _ request: (RunReference, String, String) -> Request,
            _ send: (WorkflowServiceClient, Request, CallOptions) async throws -> Messages.Run?
        ) async throws {
            try await options.perform { workflows, run in
                try await send(
                    workflows, request(run, reason, options.requestID), options.callOptions)
            }
        }
    }
}
