import Coordination
import Store
import Testing

@testable import Engine

/// Subscriptions that deliver to agents, start runs and signal them.
@Suite struct CourierTests {
    private var bench = EngineBench()

    private static func open(_ name: String) -> WorkflowDefinition {
        var step = StepDefinition(id: "wait", agentType: "", operation: "")
        step.kind = .wait(WaitSpec(signal: "go"))
        return WorkflowDefinition(name: name, version: "1", steps: [step])
    }

    private static let agent = SubscriptionTarget.agent(
        type: "probe", operation: "work", hasEnvelope: false)

    // MARK: Agents

    @Test mutating func `an agent is given one after the other, in order`() {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a.*"], [Self.agent])
        for number in 1...3 { _ = bench.publish("a.x", "\(number)") }
        _ = bench.publish("b", "{}")
        #expect(bench.dispatches.count == 1)
        for _ in 1...3 { bench.finishLast(EngineBench.success) }
        #expect(bench.dispatches.map(\.payload.bytes) == ["1", "2", "3"].map { Array($0.utf8) })
        let status = bench.status("s")
        // The fourth was not for it.
        #expect(status?.state.acknowledged == 4 && status?.state.delivered == 3)
        #expect(status?.lag == 0)
    }

    @Test
    mutating func `a failure is tried again, then becomes a dead letter, and the rest goes on`() {
        bench.join("probe/1", type: "probe")
        bench.subscribe(
            "s", ["a"], [Self.agent], DeliveryPolicy(maxAttempts: 3, initialMillis: 100))
        _ = bench.publish("a", "1")
        _ = bench.publish("a", "2")
        for attempt in 1...3 {
            #expect(bench.dispatches.count == attempt)
            bench.finishLast(EngineBench.trouble)
            bench.pass(millis: 500)
        }
        #expect(
            bench.dispatches.map { String(decoding: $0.payload.bytes, as: UTF8.self) } == [
                "1", "1", "1", "2",
            ])
        #expect(bench.dispatches.map(\.attempt) == [1, 2, 3, 1])
        bench.finishLast(EngineBench.success)
        let status = bench.status("s")
        #expect(status?.state.deadLettered == 1 && status?.deadLetters == 1)
        #expect(status?.state.acknowledged == 2 && status?.state.delivered == 1)
        #expect(bench.notices.contains(.event(.deadLettered)))
        let letters = bench.storedLetters()
        #expect(letters.map(\.publication.sequence) == [1] && letters.first?.attempts == 3)
        #expect(letters.first?.failure.type == "unreachable")
    }

    @Test mutating func `a dead letter is delivered again, or given up`() throws {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent], DeliveryPolicy(maxAttempts: 1))
        for number in 1...2 {
            _ = bench.publish("a", "\(number)")
            bench.finishLast(EngineBench.trouble)
        }
        #expect(bench.storedLetters().count == 2)
        // What is not at hand any more comes from the dead letter itself.
        _ = bench.put("a", TopicLimits(maxPublications: 1))
        try bench.restart()
        bench.join("probe/1", type: "probe")
        #expect(bench.requeue("s", 1)?.rejection == nil)
        #expect(bench.dispatches.last?.payload.bytes == Array("1".utf8))
        bench.finishLast(EngineBench.success)
        #expect(bench.storedLetters().map(\.publication.sequence) == [2])
        #expect(bench.requeue("s", 1)?.rejection?.code == .notFound)
        #expect(bench.requeue("s", 2, isDiscarded: true)?.rejection == nil)
        #expect(bench.storedLetters().isEmpty)
        #expect(bench.status("s")?.deadLetters == 0)
    }

    @Test mutating func `without an agent it waits, and that is no attempt`() {
        bench.subscribe("s", ["a"], [Self.agent], DeliveryPolicy(maxAttempts: 1))
        _ = bench.publish("a", "1")
        bench.pass(millis: 60_000)
        #expect(bench.status("s")?.state.deadLettered == 0)
        #expect(bench.status("s")?.lag == 1)
        bench.join("probe/1", type: "probe")
        bench.pass(millis: 120_000)
        #expect(bench.dispatches.count == 1)
    }

    @Test mutating func `no answer in time is a failed attempt`() {
        bench.join("probe/1", type: "probe")
        bench.subscribe(
            "s", ["a"], [Self.agent],
            DeliveryPolicy(maxAttempts: 2, initialMillis: 100, ackTimeoutMillis: 1_000))
        _ = bench.publish("a", "1")
        bench.pass(millis: 1_001)
        #expect(bench.status("s")?.state.failures == 1)
        #expect(bench.status("s")?.state.lastFailure?.type == "ack_timeout")
    }

    @Test mutating func `a target that fails does not hold up another`() {
        bench.join("probe/1", type: "probe")
        bench.join("other/1", type: "other")
        let other = SubscriptionTarget.agent(type: "other", operation: "work", hasEnvelope: true)
        bench.subscribe("s", ["a"], [Self.agent, other])
        for number in 1...3 { _ = bench.publish("a", "\(number)") }
        for _ in 1...3 {
            let next = bench.dispatches.last { $0.agent.name == "other/1" }
            if let next { bench.finish(next, EngineBench.success) }
        }
        #expect(bench.dispatches.count { $0.agent.name == "other/1" } == 3)
        #expect(bench.dispatches.count { $0.agent.name == "probe/1" } == 1)
        let envelope = bench.dispatches.last.map {
            String(decoding: $0.payload.bytes, as: UTF8.self)
        }
        #expect(envelope?.contains(#""topic":"a","sequence":3"#) == true)
        #expect(envelope?.hasSuffix(#""payload":3}"#) == true)
    }

    @Test mutating func `a subscription goes on where it was after a restart`() throws {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent])
        for number in 1...3 { _ = bench.publish("a", "\(number)") }
        bench.finishLast(EngineBench.success)
        try bench.restart()
        bench.join("probe/1", type: "probe")
        bench.pass(millis: 5_000)
        // The second was out when the server went down: it comes again.
        #expect(bench.dispatches.last?.payload.bytes == Array("2".utf8))
        bench.finishLast(EngineBench.success)
        bench.finishLast(EngineBench.success)
        #expect(bench.status("s")?.state.acknowledged == 3)
    }

    @Test mutating func `a filter passes over what does not fit`() {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent], filter: "payload.n >= 2")
        for number in 1...3 { _ = bench.publish("a", "{\"n\":\(number)}") }
        bench.finishLast(EngineBench.success)
        bench.finishLast(EngineBench.success)
        #expect(
            bench.dispatches.map(\.payload.bytes) == [2, 3].map { Array("{\"n\":\($0)}".utf8) })
        #expect(bench.status("s")?.state.acknowledged == 3)
    }

    @Test mutating func `what was removed before it came is told`() {
        bench.subscribe("s", ["a"], [Self.agent])
        for number in 1...5 { _ = bench.publish("a", "\(number)") }
        _ = bench.put("a", TopicLimits(maxPublications: 2))
        bench.join("probe/1", type: "probe")
        bench.pass(millis: 5_000)
        // The first was made ready before its row went.
        bench.finishLast(EngineBench.success)
        let state = bench.status("s")?.state
        #expect(state?.gapFrom == 2 && state?.gapThrough == 3)
        #expect(bench.dispatches.last?.payload.bytes == Array("4".utf8))
        #expect(bench.notices.contains(.event(.gap)))
    }

    // MARK: Runs

    @Test mutating func `each publication starts a run, exactly one`() throws {
        bench.put(Self.open("flow"))
        bench.subscribe(
            "s", ["a"],
            [.workflow(name: "flow", workflowID: "", waits: false, hasEnvelope: false)])
        for number in 1...3 { _ = bench.publish("a", "{\"n\":\(number)}") }
        #expect(bench.engine.openRunCount == 3)
        try bench.restart()
        bench.pass(millis: 1_000)
        // The bench does not bring runs back; what was done is not done again.
        #expect(bench.engine.openRunCount == 0)
        #expect(bench.status("s")?.state.acknowledged == 3)
        bench.put(Self.open("flow"))
        _ = bench.publish("a", "{}")
        #expect(bench.engine.openRunCount == 1)
    }

    @Test mutating func `runs are named by what the publication says`() {
        bench.put(Self.open("flow"))
        bench.subscribe(
            "s", ["a"],
            [
                .workflow(
                    name: "flow", workflowID: "${topic}-${payload.id}", waits: false,
                    hasEnvelope: false)
            ])
        for id in ["x", "y", "x"] { _ = bench.publish("a", "{\"id\":\"\(id)\"}") }
        // The third found the first one's run open.
        #expect(bench.engine.openRunCount == 2)
        let name = ScopedName(namespace: .default, name: "a-y")
        #expect(bench.engine.workflowIndex[name] != nil)
        _ = bench.publish("a", "{}")
        #expect(bench.status("s")?.state.lastFailure?.type == "bad_workflow_id")
        #expect(bench.storedLetters().count == 1)
    }

    @Test mutating func `a run is signalled, or started for the signal`() {
        bench.put(Self.open("flow"))
        let target = SubscriptionTarget.signal(
            workflowID: "${key}", signal: "go", starting: "flow", hasEnvelope: false)
        bench.subscribe("s", ["a"], [target])
        let content = PublicationContent(
            topic: "a", payload: Payload(bytes: Array("7".utf8)), key: "k")
        _ = bench.publish(content)
        // The signal ends the run's only step.
        #expect(bench.engine.openRunCount == 0)
        #expect(bench.status("s")?.state.delivered == 1)
        #expect(bench.status("s")?.deadLetters == 0)
    }

    @Test mutating func `a signal without a run is tried again`() {
        let target = SubscriptionTarget.signal(
            workflowID: "w", signal: "go", starting: "", hasEnvelope: false)
        bench.subscribe("s", ["a"], [target], DeliveryPolicy(maxAttempts: 2, initialMillis: 100))
        _ = bench.publish("a", "1")
        #expect(bench.status("s")?.state.lastFailure?.type == "no_open_run")
        bench.pass(millis: 1_000)
        #expect(bench.storedLetters().map(\.failure.type) == ["no_open_run"])
    }

    @Test mutating func `many starts wait for room in a batch`() {
        bench.put(Self.open("flow"))
        bench.subscribe(
            "s", ["a"],
            [.workflow(name: "flow", workflowID: "", waits: false, hasEnvelope: false)])
        let items = (1...500).map { _ in PublishEvents.Item(content: .json("a", "{}")) }
        bench.send { .event(.publish(PublishEvents(namespace: .default, items: items)), $0) }
        #expect(bench.engine.openRunCount == 500)
        #expect(bench.status("s")?.state.acknowledged == 500)
    }

    // MARK: Definitions

    @Test mutating func `the same again changes nothing, and what stays goes on`() {
        bench.join("probe/1", type: "probe")
        #expect(bench.subscribe("s", ["a"], [Self.agent]) == true)
        #expect(bench.subscribe("s", ["a"], [Self.agent]) == false)
        _ = bench.publish("a", "1")
        bench.finishLast(EngineBench.success)
        #expect(bench.subscribe("s", ["b"], [Self.agent]) == true)
        _ = bench.publish("b", "2")
        #expect(bench.dispatches.last?.payload.bytes == Array("2".utf8))
        bench.finishLast(EngineBench.success)
        #expect(bench.status("s")?.state.delivered == 2)
    }

    @Test mutating func `a deleted one takes its dead letters along`() throws {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent], DeliveryPolicy(maxAttempts: 1))
        _ = bench.publish("a", "1")
        bench.finishLast(EngineBench.trouble)
        let name = SubscriptionName(namespace: .default, name: "s")
        let answer = bench.ask { .event(.subscription(.delete(name, by: .nobody)), $0) }
        #expect(answer?.rejection == nil)
        #expect(bench.storedLetters().isEmpty)
        try bench.restart()
        #expect(bench.status("s") == nil)
        #expect(bench.storedKinds.filter { (42...44).contains($0) }.isEmpty)
    }

    @Test mutating func `paused, it delivers nothing, and later goes on`() {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent], isPaused: true)
        _ = bench.publish("a", "1")
        bench.pass(millis: 1_000)
        #expect(bench.dispatches.isEmpty)
        bench.subscribe("s", ["a"], [Self.agent])
        #expect(bench.dispatches.count == 1)
    }
}
