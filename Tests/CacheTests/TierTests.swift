import Cache
import Testing

/// Two tiers, promotion, and that a key has one value in all of them.
@Suite struct TierTests {
    @Test func `a value lies in its agent's tier, and an empty one is a hit`() {
        let test = CacheUnderTest()
        #expect(test.set("k", "", by: "a") == .stored(.agent, version: 2))
        #expect(test.get("k", as: "a").text == "")
        #expect(test.get("k", as: "a").tier == .agent)
        #expect(test.get("k", as: "b").isMiss)
        #expect(test.get("k").isMiss)
    }

    @Test func `names that look alike are two: keys, agents and tags`() {
        let test = CacheUnderTest()
        for (one, other) in [
            ("caf\u{e9}", "cafe\u{301}"), ("a\u{301}\u{323}", "a\u{323}\u{301}"),
            ("K", "\u{212a}"),
        ] {
            test.set(one, "one") { $0.tags = [one] }
            #expect(test.get(other).isMiss)
            test.set(other, "other") { $0.tags = [other] }
            #expect(test.get(one).text == "one" && test.get(other).text == "other")
            #expect(test.invalidate(.tag(one)) == 1)
            #expect(test.get(one).isMiss && test.get(other).text == "other")
            #expect(test.invalidate(.key(one)) == 0)
            // A key of its own each time: three readers make it everybody's.
            test.set("own \(one)", "x", by: one) { $0.tier = .agent }
            #expect(test.get("own \(one)", as: one).text == "x")
            #expect(test.get("own \(one)", as: other).isMiss)
            // The same text, made another way.
            #expect(test.get(String(decoding: Array(other.utf8), as: UTF8.self)).text == "other")
            _ = test.invalidate(.everything)
        }
    }

    @Test func `without an agent a value is everybody's`() {
        let test = CacheUnderTest()
        test.set("k", "v")
        #expect(test.get("k").tier == .shared)
        #expect(test.get("k", as: "a").text == "v")
        #expect(test.get("k", as: "a").tier == .shared)
    }

    @Test func `the third distinct reader moves a key, with the time it has left`() {
        let test = CacheUnderTest()
        test.set("k", "v", by: "a", ttl: 10_000)
        #expect(test.get("k", as: "a").text == "v")
        for _ in 0..<5 { #expect(test.get("k", as: "b").isMiss) }
        test.now += 4_000
        let third = test.get("k", as: "c")
        #expect(third.text == "v")
        #expect(third.tier == .shared)
        #expect(third.hit?.isPromoted == true)
        #expect(test.get("k").text == "v")
        #expect(test.get("k", as: "b").hit?.isPromoted == false)
        test.now += 5_999
        #expect(test.get("k", as: "a").tier == .shared)
        test.now += 1
        #expect(test.get("k", as: "a").isMiss)
        #expect(test.cache.statistics.promotions == 1)
    }

    @Test func `a read in an agent's own tier moves a key that others asked for before`() {
        let test = CacheUnderTest()
        for agent in ["b", "c"] { _ = test.get("k", as: agent) }
        test.set("k", "v", by: "a")
        #expect(test.get("k", as: "a").tier == .shared)
        #expect(test.get("k", as: "d").text == "v")
    }

    @Test func `keys move however many are read in turn`() {
        let test = CacheUnderTest {
            $0.agentCapacity = 64 << 20
            $0.sharedCapacity = 64 << 20
            $0.shards = nil
        }
        let keys = (0..<50_000).map { "key \($0)" }
        for key in keys { test.set(key, "v", by: "a") }
        for agent in ["b", "c", "d"] { for key in keys { _ = test.get(key, as: agent) } }
        // Now and then more keys meet in one place than it has room for.
        #expect(test.cache.statistics.promotions > 49_900)
        #expect(test.cache.statistics.agent.entries < 100)
    }

    @Test func `what enough agents missed is set for all`() {
        let test = CacheUnderTest()
        for agent in ["a", "b", "c"] { #expect(test.get("k", as: agent).isMiss) }
        #expect(test.set("k", "v", by: "a") == .stored(.shared, version: 2))
        #expect(test.get("k", as: "d").text == "v")
    }

    @Test func `readers are forgotten`() {
        let test = CacheUnderTest { $0.readerMemoryNanos = 1_000_000_000 }
        for agent in ["a", "b"] { _ = test.get("k", as: agent) }
        test.now += 3_000
        _ = test.get("k", as: "c")
        test.set("k", "v", by: "c")
        #expect(test.get("k", as: "c").tier == .agent)
    }

    @Test func `a write reaches every tier`() {
        let test = CacheUnderTest()
        test.set("k", "1", by: "a")
        test.set("k", "2", by: "b")
        #expect(test.get("k", as: "a").isMiss)
        #expect(test.get("k", as: "b").text == "2")
        test.set("k", "3")
        #expect(test.get("k", as: "a").text == "3")
        #expect(test.get("k", as: "b").text == "3")
        // The key is everybody's now, and stays that.
        test.set("k", "4", by: "a")
        #expect(test.get("k", as: "b").text == "4")
        // Unless an agent wants it for itself.
        test.set("k", "5", by: "a") { $0.tier = .agent }
        #expect(test.get("k").isMiss)
        #expect(test.get("k", as: "b").isMiss)
        #expect(test.get("k", as: "a").text == "5")
        #expect(test.cache.statistics.agent.entries == 1)
        #expect(test.cache.statistics.shared.entries == 0)
    }

    @Test func `fills of several agents stand side by side`() {
        let test = CacheUnderTest { $0.promotionReaders = 4 }
        for agent in ["a", "b"] {
            let token = test.get("k", as: agent, lease: 1_000).lease?.token ?? 0
            test.set("k", "of \(agent)", by: agent) { $0.lease = token }
        }
        #expect(test.get("k", as: "a").text == "of a")
        #expect(test.get("k", as: "b").text == "of b")
        #expect(test.invalidate(.key("k")) == 2)
        #expect(test.get("k", as: "a").isMiss)
    }

    @Test func `soft and hard TTL, negative entries, and what jitter takes off`() {
        let test = CacheUnderTest()
        test.set("k", "v", ttl: 1_000) { $0.softNanos = 400_000_000 }
        test.set("none", nil, ttl: 1_000)
        #expect(test.get("k").hit?.isStale == false)
        test.now += 400
        #expect(test.get("k").hit?.isStale == true)
        #expect(test.get("none").hit != nil)
        #expect(test.get("none").hit?.item.payload == nil)
        test.now += 600
        #expect(test.get("k").isMiss)
        #expect(test.get("none").isMiss)
        var ends: Set<Int64> = []
        for index in 0..<100 {
            test.set("j\(index)", "v", ttl: 1_000) { $0.jitter = 0.2 }
            let item = test.get("j\(index)").hit?.item
            ends.insert(((item?.expiresAt ?? 0) - test.nanos) / 1_000_000)
        }
        #expect(ends.allSatisfy { (799...1_000).contains($0) })
        #expect(ends.count > 20)
        let statistics = test.cache.statistics.shared
        #expect(statistics.staleHits == 1)
        #expect(statistics.negativeHits == 2)
        #expect(statistics.expirations == 2)
    }

    @Test func `weight bounds both tiers, and what is too heavy is not taken in`() {
        let test = CacheUnderTest {
            $0.sharedCapacity = 100_000
            $0.agentCapacity = 50_000
            $0.shards = 1
        }
        let text = String(repeating: "x", count: 1_000)
        for index in 0..<300 {
            test.set("k\(index)", text)
            test.set("a\(index)", text, by: "agent")
        }
        let full = test.cache.statistics
        #expect(full.shared.weight <= 100_000 && full.shared.weight > 90_000)
        #expect(full.agent.weight <= 50_000 && full.agent.weight > 45_000)
        // Each was kept, is gone for another, or was not taken in.
        #expect(full.shared.evictions + full.shared.entries + full.shared.rejections == 300)
        let heavy = test.set("heavy", String(repeating: "x", count: 100_000))
        guard case .notAdmitted = heavy else { return #expect(Bool(false), "\(heavy)") }
        #expect(test.get("heavy").isMiss)
        // A value that became too heavy leaves nothing old behind.
        test.set("k299", String(repeating: "x", count: 100_000))
        #expect(test.get("k299").isMiss)
    }

    @Test func `a write that changes the tier is counted once`() {
        let test = CacheUnderTest {
            $0.sharedCapacity = 1_000
            $0.shards = 1
        }
        for agent in ["a", "b", "c"] { #expect(test.get("k", as: agent).isMiss) }
        let stored = test.set("k", String(repeating: "x", count: 2_000), by: "a")
        guard case .stored(.agent, _) = stored else { return #expect(Bool(false), "\(stored)") }
        let statistics = test.cache.statistics
        #expect(statistics.agent.sets == 1 && statistics.agent.rejections == 0)
        #expect(statistics.shared.sets == 0 && statistics.shared.rejections == 0)
    }

    @Test func `what has ended makes room without being read`() {
        let test = CacheUnderTest { $0.shards = 1 }
        for index in 0..<100 { test.set("k\(index)", "v", ttl: 10) }
        test.now += 20
        for index in 0..<30 { test.set("l\(index)", "v") }
        #expect(test.cache.statistics.shared.entries == 30)
        #expect(test.cache.statistics.shared.expirations == 100)
    }

    @Test func `namespaces are apart, and too many of them begin anew`() {
        let test = CacheUnderTest { $0.maxNamespaces = 2 }
        test.set("k", "v")
        let other = test.cache.namespace("other")
        #expect(test.cache.item(other.key("k"), now: test.nanos) == nil)
        #expect(test.cache.namespace("default") === test.space)
        _ = test.cache.namespace("third")
        #expect(test.cache.namespace("default") === test.space)
        #expect(test.cache.namespace("other") !== other)
        #expect(test.cache.namespace("other").log.epoch != other.log.epoch)
    }
}
