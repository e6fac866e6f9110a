import Cache
import Testing

/// What becomes of values that a tier has no room for.
@Suite struct CrowdedTierTests {
    private static let text = String(repeating: "x", count: 1_000)

    /// A cache whose shared tier is full of what was read often.
    private static func crowded() -> CacheUnderTest {
        let test = CacheUnderTest {
            $0.sharedCapacity = 100_000
            $0.agentCapacity = 100_000
            $0.shards = 1
        }
        for number in 0..<100 { test.set("crowd \(number)", text) }
        for _ in 0..<12 { for number in 0..<100 { _ = test.get("crowd \(number)") } }
        return test
    }

    @Test func `a key that the shared tier does not admit stays with its agents until it does`() {
        let test = Self.crowded()
        test.set("k", Self.text, by: "a")
        let before = test.cache.statistics
        for agent in ["a", "b"] { _ = test.get("k", as: agent) }
        let third = test.get("k", as: "c")
        #expect(third.text == Self.text && third.tier == .agent)
        #expect(third.hit?.isPromoted == false)
        #expect(test.get("k", as: "a").text == Self.text)
        #expect(test.get("k").isMiss)
        let after = test.cache.statistics
        #expect(after.promotions == 0 && after.agent.entries == before.agent.entries)
        #expect(after.shared.evictions == before.shared.evictions)
        #expect(after.agent.hits == before.agent.hits + 3)
        let reads = (0..<40).prefix { _ in test.get("k", as: "b").hit?.isPromoted != true }
        #expect(reads.count < 40)
        #expect(test.get("k").text == Self.text)
        #expect(test.cache.statistics.promotions == 1)
        #expect(test.cache.statistics.agent.entries == 0)
    }

    @Test func `what the shared tier does not admit stays with the agent that wrote it`() {
        let test = Self.crowded()
        for agent in ["a", "b", "c"] { _ = test.get("k", as: agent) }
        let stored = test.set("k", Self.text, by: "a")
        guard case .stored(.agent, _) = stored else { return #expect(Bool(false), "\(stored)") }
        #expect(test.get("k", as: "a").text == Self.text)
        // Who says where gets no other tier.
        let named = test.set("l", Self.text, by: "a") { $0.tier = .shared }
        guard case .notAdmitted = named else { return #expect(Bool(false), "\(named)") }
    }

    @Test func `a value that is too heavy for an agent's tier is everybody's`() {
        let test = CacheUnderTest { $0 = CacheConfiguration() }
        let largest = String(repeating: "x", count: 2 << 20)
        let stored = test.set("k", largest, by: "a")
        guard case .stored(.shared, _) = stored else { return #expect(Bool(false), "\(stored)") }
        #expect(test.get("k", as: "a").text?.utf8.count == 2 << 20)
        _ = test.invalidate(.key("k"))
        let light = test.set("l", String(repeating: "x", count: 1_000 << 10), by: "a")
        guard case .stored(.agent, _) = light else { return #expect(Bool(false), "\(light)") }
        // It was light before; what is old goes.
        test.set("l", largest, by: "a")
        #expect(test.get("l", as: "b").text?.utf8.count == 2 << 20)
        #expect(test.cache.statistics.agent.entries == 0)
        let named = test.set("m", largest, by: "a") { $0.tier = .agent }
        guard case .notAdmitted = named else { return #expect(Bool(false), "\(named)") }
    }
}
