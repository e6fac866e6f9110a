import Coordination
import Store
import Testing

@testable import Engine

/// What publications set in motion: runs by triggers, waits for events, and steps that publish.
@Suite struct TriggerTests {
    private var bench = EngineBench()

    private mutating func put(_ name: String, _ steps: [StepDefinition], triggers: [String] = []) {
        var definition = WorkflowDefinition(name: name, version: "1", steps: steps)
        definition.triggers = triggers
        bench.send {
            .putDefinition(PutDefinition(namespace: .default, definition: definition), $0)
        }
    }

    private static func wait(_ eventType: String) -> StepDefinition {
        var step = StepDefinition(id: "wait", agentType: "", operation: "")
        step.kind = .wait(WaitSpec(signal: "", eventType: eventType, millis: 0))
        return step
    }

    private static func publish(_ eventType: String) -> StepDefinition {
        var step = StepDefinition(id: "tell", agentType: "", operation: "")
        step.kind = .publish(eventType: eventType)
        return step
    }

    @Test mutating func `a publication starts runs and ends waits`() {
        put("watch", [Self.wait("symbol.listed")], triggers: ["pattern.detected"])
        let started = try? bench.publish("pattern.detected", #"{"s":"BTC"}"#).get()
        #expect(started?.receivers == 1)
        #expect(bench.engine.openRunCount == 1)
        let ended = try? bench.publish("symbol.listed", "{}").get()
        #expect(ended?.receivers == 1)
        #expect(bench.engine.openRunCount == 0)
        #expect((try? bench.publish("symbol.listed", "{}").get())?.receivers == 0)
    }

    @Test mutating func `what is no JSON starts nothing`() {
        put("watch", [Self.wait("never")], triggers: ["image"])
        let content = PublicationContent(
            topic: "image", payload: Payload(bytes: [1], contentType: "image/png"))
        #expect((try? bench.publish(content).get())?.receivers == 0)
        #expect(bench.engine.openRunCount == 0)
    }

    @Test mutating func `a repeat starts nothing again`() {
        put("watch", [Self.wait("never")], triggers: ["a"])
        for _ in 1...3 { _ = bench.publish("a", "{}", requestID: "r") }
        #expect(bench.engine.openRunCount == 1)
    }

    @Test mutating func `a step that publishes does so to a topic`() {
        put("source", [Self.publish("orders.made")])
        let follower = bench.send { .event(.follow(.default), $0) }
        bench.launch("source", input: #"{"id":7}"#)
        let stored = bench.publications.values.first
        #expect(stored?.content.topic == "orders.made")
        #expect(
            stored.map { String(decoding: $0.content.payload.bytes, as: UTF8.self) } == #"{"id":7}"#
        )
        #expect(stored?.content.publisher.hasPrefix("run/") == true)
        #expect(stored?.content.publisher.hasSuffix("/tell") == true)
        #expect(bench.told(follower) == [1])
    }

    @Test mutating func `an event type that is no topic still starts runs`() {
        put("target", [Self.wait("never")], triggers: ["old event"])
        put("source", [Self.publish("old event")])
        bench.launch("source")
        #expect(bench.publications.isEmpty)
        #expect(bench.engine.openRunCount == 1)
    }

    @Test mutating func `runs over the server's limit refuse the publication`() {
        bench.engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: 1), limits: EngineLimits { $0.maxOpenRuns = 1 })
        put("watch", [Self.wait("never")], triggers: ["a"])
        _ = bench.publish("a", "{}")
        guard case .failure(let rejection) = bench.publish("a", "{}") else {
            return #expect(Bool(false))
        }
        #expect(rejection.code == .overloaded)
        #expect(bench.publications.count == 1)
    }

    @Test mutating func `one publication that starts many takes their room in the batch`() {
        for index in 1...300 { put("w\(index)", [Self.wait("never")], triggers: ["a"]) }
        var engine = bench.engine
        for call in 1...3 {
            engine.submit(
                .event(
                    .publish(
                        PublishEvents(
                            namespace: .default,
                            items: [PublishEvents.Item(content: .json("a", "{}"))])),
                    ReplyTicket(port: 0, call: UInt64(call) + 5_000)))
        }
        _ = engine.turn(bench.now, random: 1)
        #expect(engine.openRunCount == 300)
        #expect(engine.seal()?.publications.count == 1)
    }
}
