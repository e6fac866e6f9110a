import GRPC
import Messages
import NIOPosix
import Stubs
import Testing

/// Events over real sockets.
struct EventServiceTests {
    private typealias Client = EventServiceClient

    private func status(_ body: () async throws -> Void) async -> GRPCStatus? {
        do {
            try await body()
            return nil
        } catch {
            return error as? GRPCStatus
        }
    }

    private static func request(
        _ topic: String, _ json: String = "{}", requestID: String = ""
    ) -> PublishRequest {
        var request = PublishRequest()
        request.topic = topic
        request.payload = Payload(data: Array(json.utf8))
        request.requestID = requestID
        return request
    }

    private static func subscribe(
        _ patterns: [String], filter: String = "", from: Int64? = nil, oldest: Bool = false
    ) -> SubscribeRequest {
        var subscriber = VolatileSubscriber(patterns: patterns, filter: filter)
        if let from { subscriber.start = EventStart(position: .fromSequence(from)) }
        if oldest { subscriber.start = EventStart(position: .oldest(true)) }
        return SubscribeRequest(mode: .volatile(subscriber))
    }

    /// Reads sequences until there are so many; publications must be what was published.
    private func read(
        _ stream: MessageStream<SubscribeResponse>, _ count: Int
    ) async throws -> [Int64] {
        var found: [Int64] = []
        for try await message in stream {
            found += message.publications.map(\.sequence)
            if found.count >= count { break }
        }
        return found
    }

    @Test func `what is published is answered, listed and told`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            var request = Self.request("market.listed", #"{"symbol":"BTC"}"#, requestID: "r1")
            request.key = "BTC"
            request.attributes = ["venue": "mexc"]
            let first = try await events.publish(request)
            #expect(first.sequence == 1 && first.topicSequence == 1 && !first.existing)
            #expect(try await events.publish(request).existing)
            let page = try await events.listHistory(ListHistoryRequest(pattern: "market.*"))
            let publication = try #require(page.publications.first)
            #expect(publication.topic == "market.listed" && publication.key == "BTC")
            #expect(publication.payload?.data == Array(#"{"symbol":"BTC"}"#.utf8))
            #expect(publication.attributes["venue"] == "mexc")
            #expect(!publication.publisher.isEmpty && page.nextSequence == 0)
            let topics = try await events.listTopics(ListTopicsRequest())
            #expect(topics.topics.map(\.name) == ["market.listed"] && topics.newestSequence == 1)
        }
    }

    @Test func `a request id is known on another connection`() async throws {
        try await ServerUnderTest.with { server in
            let request = Self.request("a", requestID: "r")
            let many = PublishManyRequest(publications: [Self.request("b", requestID: "m")])
            let events = Client(client: server.client)
            _ = try await events.publish(request)
            _ = try await events.publishMany(many)
            let other = GRPCClient(
                host: "127.0.0.1", port: server.port, group: MultiThreadedEventLoopGroup.singleton)
            let again = try? await Client(client: other).publish(request)
            let outcomes = try? await Client(client: other).publishMany(many).outcomes
            await other.close()
            #expect(again?.existing == true && again?.sequence == 1)
            guard case .response(let response) = outcomes?.first?.outcome else {
                Issue.record("\(String(describing: outcomes))")
                return
            }
            #expect(response.existing && response.sequence == 2)
        }
    }

    @Test func `each of many has its own outcome`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            let response = try await events.publishMany(
                PublishManyRequest(publications: [
                    Self.request("a"), Self.request("not a topic"), Self.request("a", "{"),
                    Self.request("b"),
                ]))
            #expect(response.published == 2)
            let codes = response.outcomes.map { outcome -> Int32 in
                if case .refusal(let refusal) = outcome.outcome { refusal.code } else { 0 }
            }
            #expect(codes == [0, 3, 3, 0])
        }
    }

    @Test func `a subscriber is told what is held, then what comes`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            for index in 1...5 {
                _ = try await events.publish(Self.request(index % 2 == 0 ? "even" : "odd"))
            }
            let all = try await events.subscribe(Self.subscribe([">"], from: 2))
            let odd = try await events.subscribe(Self.subscribe(["odd"], oldest: true))
            let later = try await events.subscribe(Self.subscribe([">"]))
            var begins: [Int64] = []
            for try await message in later {
                begins.append(message.sequence)
                break
            }
            #expect(begins == [5])
            for index in 6...8 {
                _ = try await events.publish(Self.request(index % 2 == 0 ? "even" : "odd"))
            }
            #expect(try await read(all, 7) == [2, 3, 4, 5, 6, 7, 8])
            #expect(try await read(odd, 4) == [1, 3, 5, 7])
        }
    }

    @Test func `a filter looks into payloads`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            let stream = try await events.subscribe(
                Self.subscribe(["a"], filter: "payload.n >= 3", oldest: true))
            for number in 1...4 {
                _ = try await events.publish(Self.request("a", "{\"n\":\(number)}"))
            }
            #expect(try await read(stream, 2) == [3, 4])
            let page = try await events.listHistory(
                ListHistoryRequest(pattern: "a", filter: "payload.n < 2"))
            #expect(page.publications.map(\.sequence) == [1])
        }
    }

    @Test func `what is gone is told`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            _ = try await events.putTopic(
                PutTopicRequest(topic: "a", limits: TopicLimits(maxPublications: 2)))
            for _ in 1...5 { _ = try await events.publish(Self.request("a")) }
            let failed = await status {
                let stream = try await events.subscribe(Self.subscribe(["a"], from: 2))
                for try await _ in stream {}
            }
            #expect(failed?.code == .outOfRange)
            #expect(failed?.detail(GoogleRpc.ErrorInfo.self)?.metadata["oldest_sequence"] == "4")
            let page = try await events.listHistory(
                ListHistoryRequest(pattern: "a", fromSequence: 2))
            #expect(page.gap == EventGap(fromSequence: 2, throughSequence: 3))
            #expect(page.publications.map(\.sequence) == [4, 5])
            let deleted = try await events.deleteTopic(DeleteTopicRequest(topic: "a"))
            #expect(deleted.removed == 2)
            let empty = try await events.listHistory(ListHistoryRequest(pattern: "a"))
            #expect(empty.publications.isEmpty)
        }
    }

    /// The store and what is live meet at one sequence, wherever the subscriber cuts in.
    @Test func `subscribers that cut in anywhere miss nothing and hear nothing twice`() async throws
    {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            let total: Int64 = 600
            async let publishing: Void = {
                var next: Int64 = 1
                while next <= total {
                    let count = min(Int64.random(in: 1...20), total - next + 1)
                    let requests = (0..<count).map { _ in Self.request("a") }
                    _ = try await events.publishMany(PublishManyRequest(publications: requests))
                    next += count
                }
            }()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 1...40 {
                    group.addTask {
                        let newest = try await events.listTopics(ListTopicsRequest()).newestSequence
                        let from = Int64.random(in: 1...newest + 1)
                        let stream = try await events.subscribe(Self.subscribe(["*"], from: from))
                        var next = from
                        for try await message in stream {
                            for publication in message.publications {
                                #expect(publication.sequence == next, "from \(from)")
                                next = publication.sequence + 1
                            }
                            if next > total { break }
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await publishing
        }
    }

    /// What a reader does not take waits in the history, not in memory; what goes meanwhile is told.
    @Test func `a slow reader misses nothing but what it is told of`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            _ = try await events.putTopic(
                PutTopicRequest(topic: "a", limits: TopicLimits(maxPublications: 50)))
            let stream = try await events.subscribe(Self.subscribe(["a"]))
            let text = "\"" + String(repeating: "x", count: 100_000) + "\""
            // Far more than windows and buffers take, and than the feed has at hand.
            for _ in 1...30 {
                let requests = (1...10).map { _ in Self.request("a", text) }
                _ = try await events.publishMany(PublishManyRequest(publications: requests))
            }
            var next: Int64 = 1
            for try await message in stream {
                if let gap = message.gap {
                    #expect(gap.fromSequence == next && gap.throughSequence >= next)
                    next = gap.throughSequence + 1
                }
                for publication in message.publications {
                    #expect(publication.sequence == next)
                    next = publication.sequence + 1
                }
                if next > 300 { break }
            }
            #expect(next == 301)
        }
    }
}
