import Coordination
import Store
import Testing

@testable import Engine

/// Dead letters of subscriptions that deliver to agents.
@Suite struct EventLetterTests {
    private var bench = EngineBench()

    private static let agent = SubscriptionTarget.agent(
        type: "probe", operation: "work", hasEnvelope: false)

    @Test mutating func `a dead letter of an agent that fails again has its newest failure`() {
        bench.join("probe/1", type: "probe")
        bench.subscribe("s", ["a"], [Self.agent], DeliveryPolicy(maxAttempts: 2, initialMillis: 1))
        _ = bench.publish("a", "1")
        for _ in 1...2 {
            bench.finishLast(EngineBench.trouble)
            bench.pass(millis: 10)
        }
        _ = bench.requeue("s", 1)
        let other = StepFailure(type: "other", message: "no", retryable: true)
        bench.finishLast(.failure(other))
        let letters = bench.storedLetters()
        #expect(letters.map(\.attempts) == [3] && letters.first?.failure.type == "other")
    }

    @Test mutating func `which dead letter is meant must be said where there are several targets`()
    {
        let other = SubscriptionTarget.agent(type: "other", operation: "work", hasEnvelope: false)
        bench.subscribe("s", ["a"], [Self.agent, other])
        for target in ["", "agent/nobody/work"] {
            let rejection = bench.requeue("s", 1, target: target)?.rejection
            #expect(rejection?.code == .invalid && rejection?.fields.map(\.field) == ["target"])
            #expect(rejection?.message.contains("agent/probe/work, agent/other/work") == true)
        }
        #expect(bench.requeue("s", 1, target: "agent/other/work")?.rejection?.code == .notFound)
    }
}
