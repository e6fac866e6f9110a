import Coordination
import Store
import Testing

@testable import Engine

/// Subscriptions that are put anew or deleted while somebody works on what they deliver.
@Suite struct SubscriptionChangeTests {
    private var bench = EngineBench()
    private let name = SubscriptionName(namespace: .default, name: "s")

    private static let agent = SubscriptionTarget.agent(
        type: "probe", operation: "work", hasEnvelope: false)

    private mutating func attach() -> UInt64 {
        bench.send { [name] in .event(.subscription(.attach(name)), $0) }
    }

    private mutating func sent(_ stream: UInt64, _ sequence: Int64) {
        let sent = SentEvents(flow: bench.flow(stream), sequences: [sequence], through: sequence)
        bench.post(
            .event(.subscription(.sent(name, sent)), ReplyTicket(port: 0, call: stream)))
    }

    private mutating func ack(_ sequence: Int64) {
        bench.send { [name] in
            .event(.subscription(.acknowledge(name, sequence: sequence)), $0)
        }
    }

    /// An agent works on the first of two publications.
    private mutating func beginWork() {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent])
        for number in 1...2 { _ = bench.publish("a", "\(number)") }
    }

    @Test mutating func `what an agent works on is not given out again for another summary`() {
        beginWork()
        let policy = DeliveryPolicy(maxAttempts: 7)
        #expect(bench.subscribe("s", ["a"], [Self.agent], policy, summary: "x") == true)
        #expect(bench.dispatches.count == 1 && bench.cancels.isEmpty)
        bench.finishLast(EngineBench.success)
        #expect(bench.status("s")?.state.acknowledged == 1)
        #expect(bench.dispatches.map(\.payload.bytes) == ["1", "2"].map { Array($0.utf8) })
    }

    @Test mutating func `paused, it lets an agent end what it works on`() {
        beginWork()
        bench.subscribe("s", ["a"], [Self.agent], isPaused: true)
        bench.finishLast(EngineBench.success)
        #expect(bench.status("s")?.state.delivered == 1)
        #expect(bench.dispatches.count == 1 && bench.cancels.isEmpty)
        bench.subscribe("s", ["a"], [Self.agent])
        #expect(bench.dispatches.count == 2)
    }

    @Test mutating func `what an agent works on is cancelled when it is given something else`() {
        beginWork()
        let first = bench.dispatches[0].token
        bench.subscribe("s", ["a"], [Self.agent], filter: "topic = \"a\"")
        #expect(bench.cancels == [first])
        #expect(bench.dispatches.map(\.payload.bytes) == ["1", "1"].map { Array($0.utf8) })
        bench.finishLast(EngineBench.success)
        #expect(bench.status("s")?.state.acknowledged == 1)
        #expect(bench.engine.openInvokeCount == 1)
    }

    @Test mutating func `what an agent works on is cancelled when its subscription is deleted`() {
        beginWork()
        let first = bench.dispatches[0].token
        bench.send { [name] in .event(.subscription(.delete(name, by: .nobody)), $0) }
        #expect(bench.cancels == [first] && bench.engine.openInvokeCount == 0)
    }

    @Test mutating func `a dead letter that is out again is cancelled too`() {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent], DeliveryPolicy(maxAttempts: 1))
        _ = bench.publish("a", "1")
        bench.finishLast(EngineBench.trouble)
        _ = bench.requeue("s", 1)
        let again = bench.dispatches.last?.token
        bench.send { [name] in .event(.subscription(.delete(name, by: .nobody)), $0) }
        #expect(bench.dispatches.count == 2)
        #expect(bench.cancels.count == 1 && bench.cancels.last == again)
    }

    @Test mutating func `a reader goes on although the subscription has another summary`() {
        bench.subscribe("s", ["a"], [.stream])
        _ = bench.publish("a", "1")
        let stream = attach()
        sent(stream, 1)
        bench.subscribe("s", ["a"], [.stream], summary: "x")
        #expect(bench.status("s")?.isConnected == true && bench.resumes(stream) == [1])
        ack(1)
        #expect(bench.status("s")?.state.delivered == 1)
    }

    @Test mutating func `a reader whose subscription is paused waits on its stream`() {
        bench.subscribe("s", ["a"], [.stream])
        for number in 1...2 { _ = bench.publish("a", "\(number)") }
        let stream = attach()
        sent(stream, 1)
        bench.subscribe("s", ["a"], [.stream], isPaused: true)
        #expect(bench.isHeld(stream) && bench.status("s")?.isConnected == true)
        ack(1)
        #expect(bench.isHeld(stream))
        bench.subscribe("s", ["a"], [.stream])
        #expect(!bench.isHeld(stream) && bench.resumes(stream) == [1, 2])
    }

    @Test mutating func `a reader subscribes anew when it is to be given something else`() {
        bench.subscribe("s", ["a"], [.stream])
        let stream = attach()
        bench.subscribe("s", ["b"], [.stream])
        #expect(bench.answers[stream]?.last?.rejection?.reason == "SUBSCRIPTION_CHANGED")
    }
}
