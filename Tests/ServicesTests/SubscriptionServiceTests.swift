import GRPC
import Messages
import Stubs
import Testing

/// Durable subscriptions over real sockets.
struct SubscriptionServiceTests {
    private typealias Client = EventServiceClient

    private func publish(_ events: Client, _ topic: String, _ json: String) async throws {
        _ = try await events.publish(
            PublishRequest(topic: topic, payload: Payload(data: Array(json.utf8))))
    }

    private func put(
        _ events: Client, _ name: String, targets: [SubscriptionTarget] = [], filter: String = "",
        policy: DeliveryPolicy? = nil
    ) async throws -> PutSubscriptionResponse {
        var definition = SubscriptionDefinition(name: name, patterns: ["a.>", "b"])
        definition.filter = filter
        definition.targets = targets
        definition.policy = policy
        return try await events.putSubscription(PutSubscriptionRequest(subscription: definition))
    }

    private static func durable(_ name: String, window: Int32 = 0) -> SubscribeRequest {
        SubscribeRequest(
            mode: .durable(DurableSubscriber(subscription: name, maxUnacknowledged: window)))
    }

    private func status(_ events: Client, _ name: String) async throws -> SubscriberStatus? {
        try await events.getSubscription(GetSubscriptionRequest(name: name))
            .subscription?.subscribers.first
    }

    @Test func `what is not acknowledged comes again on the next stream`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            let made = try await put(events, "s")
            #expect(made.changed && made.subscription?.subscribers.map(\.target) == ["stream"])
            #expect(try await put(events, "s").changed == false)
            for number in 1...6 { try await publish(events, "a.x", "\(number)") }
            var seen: [Int64] = []
            for _ in 1...2 {
                let stream = try await events.subscribe(Self.durable("s"))
                for try await message in stream {
                    if let first = message.publications.first {
                        seen.append(first.sequence)
                        #expect(message.attempt >= 1)
                        let done = try await events.ack(
                            AckRequest(subscription: "s", sequence: first.sequence + 1))
                        #expect(done.acknowledgedSequence == first.sequence + 1)
                        break
                    }
                }
                stream.cancel()
            }
            #expect(seen == [1, 3])
            #expect(try await status(events, "s")?.acknowledgedSequence == 4)
        }
    }

    /// What a reader is told until a publication of this sequence comes: gaps, and publications.
    private func read(
        _ events: Client, _ name: String, until last: Int64
    ) async throws -> (gaps: [EventGap], sequences: [Int64]) {
        let stream = try await events.subscribe(Self.durable(name))
        var gaps: [EventGap] = []
        var sequences: [Int64] = []
        for try await message in stream {
            if let gap = message.gap { gaps.append(gap) }
            sequences += message.publications.map(\.sequence)
            if sequences.contains(last) { break }
        }
        stream.cancel()
        return (gaps, sequences)
    }

    /// Another stream keeps at hand what is published, and with it what is removed.
    @Test func `what was removed is told as one gap, though it is at hand`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            let other = VolatileSubscriber(patterns: ["other"])
            let keeping = try await events.subscribe(SubscribeRequest(mode: .volatile(other)))
            for try await _ in keeping { break }
            _ = try await put(events, "s")
            for number in 1...3 { try await publish(events, "a.x", "\(number)") }
            for number in 4...8 { try await publish(events, "b", "\(number)") }
            _ = try await events.deleteTopic(DeleteTopicRequest(topic: "a.x"))
            _ = try await events.putTopic(
                PutTopicRequest(topic: "b", limits: TopicLimits(maxPublications: 2)))
            let told = try await read(events, "s", until: 8)
            #expect(told.gaps == [EventGap(fromSequence: 1, throughSequence: 6)])
            #expect(told.sequences == [7, 8])
            #expect(try await status(events, "s")?.lastGap == told.gaps.first)
            keeping.cancel()
        }
    }

    /// Far more than is read from the store at a time.
    @Test func `what was removed is told as one gap, however many pages it goes over`() async throws
    {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            _ = try await put(events, "s")
            let requests = (1...900).map { number in
                PublishRequest(
                    topic: number % 2 == 0 ? "a.x" : "a.y", payload: Payload(data: [0x31]))
            }
            for _ in 1...4 {
                _ = try await events.publishMany(PublishManyRequest(publications: requests))
            }
            for topic in ["a.x", "a.y"] {
                _ = try await events.deleteTopic(DeleteTopicRequest(topic: topic))
            }
            try await publish(events, "b", "1")
            let told = try await read(events, "s", until: 3_601)
            #expect(told.gaps == [EventGap(fromSequence: 1, throughSequence: 3_600)])
            #expect(told.sequences == [3_601])
            #expect(try await status(events, "s")?.lastGap == told.gaps.first)
        }
    }

    @Test func `no more is out than the reader takes`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            _ = try await put(events, "s")
            for number in 1...10 { try await publish(events, "b", "\(number)") }
            let stream = try await events.subscribe(Self.durable("s", window: 2))
            var seen: [Int64] = []
            for try await message in stream {
                #expect(message.publications.count <= 2)
                seen += message.publications.map(\.sequence)
                guard let last = message.publications.last else { continue }
                #expect(last.sequence <= Int64(seen.count))
                _ = try await events.ack(AckRequest(subscription: "s", sequence: last.sequence))
                if seen.count == 10 { break }
            }
            #expect(seen == Array(1...10))
        }
    }

    @Test func `a refusal brings it again, then it is a dead letter and can come again`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            _ = try await put(
                events, "s", policy: DeliveryPolicy(maxAttempts: 2, initialMillis: 1))
            for number in 1...3 { try await publish(events, "b", "\(number)") }
            let stream = try await events.subscribe(Self.durable("s"))
            var attempts: [Int32] = []
            var seen: [Int64] = []
            for try await message in stream {
                guard let first = message.publications.first else { continue }
                if message.requeued {
                    #expect(first.sequence == 1 && seen.last == 3)
                    _ = try await events.ack(AckRequest(subscription: "s", sequence: 1))
                    break
                }
                if first.sequence == 1 {
                    attempts.append(message.attempt)
                    let refused = try await events.nack(NackRequest(subscription: "s", sequence: 1))
                    #expect(refused.deadLettered == (attempts.count == 2))
                    continue
                }
                seen += message.publications.map(\.sequence)
                if seen.last == 3 {
                    _ = try await events.ack(AckRequest(subscription: "s", sequence: 3))
                    let letters = try await events.listEventDeadLetters(
                        ListEventDeadLettersRequest(subscription: "s"))
                    #expect(letters.deadLetters.map { $0.publication?.sequence } == [1])
                    _ = try await events.requeueEvent(
                        RequeueEventRequest(subscription: "s", sequence: 1))
                }
            }
            #expect(attempts == [1, 2] && seen == [2, 3])
            let letters = try await events.listEventDeadLetters(ListEventDeadLettersRequest())
            #expect(letters.deadLetters.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a reader for whom there is nothing hears how far that goes`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            _ = try await put(events, "s")
            try await publish(events, "b", "1")
            let stream = try await events.subscribe(Self.durable("s"))
            var told: Int64 = 0
            for try await message in stream {
                if let first = message.publications.first {
                    #expect(first.sequence == 1)
                    for _ in 1...3 { try await publish(events, "c", "1") }
                }
                told = max(told, message.sequence)
                if told == 4 { break }
            }
            #expect(told == 4)
            // What is out is out as before.
            #expect(try await status(events, "s")?.acknowledgedSequence == 0)
        }
    }

    @Test func `an agent is given what fits, whole if asked`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            let target = SubscriptionTarget(
                target: .agent(AgentTarget(agentType: "probe", operation: "say", envelope: true)))
            _ = try await put(events, "s", targets: [target], filter: "payload.n > 1")
            for number in 1...3 { try await publish(events, "a.x", "{\"n\":\(number)}") }
            var status: SubscriberStatus?
            repeat {
                status = try await self.status(events, "s")
            } while status?.acknowledgedSequence != 3
            #expect(status?.target == "agent/probe/say")
            #expect(status?.delivered == 2 && status?.deadLetters == 0 && status?.lag == 0)
        }
    }

    @Test func `one that reads too slowly holds up neither another nor the publisher`() async throws
    {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            // Nothing is delivered again while the test waits for its turn on a busy machine.
            let patient = DeliveryPolicy(ackTimeoutMillis: 3_600_000)
            _ = try await put(events, "slow", policy: patient)
            _ = try await put(events, "fast", policy: patient)
            let slow = try await events.subscribe(Self.durable("slow", window: 10_000))
            let fast = try await events.subscribe(Self.durable("fast"))
            let text = "\"" + String(repeating: "x", count: 50_000) + "\""
            async let publishing: Void = {
                for _ in 1...100 { try await publish(events, "b", text) }
            }()
            var next: Int64 = 1
            for try await message in fast {
                for publication in message.publications {
                    #expect(publication.sequence == next)
                    next += 1
                }
                if let last = message.publications.last {
                    _ = try await events.ack(
                        AckRequest(subscription: "fast", sequence: last.sequence))
                }
                if next > 100 { break }
            }
            try await publishing
            next = 1
            for try await message in slow {
                for publication in message.publications {
                    #expect(publication.sequence == next)
                    next += 1
                }
                if next > 100 { break }
            }
            #expect(next == 101)
        }
    }

    @Test func `what is wrong with a subscription is all named`() async throws {
        try await ServerUnderTest.with { server in
            let events = Client(client: server.client)
            var definition = SubscriptionDefinition(name: "", patterns: ["a..b"])
            definition.filter = "nonsense ="
            definition.targets = [
                SubscriptionTarget(),
                SubscriptionTarget(target: .signal(SignalTarget(workflowID: "${input.x}"))),
            ]
            definition.policy = DeliveryPolicy(maxAttempts: -1, ackTimeoutMillis: 5)
            let bad = definition
            do throws(GRPCStatus) {
                _ = try await events.putSubscription(PutSubscriptionRequest(subscription: bad))
                #expect(Bool(false), "it was taken")
            } catch {
                #expect(error.code == .invalidArgument)
                #expect(
                    Set(error.badFields.map(\.path)) == [
                        "subscription.name", "subscription.patterns[0]", "subscription.filter",
                        "subscription.targets[0]", "subscription.targets[1].signal.signal",
                        "subscription.targets[1].signal.workflow_id",
                        "subscription.policy.max_attempts",
                        "subscription.policy.ack_timeout_millis",
                    ])
            }
        }
    }
}
