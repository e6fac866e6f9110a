import Coordination
import Store
import Testing

@testable import Engine

/// Subscriptions that are read on streams: the engine's side of it.
@Suite struct EventStreamTests {
    private var bench = EngineBench()
    private let name = SubscriptionName(namespace: .default, name: "s")

    private mutating func attach() -> UInt64 {
        bench.send { [name] in .event(.subscription(.attach(name)), $0) }
    }

    private mutating func sent(_ stream: UInt64, _ sequences: [Int64], through: Int64? = nil) {
        let sent = SentEvents(
            flow: bench.flow(stream), sequences: sequences,
            through: through ?? sequences.last ?? 0)
        bench.post(
            .event(.subscription(.sent(name, sent)), ReplyTicket(port: 0, call: stream)))
    }

    private mutating func ack(_ sequence: Int64) -> Answer? {
        bench.ask { [name] in
            .event(.subscription(.acknowledge(name, sequence: sequence)), $0)
        }
    }

    private mutating func nack(
        _ sequence: Int64, isRetryable: Bool = true, requestID: String = "", type: String = "bad"
    ) -> Answer? {
        let failure = StepFailure(type: type, message: "no", retryable: isRetryable)
        return bench.ask { [name] in
            .event(
                .subscription(
                    .refuse(name, sequence: sequence, failure, requestID: requestID)), $0)
        }
    }

    @Test mutating func `a refusal under the request id of another one is turned away`() {
        bench.subscribe("s", ["a"], [.stream])
        _ = bench.publish("a", "{}")
        sent(attach(), [1])
        #expect(nack(1, requestID: "n")?.rejection == nil)
        #expect(nack(1, requestID: "n")?.rejection == nil)
        let other = nack(1, isRetryable: false, requestID: "n")?.rejection
        #expect(other?.reason == "REQUEST_ID_REUSED")
        #expect(bench.storedLetters().isEmpty)
    }

    @Test mutating func `it begins behind what was acknowledged, over a restart too`() throws {
        bench.subscribe("s", ["a"], [.stream])
        for _ in 1...3 { _ = bench.publish("a", "{}") }
        let stream = attach()
        #expect(bench.resumes(stream) == [1])
        sent(stream, [1, 2, 3])
        #expect(ack(2)?.acknowledged == 2)
        #expect(ack(1)?.acknowledged == 2)
        try bench.restart()
        let again = attach()
        #expect(bench.resumes(again) == [3])
    }

    @Test mutating func `a refusal calls back what is behind it, and it comes again`() {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 2, initialMillis: 100))
        for _ in 1...4 { _ = bench.publish("a", "{}") }
        let stream = attach()
        sent(stream, [1, 2, 3])
        let refused = nack(2)
        guard case .event(.subscription(.refused(let done, let isDead, let next))) = refused else {
            return #expect(Bool(false))
        }
        #expect(done == 1 && !isDead && next > 0)
        #expect(bench.isHeld(stream))
        bench.pass(millis: 200)
        #expect(bench.resumes(stream) == [1, 2])
        sent(stream, [2, 3, 4])
        // The second time it is given up: the rest comes again behind it.
        _ = nack(2)
        #expect(bench.resumes(stream) == [1, 2, 3])
        #expect(bench.storedLetters().map(\.publication.sequence) == [2])
        #expect(bench.status("s")?.state.acknowledged == 2)
    }

    @Test mutating func `what is not out cannot be refused`() {
        bench.subscribe("s", ["a"], [.stream])
        _ = bench.publish("a", "{}")
        #expect(nack(1)?.rejection?.code == .precondition)
        let ahead = ack(2)?.rejection
        #expect(ahead?.code == .outOfRange && ahead?.details["newest_sequence"] == "1")
    }

    @Test mutating func `what is not worth another attempt is a dead letter at once`() {
        bench.subscribe("s", ["a"], [.stream])
        _ = bench.publish("a", "{}")
        let stream = attach()
        sent(stream, [1])
        _ = nack(1, isRetryable: false)
        #expect(bench.storedLetters().count == 1)
        #expect(bench.resumes(stream) == [1, 2])
    }

    @Test mutating func `no acknowledgement in time is a failed attempt`() {
        bench.subscribe(
            "s", ["a"], [.stream], DeliveryPolicy(initialMillis: 100, ackTimeoutMillis: 1_000))
        for _ in 1...2 { _ = bench.publish("a", "{}") }
        let stream = attach()
        sent(stream, [1, 2])
        bench.pass(millis: 900)
        _ = ack(1)
        bench.pass(millis: 900)
        #expect(bench.status("s")?.state.failures == 0)
        bench.pass(millis: 101)
        #expect(bench.status("s")?.state.failing == 2)
        bench.pass(millis: 200)
        #expect(bench.resumes(stream) == [1, 2])
    }

    @Test mutating func `a reader that goes down with a publication does so only so often`() {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 2, initialMillis: 10))
        for _ in 1...2 { _ = bench.publish("a", "{}") }
        for _ in 1...2 {
            let stream = attach()
            bench.pass(millis: 100)
            sent(stream, [1, 2])
            bench.post(.abandon(ReplyTicket(port: 0, call: stream)))
        }
        #expect(bench.storedLetters().map(\.publication.sequence) == [1])
        #expect(bench.storedLetters().first?.failure.type == "stream_ended")
        let next = attach()
        #expect(bench.resumes(next) == [2])
    }

    @Test mutating func `another stream takes over`() {
        bench.subscribe("s", ["a"], [.stream])
        let first = attach()
        let second = attach()
        #expect(bench.answers[first]?.last?.rejection?.code == .conflict)
        #expect(bench.resumes(second).count == 1)
        // What the first still says is not heard.
        sent(first, [1])
        #expect(bench.status("s")?.isConnected == true)
    }

    @Test mutating func `what is not for it is done without it`() {
        bench.subscribe("s", ["a"], [.stream])
        let stream = attach()
        for topic in ["b", "a", "b"] { _ = bench.publish(topic, "{}") }
        sent(stream, [2], through: 3)
        // What is before something that is out is done with it.
        #expect(bench.status("s")?.state.acknowledged == 0)
        _ = ack(2)
        #expect(bench.status("s")?.state.acknowledged == 3)
    }

    @Test mutating func `a dead letter comes again alone, when all else is done`() {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 1))
        for _ in 1...3 { _ = bench.publish("a", "{}") }
        let stream = attach()
        sent(stream, [1, 2, 3])
        _ = nack(1)
        sent(stream, [2, 3])
        #expect(bench.requeue("s", 1)?.rejection == nil)
        #expect(bench.redelivered(stream).isEmpty)
        #expect(bench.isHeld(stream))
        _ = ack(3)
        #expect(bench.redelivered(stream) == [1])
        #expect(ack(1)?.rejection == nil)
        #expect(bench.storedLetters().isEmpty)
        #expect(bench.resumes(stream).last == 4)
    }

    @Test mutating func `a dead letter that fails again is kept with its newest failure`() throws {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 1))
        _ = bench.publish("a", "7")
        let stream = attach()
        sent(stream, [1])
        _ = nack(1, type: "first")
        let parked = bench.storedLetters().first?.parkedMillis ?? 0
        bench.pass(millis: 5_000)
        _ = bench.requeue("s", 1)
        #expect(bench.redelivered(stream) == [1])
        guard
            case .event(.subscription(.refused(_, true, _))) = nack(1, type: "second")
        else { return #expect(Bool(false)) }
        let letter = try #require(bench.storedLetters().first)
        #expect(letter.failure.type == "second" && letter.attempts == 2)
        #expect(letter.parkedMillis > parked)
        #expect(letter.publication.content.payload.bytes == Array("7".utf8))
        #expect(bench.status("s")?.deadLetters == 1)
    }

    @Test mutating func `a dead letter that was given up stays away, though it fails once more`() {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 1))
        _ = bench.publish("a", "{}")
        sent(attach(), [1])
        _ = nack(1)
        _ = bench.requeue("s", 1)
        _ = bench.requeue("s", 1, isDiscarded: true)
        _ = nack(1)
        #expect(bench.storedLetters().isEmpty && bench.status("s")?.deadLetters == 0)
    }

    @Test mutating func `nothing is kept of what was removed before it was used up`() {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 1))
        _ = bench.publish("a", "{}")
        let stream = attach()
        sent(stream, [1])
        bench.delete(topic: "a")
        _ = nack(1)
        let status = bench.status("s")
        #expect(status?.state.deadLettered == 0 && status?.deadLetters == 0)
        #expect(status?.state.gapFrom == 1 && status?.state.gapThrough == 1)
        #expect(bench.storedLetters().isEmpty && bench.resumes(stream) == [1, 2])
    }

    @Test mutating func `a dead letter is kept although the subscription is put meanwhile`() throws
    {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 1))
        for _ in 1...2 { _ = bench.publish("a", "{}") }
        sent(attach(), [1, 2])
        let failure = StepFailure(type: "bad", message: "no", retryable: true)
        let pattern = try #require(TopicPattern("a"))
        // Its new filter does not let pass what has gone out.
        let anew = SubscriptionDefinition(
            name: "s", patterns: [pattern], filter: "key = \"x\"",
            policy: DeliveryPolicy(maxAttempts: 1))
        bench.post(
            .event(
                .subscription(.refuse(name, sequence: 1, failure, requestID: "")),
                ReplyTicket(port: 0, call: 900)),
            .event(
                .subscription(.put(.default, anew, by: .nobody)), ReplyTicket(port: 0, call: 901)))
        guard case .event(.subscription(.refused(_, true, _))) = bench.answers[900]?.last else {
            return #expect(Bool(false))
        }
        #expect(bench.storedLetters().map(\.publication.sequence) == [1])
        #expect(bench.storedLetters().first?.failure.type == "bad")
        let next = attach()
        #expect(bench.resumes(next) == [2])
    }

    @Test mutating func `a dead letter that cannot be read yet is asked for again`() {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 1))
        for _ in 1...2 { _ = bench.publish("a", "{}") }
        let stream = attach()
        sent(stream, [1, 2])
        bench.failsEventReads = true
        _ = nack(1)
        bench.pass(millis: 2_500)
        bench.post(.abandon(ReplyTicket(port: 0, call: stream)))
        let next = attach()
        #expect(bench.storedLetters().isEmpty && bench.resumes(next).isEmpty)
        bench.failsEventReads = false
        bench.pass(millis: 1_000)
        #expect(bench.storedLetters().map(\.publication.sequence) == [1])
        #expect(bench.storedLetters().first?.failure.type == "bad")
        #expect(bench.resumes(next) == [2])
    }

    @Test mutating func `a dead letter is kept by the next process, if its own did not come to it`()
        throws
    {
        bench.subscribe("s", ["a"], [.stream], DeliveryPolicy(maxAttempts: 1))
        for _ in 1...2 { _ = bench.publish("a", "{}") }
        sent(attach(), [1, 2])
        bench.failsEventReads = true
        _ = nack(1)
        bench.failsEventReads = false
        try bench.restart()
        #expect(bench.storedLetters().map(\.publication.sequence) == [1])
        let next = attach()
        #expect(bench.resumes(next) == [2])
    }

    @Test mutating func `what a filter left out is done over a restart too, and no gap`() throws {
        bench.subscribe("s", ["a"], [.stream], filter: "payload.n > 100")
        for _ in 1...3 { _ = bench.publish("a", "{}") }
        sent(attach(), [], through: 3)
        #expect(bench.status("s")?.state.acknowledged == 3)
        bench.pass(millis: 1_000)
        try bench.restart()
        #expect(bench.status("s")?.state.acknowledged == 3)
        // A server that goes down stores it at once.
        for _ in 1...2 { _ = bench.publish("a", "{}") }
        sent(attach(), [], through: 5)
        bench.engine.beginDraining()
        bench.drive()
        try bench.restart()
        #expect(bench.status("s")?.state.acknowledged == 5)
    }

    @Test mutating func `a gap that was told is not told again after a restart`() throws {
        bench.subscribe("s", ["a"], [.stream])
        _ = bench.publish("a", "{}")
        let stream = attach()
        var sent = SentEvents(flow: bench.flow(stream), sequences: [1], through: 1)
        sent.gapFrom = 1
        sent.gapThrough = 1
        bench.post(.event(.subscription(.sent(name, sent)), ReplyTicket(port: 0, call: stream)))
        bench.pass(millis: 1_000)
        try bench.restart()
        #expect(bench.status("s")?.state.knownRemoved == 1)
    }

    @Test mutating func `a subscription with targets has no stream`() {
        bench.subscribe(
            "s", ["a"], [.agent(type: "x", operation: "y", hasEnvelope: false)])
        let stream = attach()
        #expect(bench.answers[stream]?.last?.rejection?.reason == "SUBSCRIPTION_HAS_TARGETS")
    }
}

extension Answer {
    fileprivate var acknowledged: Int64? {
        if case .event(.subscription(.acknowledged(let sequence))) = self { sequence } else { nil }
    }
}
