import ArgumentParser
import JSON
import Messages
import Stubs

extension WorkflowCommand {
    /// Lists dead letters.
    struct DeadLetters: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dead-letters",
            abstract: "List steps that have run out of attempts and wait for somebody.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    show(try await all(WorkflowServiceClient(client: client)))
                }
            }
        }

        private func all(_ workflows: WorkflowServiceClient) async throws -> [DeadLetter] {
            var request = ListDeadLettersRequest()
            var letters: [DeadLetter] = []
            repeat {
                let page = try await workflows.listDeadLetters(
                    request, options: server.callOptions)
                letters += page.deadLetters
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            return letters
        }

        private func show(_ letters: [DeadLetter]) {
            if server.output == .json {
                return printJSON { $0.member("dead_letters", letters) { $0.deadLetter($1) } }
            }
            var table = TextTable("RUN", "WORKFLOW", "STEP", "SINCE", "ATTEMPTS", "FAILURE")
            for letter in letters {
                table.add(
                    letter.runID, letter.workflow, letter.step,
                    Instant.text(letter.parkedUnixMillis), "\(letter.attempts)",
                    letter.failure?.message ?? "")
            }
            printVisible(table.text)
        }
    }

    /// Tries a dead letter again.
    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try a dead letter again, or give it up.")

        @OptionGroup var options: OperationOptions

        @Argument(help: "The step's id.")
        var step: String

        @Flag(help: "Give the step up instead: it fails.")
        var discard = false

        func run() async throws {
            var request = RequeueRequest()
            request.step = step
            request.discard = discard
            request.requestID = options.requestID
            try await options.perform { workflows, run in
                request.run = run
                return try await workflows.requeue(request, options: options.callOptions).run
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func deadLetter(_ letter: DeadLetter) {
        beginObject()
        member("run_id", letter.runID)
        member("workflow_id", letter.workflowID)
        member("workflow", letter.workflow)
        member("step", letter.step)
        member("attempts", letter.attempts)
        member("parked", Instant.text(letter.parkedUnixMillis))
        if let failure = letter.failure {
            key("failure")
            self.failure(failure)
        }
        endObject()
    }
}
