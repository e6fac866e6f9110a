import ArgumentParser
import JSON
import Messages
import Stubs

extension EventsCommand {
    /// Puts a subscription.
    struct PutSubscription: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put-subscription",
            abstract: "Put a durable subscription, or change the one of the same name.",
            discussion: """
                Without a target it is read with `cadre event subscribe NAME`. For example:
                cadre event put-subscription patterns --pattern pattern.detected \
                --filter 'payload.confidence >= 0.8' --agent symbol-analysis/on_pattern
                """)

        @Argument(help: "Its name.")
        var name: String

        @Option(name: .customLong("pattern"), help: "Which topics; may be repeated.")
        var patterns: [String] = []

        @Option(help: "Only publications for which this holds.")
        var filter = ""

        @Option(
            name: .customLong("agent"),
            help: ArgumentHelp("Deliver to an agent type; may be repeated.", valueName: "type/op"))
        var agents: [String] = []

        @Option(
            name: .customLong("start"),
            help: ArgumentHelp("Start a run of a workflow; may be repeated.", valueName: "workflow")
        )
        var workflows: [String] = []

        @Option(
            help: ArgumentHelp(
                "Signal the run of this id, with --signal.", valueName: "workflow-id"))
        var signalRun: String?

        @Option(help: "The signal for --signal-run.")
        var signal = ""

        @Flag(help: "Hand on the whole publication, not its payload alone.")
        var envelope = false

        @Flag(help: "Begin with the oldest that is held, when it is new.")
        var oldest = false

        @Option(help: "Attempts before a publication becomes a dead letter. Default: 5.")
        var attempts: Int32?

        @Flag(help: "Deliver nothing until it is put without this.")
        var paused = false

        @OptionGroup var server: ServerOptions

        func validate() throws {
            for agent in agents where agent.split(separator: "/", maxSplits: 1).count != 2 {
                throw ValidationError("--agent must be TYPE/OPERATION, not \(agent)")
            }
            if signalRun != nil, signal.isEmpty {
                throw ValidationError("--signal-run needs --signal")
            }
            if signalRun == nil, !signal.isEmpty {
                throw ValidationError("--signal needs --signal-run")
            }
        }

        private var targets: [SubscriptionTarget] {
            var targets = agents.map { agent in
                let parts = agent.split(separator: "/", maxSplits: 1).map(String.init)
                return SubscriptionTarget(
                    target: .agent(
                        AgentTarget(agentType: parts[0], operation: parts[1], envelope: envelope)))
            }
            targets += workflows.map {
                SubscriptionTarget(
                    target: .workflow(WorkflowTarget(workflow: $0, envelope: envelope)))
            }
            if let signalRun {
                targets.append(
                    SubscriptionTarget(
                        target: .signal(
                            SignalTarget(
                                workflowID: signalRun, signal: signal, envelope: envelope))))
            }
            return targets
        }

        func run() async throws {
            try await reporting {
                var definition = SubscriptionDefinition()
                definition.name = name
                definition.patterns = patterns
                definition.filter = filter
                definition.targets = targets
                definition.paused = paused
                if oldest { definition.start = EventStart(position: .oldest(true)) }
                if let attempts { definition.policy = DeliveryPolicy(maxAttempts: attempts) }
                let prepared = definition
                try await server.withClient { client in
                    let response = try await EventServiceClient(client: client).putSubscription(
                        PutSubscriptionRequest(subscription: prepared), options: server.callOptions)
                    EventReport.show([response.subscription ?? Subscription()], server.output)
                }
            }
        }
    }

    /// Lists subscriptions.
    struct Subscriptions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List subscriptions with how far each target is.")

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let events = EventServiceClient(client: client)
                    var request = ListSubscriptionsRequest()
                    var all: [Subscription] = []
                    repeat {
                        let page = try await events.listSubscriptions(
                            request, options: server.callOptions)
                        all += page.subscriptions
                        request.pageToken = page.nextPageToken
                    } while !request.pageToken.isEmpty
                    EventReport.show(all, server.output)
                }
            }
        }
    }

    /// Deletes a subscription.
    struct DeleteSubscription: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete-subscription",
            abstract: "Take a subscription away, with its dead letters.")

        @Argument(help: "Its name.")
        var name: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    _ = try await EventServiceClient(client: client).deleteSubscription(
                        DeleteSubscriptionRequest(name: name), options: server.callOptions)
                    DeletionReport.show(name, server.output)
                }
            }
        }
    }

    /// Reads a subscription.
    struct Subscribe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what a subscription has not had yet, and acknowledge it.")

        @Argument(help: "The subscription's name; put it without targets first.")
        var name: String

        @Option(help: "Stop after so many.")
        var count: Int?

        @Flag(help: "Only look: acknowledge nothing.")
        var peek = false

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let events = EventServiceClient(client: client)
                    let request = SubscribeRequest(
                        mode: .durable(DurableSubscriber(subscription: name)))
                    let stream = try await events.subscribe(request, options: server.watchOptions)
                    var left = count ?? .max
                    for try await message in stream {
                        EventReport.tell(message, server.output, atMost: left)
                        let shown = message.publications.prefix(max(0, left))
                        left -= shown.count
                        if let last = shown.last, !peek {
                            _ = try await events.ack(
                                AckRequest(subscription: name, sequence: last.sequence),
                                options: server.callOptions)
                        }
                        if left <= 0 { break }
                    }
                }
            }
        }
    }

    /// Lists dead letters.
    struct DeadLetters: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "dead-letters", abstract: "List what subscriptions could not do.")

        @Argument(help: "Only those of this subscription.")
        var subscription = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let events = EventServiceClient(client: client)
                    var request = ListEventDeadLettersRequest(subscription: subscription)
                    var all: [EventDeadLetter] = []
                    repeat {
                        let page = try await events.listEventDeadLetters(
                            request, options: server.callOptions)
                        all += page.deadLetters
                        request.pageToken = page.nextPageToken
                    } while !request.pageToken.isEmpty
                    EventReport.show(all, server.output)
                }
            }
        }
    }

    /// Delivers a dead letter again.
    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Deliver a dead letter again, or give it up.")

        @Argument(help: "The subscription.")
        var subscription: String

        @Argument(help: "The publication's sequence.")
        var sequence: Int64

        @Option(help: "The target, when there are several.")
        var target = ""

        @Flag(help: "Give it up instead.")
        var discard = false

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    _ = try await EventServiceClient(client: client).requeueEvent(
                        RequeueEventRequest(
                            subscription: subscription, target: target, sequence: sequence,
                            discard: discard), options: server.callOptions)
                    show()
                }
            }
        }

        private func show() {
            switch server.output {
            case .json:
                printJSON {
                    $0.member("sequence", sequence)
                    $0.member("discarded", discard)
                }
            case .table: printVisible("\(sequence) \(discard ? "given up" : "goes again")")
            }
        }
    }
}
