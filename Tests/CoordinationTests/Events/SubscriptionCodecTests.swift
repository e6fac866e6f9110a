import Coordination
import JSON
import Testing

/// Subscriptions as they are stored, and publications as they are handed on.
@Suite struct SubscriptionCodecTests {
    private static let definition = SubscriptionDefinition(
        name: "s", patterns: [TopicPattern("a.*")!, .all], filter: "key = \"k\"",
        targets: [
            .agent(type: "t", operation: "o", hasEnvelope: true),
            .workflow(name: "w", workflowID: "${key}", waits: true, hasEnvelope: false),
            .signal(workflowID: "i", signal: "g", starting: "w", hasEnvelope: false),
        ], start: .from(7),
        policy: DeliveryPolicy(
            maxAttempts: 2, initialMillis: 3, factor: 1.5, maxMillis: 4, ackTimeoutMillis: 500),
        isPaused: true, summary: "for people")

    @Test func `a definition is read back`() throws {
        let bytes = SubscriptionCodec.encode(Self.definition, createdMillis: 5, updatedMillis: 6)
        let (again, created, updated) = try SubscriptionCodec.decode(bytes)
        #expect(again == Self.definition && created == 5 && updated == 6)
        for start in [SubscriptionDefinition.Start.now, .oldest] {
            let plain = SubscriptionDefinition(name: "p", patterns: [.all], start: start)
            let bytes = SubscriptionCodec.encode(plain, createdMillis: 0, updatedMillis: 0)
            #expect(try SubscriptionCodec.decode(bytes).0 == plain)
        }
    }

    @Test func `what was done is read back`() throws {
        var machine = SubscriberMachine(SubscriberState(acknowledged: 4, knownRemoved: 2))
        machine.sent([5, 6], through: 8)
        _ = machine.acknowledge(5)
        _ = machine.failed(
            6, StepFailure(type: "x", message: "y", retryable: true, retryAfterMillis: 9),
            .defaults, at: 100, random: 1)
        machine.passedGap(from: 1, through: 3)
        machine.droppedDeadLetter()
        let state = machine.state
        #expect(try SubscriptionCodec.decodeState(SubscriptionCodec.encode(state)) == state)
        let marks = [
            EventDeadLetterMark(sequence: 3), EventDeadLetterMark(sequence: 9, isRequeued: true),
        ]
        #expect(try SubscriptionCodec.decodeMarks(SubscriptionCodec.encode(marks)) == marks)
    }

    @Test func `a dead letter is read back with its publication`() throws {
        let content = PublicationContent(
            topic: "a", payload: Payload(bytes: [1, 2, 200], contentType: "x/y"), key: "k",
            attributes: [.init(name: "n", value: "v")], publisher: "p")
        let letter = EventDeadLetter(
            subscription: "s", target: "agent/t/o",
            publication: Publication(content, sequence: 5, topicSequence: 2, atMillis: 77),
            attempts: 3, failure: StepFailure(type: "t", message: "m", retryable: false),
            parkedMillis: 99)
        let again = try SubscriptionCodec.decodeLetter(SubscriptionCodec.encode(letter))
        #expect(again.subscription == "s" && again.target == "agent/t/o" && again.attempts == 3)
        #expect(again.failure == letter.failure && again.parkedMillis == 99)
        #expect(again.publication.sequence == 5 && again.publication.topicSequence == 2)
        #expect(again.publication.content.payload == content.payload)
        #expect(again.publication.content.head == content.head)
    }

    @Test func `stored bytes of the first format are read`() throws {
        let state = try SubscriptionCodec.decodeState([1, 10, 4, 0, 0, 0, 0, 6, 2, 0, 0, 0])
        #expect(state.acknowledged == 5 && state.knownRemoved == 2 && state.delivered == 3)
        #expect(state.deadLettered == 1 && state.lastFailure == nil)
        let stored: [UInt8] =
            [1, 10, 12, 1, 115, 1, 1, 62, 0, 1, 0, 0, 5, 208, 15]
            + [0, 0, 0, 0, 0, 0, 0, 64] + [192, 169, 7, 224, 212, 3, 0, 0]
        let (definition, created, updated) = try SubscriptionCodec.decode(stored)
        #expect(definition == SubscriptionDefinition(name: "s", patterns: [.all]))
        #expect(created == 5 && updated == 6)
        #expect(
            SubscriptionCodec.encode(definition, createdMillis: 5, updatedMillis: 6) == stored)
        #expect(throws: CodecError.self) { try SubscriptionCodec.decodeState([9]) }
    }

    @Test func `keys of dead letters sort by sequence`() {
        let keys = [1, 9, 10, 100, Int64.max].map {
            EventDeadLetter.key(subscription: "s", target: "t", sequence: $0)
        }
        #expect(keys == keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    // MARK: What targets are given

    private static func publication(_ json: String, type: String = Payload.json) -> Publication {
        Publication(
            PublicationContent(
                topic: "a.b", payload: Payload(bytes: Array(json.utf8), contentType: type),
                key: "k", attributes: [.init(name: "n", value: "v\"")], publisher: "p"),
            sequence: 3, topicSequence: 1, atMillis: 5)
    }

    private static func plan(_ workflowID: String, hasEnvelope: Bool = false) -> EventPlan {
        let target = SubscriptionTarget.workflow(
            name: "w", workflowID: workflowID, waits: false, hasEnvelope: hasEnvelope)
        return EventPlan(
            SubscriptionDefinition(name: "s", patterns: [.all], targets: [target]), target)
    }

    @Test func `an envelope is the whole publication as JSON`() throws {
        let given = Self.plan("", hasEnvelope: true).delivery(of: Self.publication("[1, 2]"))
        let text = String(decoding: try #require(given).payload.bytes, as: UTF8.self)
        #expect(
            text == #"{"topic":"a.b","sequence":3,"published_unix_millis":5,"key":"k","#
                + #""attributes":{"n":"v\""},"publisher":"p","payload":[1, 2]}"#)
        let image = Self.plan("", hasEnvelope: true).delivery(
            of: Self.publication("x", type: "image/png"))
        let null = String(decoding: try #require(image).payload.bytes, as: UTF8.self)
        #expect(null.hasSuffix(#""payload":null}"#))
    }

    @Test(arguments: [
        ("order-${payload.id}", "order-7"), ("${payload.id}", "7"), ("${key}/${topic}", "k/a.b"),
        ("${attributes.n}", "v\""), ("plain", "plain"),
    ])
    func `a workflow id is filled in`(_ text: String, _ name: String) {
        #expect(EventPlan.fault(ofWorkflowID: text) == nil)
        let given = Self.plan(text).delivery(of: Self.publication(#"{"id":7}"#))
        #expect(given?.workflowID == name && given?.failure == nil)
    }

    @Test func `what cannot be filled in is a failure that is not tried again`() {
        for text in ["${payload.missing}", "${payload}"] {
            let given = Self.plan(text).delivery(of: Self.publication(#"{"id":7}"#))
            #expect(given?.failure?.type == "bad_workflow_id")
            #expect(given?.failure?.retryable == false)
        }
        let image = Self.plan("x").delivery(of: Self.publication("x", type: "image/png"))
        #expect(image?.failure?.type == "not_json")
    }

    @Test(arguments: ["${input.x}", "${a", "${steps.x.output}"])
    func `what refers to nothing is refused`(_ text: String) {
        #expect(EventPlan.fault(ofWorkflowID: text) != nil)
    }
}
