import Coordination
import Store
import Testing

@testable import Engine

/// Publishing, topics, and where readers begin, in the engine.
@Suite struct PublishTests {
    private var bench = EngineBench()

    @Test mutating func `a publication is on disk before it is answered, and told to who follows`()
    {
        let follower = bench.send { .event(.follow(.default), $0) }
        let outcome = bench.publish("a.b", "{\"x\":1}")
        #expect(
            outcome
                == .success(
                    PublishedEvent(sequence: 1, topicSequence: 1, receivers: 0, isExisting: false)))
        #expect(bench.publications.values.map(\.sequence) == [1])
        #expect(bench.told(follower) == [1])
        #expect(bench.notices.contains(.published(count: 1)))
    }

    @Test mutating func `many publications have an outcome each`() {
        bench.engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: 1),
            limits: EngineLimits { $0.maxTopics = 1 })
        let items = ["a", "b", "a"].map { PublishEvents.Item(content: .json($0, "{}")) }
        let answer = bench.ask {
            .event(.publish(PublishEvents(namespace: .default, items: items)), $0)
        }
        guard case .event(.outcomes(let outcomes)) = answer else { return #expect(Bool(false)) }
        #expect(outcomes.map { try? $0.get().sequence } == [1, nil, 2])
        #expect(throws: Rejection.self) { try outcomes[1].get() }
    }

    @Test mutating func `a repeat publishes nothing, over a restart too`() throws {
        let first = bench.publish("a", "{}", requestID: "r")
        for _ in 1...2 {
            guard case .success(let again) = bench.publish("a", "{}", requestID: "r") else {
                return #expect(Bool(false))
            }
            #expect(again.isExisting && again.sequence == 1)
            try bench.restart(after: 10)
        }
        #expect(bench.publications.count == 1)
        guard case .failure(let rejection) = bench.publish("a", "[]", requestID: "r") else {
            return #expect(Bool(false))
        }
        #expect(rejection.reason == "REQUEST_ID_REUSED")
        #expect((try? first.get().isExisting) == false)
    }

    @Test mutating func `a repeat over another connection is one, whatever its address`() {
        func content(_ publisher: String) -> PublicationContent {
            PublicationContent(
                topic: "a", payload: Payload(bytes: Array("{}".utf8)), publisher: publisher)
        }
        _ = bench.publish(content("10.0.0.1:4000"), requestID: "r", statedPublisher: "")
        let again = bench.publish(content("10.0.0.1:4001"), requestID: "r", statedPublisher: "")
        #expect((try? again.get())?.isExisting == true)
        // Who names itself is part of what is published.
        let other = bench.publish(content("ann"), requestID: "r", statedPublisher: "ann")
        guard case .failure(let rejection) = other else { return #expect(Bool(false)) }
        #expect(rejection.reason == "REQUEST_ID_REUSED")
        #expect(bench.publications.values.map(\.content.publisher) == ["10.0.0.1:4000"])
    }

    @Test mutating func `sequences go on after a restart`() throws {
        _ = bench.publish("a", "{}")
        _ = bench.publish("b", "{}")
        try bench.restart()
        #expect((try? bench.publish("a", "{}").get())?.sequence == 3)
        #expect((try? bench.publish("a", "{}").get())?.topicSequence == 3)
        #expect((try? bench.publish("c", "{}", in: "other").get())?.sequence == 1)
    }

    @Test mutating func `limits of a topic take rows out of the store`() throws {
        _ = bench.put("a", TopicLimits(maxPublications: 2))
        for _ in 1...5 { _ = bench.publish("a", "{}") }
        #expect(Set(bench.publications.keys.map(\.sequence)) == [4, 5])
        try bench.restart()
        #expect(bench.topics().map(\.held) == [2])
        #expect(bench.topics().first?.settings.removedThrough == 3)
    }

    @Test mutating func `what is too old goes by itself`() throws {
        _ = bench.put("a", TopicLimits(maxAgeMillis: 1_000))
        _ = bench.publish("a", "{}")
        bench.pass(millis: 500)
        _ = bench.publish("a", "{}")
        bench.pass(millis: 500)
        #expect(bench.publications.keys.map(\.sequence) == [2])
        try bench.restart(after: 400)
        bench.pass(millis: 100)
        #expect(bench.publications.isEmpty)
        #expect(bench.topics().map(\.name) == ["a"])
    }

    @Test mutating func `a deleted topic leaves piece by piece, and over a restart`() throws {
        let items = (1...1_000).map { _ in PublishEvents.Item(content: .json("a", "{}")) }
        for _ in 1...5 {
            bench.send { .event(.publish(PublishEvents(namespace: .default, items: items)), $0) }
        }
        #expect(bench.publications.count == 5_000)
        let answer = bench.ask {
            .event(.deleteTopic(TopicReference(namespace: .default, topic: "a"), by: .nobody), $0)
        }
        guard case .event(.topicDeleted(let removed)) = answer else {
            return #expect(Bool(false))
        }
        #expect(removed == 5_000)
        #expect(bench.publications.isEmpty)
        try bench.restart()
        #expect(bench.topics().isEmpty)
        #expect((try? bench.publish("b", "{}").get())?.sequence == 5_001)
    }

    @Test mutating func `rows that outlived their removal go after a restart`() throws {
        for _ in 1...3 { _ = bench.publish("a", "{}") }
        _ = bench.put("a", TopicLimits(maxPublications: 1))
        bench.putBack(sequence: 1, topic: "a")
        try bench.restart()
        #expect(bench.publications.keys.map(\.sequence) == [3])
        #expect(bench.topics().map(\.held) == [1])
    }

    // MARK: Readers

    @Test mutating func `a reader begins where it wants, or is told what is missing`() {
        _ = bench.put("a", TopicLimits(maxPublications: 2))
        for topic in ["a", "b", "a", "a"] { _ = bench.publish(topic, "{}") }
        #expect(bench.join(["a"], .now)?.next == 5)
        #expect(bench.join(["a"], .oldest)?.next == 3)
        #expect(bench.join([">"], .oldest)?.next == 2)
        #expect(bench.join(["c"], .oldest)?.next == 5)
        #expect(bench.join(["b"], .from(1))?.next == 1)
        #expect(bench.join(["a"], .from(2))?.next == 2)
        #expect(bench.join(["a"], .from(5))?.next == 5)
        #expect(bench.refusal(["a"], .from(1))?.details["oldest_sequence"] == "2")
        #expect(bench.refusal(["a"], .from(1))?.code == .outOfRange)
        #expect(bench.refusal(["a"], .from(6))?.details["newest_sequence"] == "4")
        let gap = bench.join(["a"], .from(1), refusesGap: false)
        #expect(gap?.gapThrough == 1 && gap?.next == 1)
    }

    @Test mutating func `who has read is told what was removed`() {
        _ = bench.put("a", TopicLimits(maxPublications: 1))
        for topic in ["a", "b", "a"] { _ = bench.publish(topic, "{}") }
        let check = CheckTopics(
            namespace: .default, patterns: [.all], topics: ["a", "b", "never"])
        guard case .event(.checked(let checked)) = bench.ask({ .event(.check(check), $0) }) else {
            return #expect(Bool(false))
        }
        #expect(checked.removedThrough == 1 && checked.byTopic == ["a": 1])
    }

    @Test mutating func `nothing leaves before it is on disk`() {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        let follow = ReplyTicket(port: 0, call: 1)
        let publish = ReplyTicket(port: 0, call: 2)
        let join = ReplyTicket(port: 0, call: 3)
        engine.submit(.event(.follow(.default), follow))
        engine.submit(
            .event(
                .publish(
                    PublishEvents(
                        namespace: .default,
                        items: [PublishEvents.Item(content: .json("a", "{}"))])), publish))
        engine.submit(
            .event(
                .join(JoinTopics(namespace: .default, patterns: [.all], start: .now)), join))
        let now = EngineTime(monotonicNanos: 1, wallMillis: 1)
        #expect(engine.turn(now, random: 1).replies.map(\.ticket) == [follow])
        guard let batch = engine.seal() else { return #expect(Bool(false)) }
        #expect(batch.publications.count == 1)
        let released = engine.batchCommitted(batch.number, at: now).replies
        // Where the reader begins comes before what is published, so that it knows what to leave out.
        #expect(released.map(\.ticket) == [publish, join, follow])
    }

    @Test mutating func `who has gone is told nothing more`() {
        let follower = bench.send { .event(.follow(.default), $0) }
        _ = bench.publish("a", "{}")
        bench.post(.abandon(ReplyTicket(port: 0, call: follower)))
        _ = bench.publish("a", "{}")
        #expect(bench.told(follower) == [1])
        #expect(bench.engine.events.followerCount == 0)
    }

    @Test mutating func `who follows is told what is removed, behind what is published with it`() {
        let follower = bench.send { .event(.follow(.default), $0) }
        _ = bench.put("a", TopicLimits(maxPublications: 2))
        for _ in 1...3 { _ = bench.publish("a", "{}") }
        guard case .event(.removed) = bench.answers[follower]?.last else {
            return #expect(Bool(false))
        }
        bench.delete(topic: "a")
        _ = bench.put("b", TopicLimits(maxAgeMillis: 1_000))
        _ = bench.publish("b", "{}")
        bench.pass(millis: 1_001)
        #expect(bench.toldRemoved(follower) == [["a": 1], ["a": 3], ["b": 4]])
        #expect(bench.told(follower) == [1, 2, 3, 4])
    }

    @Test mutating func `topics are listed by page and pattern`() {
        for topic in ["b", "a.y", "a.x", "c"] { _ = bench.publish(topic, "{}") }
        #expect(bench.topics().map(\.name) == ["a.x", "a.y", "b", "c"])
        #expect(bench.topics("a.*").map(\.name) == ["a.x", "a.y"])
        #expect(bench.topics(after: "a.x", limit: 2).map(\.name) == ["a.y", "b"])
    }
}
