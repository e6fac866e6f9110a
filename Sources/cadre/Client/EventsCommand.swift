import ArgumentParser
import Foundation
import JSON
import Messages
import Stubs

/// Topics: what was published, and what is.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "event", abstract: "Publish events, and see what is published.",
        subcommands: [
            Publish.self, Tail.self, Topics.self, History.self, PutTopic.self, DeleteTopic.self,
            Subscribe.self, Subscriptions.self, PutSubscription.self, DeleteSubscription.self,
            DeadLetters.self, Requeue.self,
        ])
}

extension EventsCommand {
    /// Publishes one event.
    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Publish an event to a topic.",
            discussion: """
                cadre event publish pattern.detected '{"symbol":"BTCUSDT","confidence":0.9}' \
                --key BTCUSDT --attribute venue=mexc
                """)

        @Argument(help: "The topic, such as pattern.detected.")
        var topic: String

        @Argument(help: "What happened: JSON, @FILE, or - for standard input.")
        var payload = "{}"

        @Option(help: "The payload's media type. Default: application/json.")
        var type = ""

        @Option(help: "What it is about.")
        var key = ""

        @Option(
            name: .customLong("attribute"),
            help: ArgumentHelp("For filters and readers; may be repeated.", valueName: "name=value")
        )
        var attributes: [String] = []

        @Option(help: "Who publishes it. Default: this client's address.")
        var publisher = ""

        @Option(help: "Makes a repeat harmless.")
        var requestID: String?

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.id(requestID, "--request-id")
        }

        func run() async throws {
            try await reporting {
                var request = PublishRequest()
                request.topic = topic
                request.payload = Payload(data: try InputText.bytes(payload), contentType: type)
                request.key = key
                request.publisher = publisher
                request.requestID = requestID ?? ""
                for attribute in attributes {
                    let parts = attribute.split(separator: "=", maxSplits: 1)
                    guard parts.count == 2 else {
                        throw Failed(
                            "--attribute must be NAME=VALUE, not \(attribute)", exitCode: EX_USAGE)
                    }
                    request.attributes[String(parts[0])] = String(parts[1])
                }
                let prepared = request
                try await server.withClient { client in
                    let response = try await EventServiceClient(client: client)
                        .publish(prepared, options: server.callOptions)
                    show(response)
                }
            }
        }

        private func show(_ response: PublishResponse) {
            if server.output == .json {
                return printJSON {
                    $0.member("sequence", response.sequence)
                    $0.member("topic_sequence", response.topicSequence)
                    $0.member("receivers", response.receivers)
                    $0.member("existing", response.existing)
                }
            }
            let again = response.existing ? " (was there already)" : ""
            printVisible(
                "\(topic) #\(response.topicSequence), sequence \(response.sequence), "
                    + "\(response.receivers) receivers\(again)")
        }
    }

    /// Prints what is published until interrupted.
    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print publications as they come.",
            discussion: "cadre event tail 'market.>' --filter 'payload.confidence >= 0.8'")

        @Argument(help: "Topics, with * for one level and > for the rest.")
        var patterns: [String] = [">"]

        @Option(help: "Begin with this sequence; what is held comes first.")
        var from: Int64?

        @Flag(help: "Begin with the oldest that is held.")
        var oldest = false

        @Option(help: "Only those for which this holds.")
        var filter = ""

        @Option(help: "Stop after so many.")
        var count: Int?

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                var request = SubscribeRequest()
                request.mode = .volatile(
                    VolatileSubscriber(patterns: patterns, filter: filter, start: start))
                let prepared = request
                try await server.withClient { client in
                    let stream = try await EventServiceClient(client: client)
                        .subscribe(prepared, options: server.watchOptions)
                    var left = count ?? .max
                    for try await message in stream {
                        EventReport.tell(message, server.output, atMost: left)
                        left -= message.publications.count
                        if left <= 0 { break }
                    }
                }
            }
        }

        private var start: EventStart? {
            if let from { return EventStart(position: .fromSequence(from)) }
            return oldest ? EventStart(position: .oldest(true)) : nil
        }
    }

    /// Lists topics.
    struct Topics: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List topics.")

        @Argument(help: "Only those that fit.")
        var pattern = ""

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let events = EventServiceClient(client: client)
                    var request = ListTopicsRequest(pattern: pattern)
                    var all: [Topic] = []
                    repeat {
                        let page = try await events.listTopics(request, options: server.callOptions)
                        all += page.topics
                        request.pageToken = page.nextPageToken
                    } while !request.pageToken.isEmpty
                    EventReport.show(all, server.output)
                }
            }
        }
    }

    /// Lists publications that are held.
    struct History: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List publications that are held, oldest first.")

        @Argument(help: "A topic or pattern.")
        var pattern = ">"

        @Option(help: "Begin with this sequence.")
        var from: Int64 = 1

        @Option(help: "Only those for which this holds.")
        var filter = ""

        @Option(help: "How many at most; 1 or more.")
        var limit = 100

        @OptionGroup var server: ServerOptions

        func validate() throws {
            try OptionCheck.range(limit, 1...Int.max, "--limit")
        }

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let events = EventServiceClient(client: client)
                    var request = ListHistoryRequest(
                        pattern: pattern, fromSequence: from, filter: filter)
                    var found: [Publication] = []
                    repeat {
                        let page = try await events.listHistory(
                            request, options: server.callOptions)
                        if let gap = page.gap { EventReport.tell(gap) }
                        found += page.publications
                        request.fromSequence = page.nextSequence
                    } while request.fromSequence > 0 && found.count < limit
                    EventReport.show(Array(found.prefix(limit)), server.output)
                }
            }
        }
    }

    /// Makes a topic or changes its limits.
    struct PutTopic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put-topic", abstract: "Make a topic, or give one other limits.")

        @Argument(help: "The topic.")
        var topic: String

        @Option(help: "Publications held. Default: 10000.")
        var maxPublications: Int64?

        @Option(help: "Bytes held. Default: 64 MiB.")
        var maxBytes: Int64?

        @Option(help: ArgumentHelp("How long each is held. Default: 7 days.", valueName: "seconds"))
        var maxAge: Int64?

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                let limits = TopicLimits(
                    maxPublications: maxPublications ?? 0, maxBytes: maxBytes ?? 0,
                    maxAgeMillis: (maxAge ?? 0).multipliedClamped(by: 1_000))
                try await server.withClient { client in
                    let response = try await EventServiceClient(client: client).putTopic(
                        PutTopicRequest(topic: topic, limits: limits), options: server.callOptions)
                    EventReport.show([response.topic ?? Topic()], server.output)
                }
            }
        }
    }

    /// Forgets a topic.
    struct DeleteTopic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "delete-topic", abstract: "Forget a topic and its history.")

        @Argument(help: "The topic.")
        var topic: String

        @OptionGroup var server: ServerOptions

        func run() async throws {
            try await reporting {
                try await server.withClient { client in
                    let response = try await EventServiceClient(client: client).deleteTopic(
                        DeleteTopicRequest(topic: topic), options: server.callOptions)
                    if server.output == .json {
                        printJSON { $0.member("removed", response.removed) }
                    } else {
                        printVisible("\(topic) forgotten, \(response.removed) publications removed")
                    }
                }
            }
        }
    }
}
