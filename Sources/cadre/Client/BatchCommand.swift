import ArgumentParser
import Foundation
import JSON
import Messages
import Stubs

/// Batches: configuring one, bringing items, looking at them.
struct BatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "batch",
        abstract: "Configure a batch, submit items, flush, see how it stands.",
        subcommands: [Configure.self, Submit.self, Flush.self, Stats.self, Delete.self])
}

extension BatchCommand {
    /// Makes a batch or changes one.
    struct Configure: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say how items of an operation are gathered. What is left out is the default."
        )

        @Argument(help: "The name that items are submitted to.")
        var operation: String

        @Argument(help: "The agent type that gets the batches.")
        var agentType: String

        @Option(help: "The agent's operation; the same name unless set.")
        var agentOperation = ""

        @Option(help: "A batch leaves with so many items. Default: 100.")
        var maxItems: Int32?

        @Option(help: "It leaves when its oldest item has waited so long, seconds. Default: 0.1.")
        var maxDelay: Double?

        @Option(help: "It leaves with so many bytes. Default: 1000000.")
        var maxBytes: Int64?

        @Option(help: "Batches at agents at once. Default: 4.")
        var inFlight: Int32?

        @Option(help: "Items that may wait. Default: 10000.")
        var maxWaiting: Int32?

        @Option(help: "How long an agent has, seconds. Default: 30.")
        var batchTimeout: Double?

        @Option(help: "Tries items again alone, so many times in all. Default: not at all.")
        var attempts: Int32?

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var batch = BatchDefinition(operation: operation, agentType: agentType)
                batch.agentOperation = agentOperation
                batch.maxItems = maxItems ?? 0
                batch.maxDelayMillis = try Duration.millis(maxDelay ?? 0, "--max-delay")
                batch.maxBytes = maxBytes ?? 0
                batch.maxInFlight = inFlight ?? 0
                batch.maxWaiting = maxWaiting ?? 0
                batch.timeoutMillis = try Duration.millis(
                    batchTimeout ?? 0, "--batch-timeout")
                batch.onFailure = (attempts ?? 0) > 0 ? .retryItems : .fail
                batch.maxAttempts = attempts ?? 0
                let request = ConfigureBatchRequest(batch: batch)
                try await server.withClient { client in
                    let response = try await BatchServiceClient(client: client)
                        .configureBatch(request, options: server.callOptions)
                    (response.batch ?? batch).show(server.output)
                }
            }
        }
    }

    /// Brings items.
    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Submit one item, or one for each line of standard input, and print its result.")

        @Argument(help: "The operation.")
        var operation: String

        @Argument(
            help: "The item: JSON or @FILE; none: a line of standard input each, up to 1,000.")
        var item: String?

        @Option(help: "Names the item: submitted again it is answered with the same result.")
        var id: String?

        @Flag(help: "The item survives a restart; needs --id.")
        var durable = false

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.id(id, "--id")
        }

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let client = BatchServiceClient(client: client)
                    guard let item else { return try await submitLines(client) }
                    var request = SubmitRequest(operation: operation)
                    request.payload = Payload(data: try InputText.bytes(item))
                    request.requestID = id ?? ""
                    request.durable = durable
                    let response = try await client.submit(request, options: server.callOptions)
                    guard let outcome = response.outcome else { return }
                    show([outcome])
                    if case .error = outcome.outcome { throw Failed("the item failed") }
                }
            }
        }

        private func submitLines(_ client: BatchServiceClient) async throws {
            var request = SubmitManyRequest(operation: operation)
            request.durable = durable
            while let line = readLine() {
                var item = BatchItem(payload: Payload(data: Array(line.utf8)))
                if let id { item.requestID = "\(id)-\(request.items.count)" }
                request.items.append(item)
            }
            let response = try await client.submitMany(request, options: server.callOptions)
            show(response.outcomes)
            let failed = response.outcomes.count - Int(response.succeeded)
            if failed > 0 { throw Failed("\(failed) items failed") }
        }

        private func show(_ outcomes: [ItemOutcome]) {
            if server.output == .json {
                return printJSON {
                    $0.member("outcomes", outcomes) { $0.outcome($1) }
                }
            }
            for outcome in outcomes {
                switch outcome.outcome {
                case .payload(let payload):
                    StandardOutput.line(String(decoding: payload.data, as: UTF8.self))
                case .error(let failure):
                    printVisible("failed: \(failure.type): \(failure.message)")
                case nil: printVisible("no outcome")
                }
            }
        }
    }

    /// Lets items leave.
    struct Flush: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let what waits leave now, as far as the batches in flight allow.")

        @Argument(help: "The operation.")
        var operation: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await BatchServiceClient(client: client)
                        .flush(FlushRequest(operation: operation), options: server.callOptions)
                    if server.output == .json {
                        printJSON { $0.member("items", response.items) }
                    } else {
                        printVisible("\(response.items) items waited")
                    }
                }
            }
        }
    }

    /// Shows how batches stand.
    struct Stats: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show how the batches stand.")

        @Argument(help: "The operation; none: all.")
        var operation = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await BatchServiceClient(client: client)
                        .getBatchStats(
                            GetBatchStatsRequest(operation: operation),
                            options: server.callOptions)
                    response.show(server.output)
                }
            }
        }
    }

    /// Forgets a batch.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Forget a batch that has no items.")

        @Argument(help: "The operation.")
        var operation: String

        @Option(help: "Who does it, for the audit log.")
        var actor = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let request = DeleteBatchRequest(operation: operation, actor: actor)
                try await server.withClient { client in
                    _ = try await BatchServiceClient(client: client)
                        .deleteBatch(request, options: server.callOptions)
                    DeletionReport.show(operation, server.output)
                }
            }
        }
    }
}
