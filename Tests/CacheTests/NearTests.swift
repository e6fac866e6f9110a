import Testing
import Threads

@testable import Cache

/// Copies near the cores, seen from outside: they show in nothing but speed.
@Suite struct NearTests {
    enum Change: CaseIterable {
        case set, setByAgent, invalidateKey, invalidatePrefix, invalidateTag, invalidateAll, end
    }

    @Test(arguments: Change.allCases)
    func `a copy ends with its value`(change: Change) {
        let test = NearUnderTest()
        test.warm("k", "old")
        switch change {
        case .set: test.set("k", "new")
        case .setByAgent: test.base.set("k", "new", by: "a", ttl: 1_000)
        case .invalidateKey: #expect(test.base.invalidate(.key("k")) == 1)
        case .invalidatePrefix: #expect(test.base.invalidate(.prefix("")) == 1)
        case .invalidateTag: #expect(test.base.invalidate(.tag("tag")) == 1)
        case .invalidateAll: #expect(test.base.invalidate(.everything) == 1)
        case .end: test.base.now += 1_000
        }
        let expected = change == .set || change == .setByAgent ? "new" : nil
        for _ in 0..<20 { #expect(test.base.get("k").text == expected) }
    }

    @Test func `a copy grows stale and ends when its value does`() {
        let test = NearUnderTest()
        test.warm("k", "v") { $0.softNanos = 500_000_000 }
        test.base.now += 499
        for _ in 0..<10 { #expect(test.base.get("k").hit?.isStale == false) }
        test.base.now += 1
        let copied = test.nearCounts.staleHits
        for _ in 0..<100 { #expect(test.base.get("k").hit?.isStale == true) }
        #expect(test.nearCounts.staleHits > copied)
        test.base.now += 500
        #expect(test.base.get("k").isMiss)
        #expect(test.base.cache.statistics.shared.expirations == 1)
    }

    @Test func `every hit is counted once, near or far, stale or negative`() {
        let test = NearUnderTest()
        test.warm("k", "v") { $0.softNanos = 500_000_000 }
        test.warm("none", nil) { $0.softNanos = 500_000_000 }
        let before = test.base.cache.statistics.shared
        let copied = test.nearCounts
        for _ in 0..<1_000 {
            _ = test.base.get("k")
            _ = test.base.cache.item(test.base.space.key("none"), now: test.base.nanos)
        }
        test.base.now += 500
        for _ in 0..<300 {
            _ = test.base.get("none")
            _ = test.base.get("k", as: "a")
        }
        let after = test.base.cache.statistics.shared
        #expect(after.hits - before.hits == 2_000)
        #expect(after.staleHits - before.staleHits == 600)
        #expect(after.negativeHits - before.negativeHits == 1_300)
        #expect(after.freshNegativeHits - before.freshNegativeHits == 1_000)
        #expect(test.nearCounts.hits - copied.hits > 1_500)
        #expect(test.nearCounts.staleHits - copied.staleHits > 200)
    }

    @Test func `copies serve only while their shard is calm`() {
        let test = NearUnderTest()
        test.warm("k", "v")
        for index in 0..<16 { #expect(test.base.get("absent \(index)").isMiss) }
        let copied = test.nearCounts.hits
        for _ in 0..<300 { #expect(test.base.get("k").text == "v") }
        #expect(test.nearCounts.hits == copied)
        test.warm("k", "v")
        #expect(test.nearCounts.hits > copied)
    }

    @Test func `what is asked for under terms takes the long way, and its lease is given`() {
        let test = NearUnderTest()
        test.warm("k", "v") { $0.softNanos = 500_000_000 }
        test.base.now += 500
        #expect(test.base.get("k", lease: 100).lease != nil)
    }

    @Test(arguments: [(400, true), (600, false)])
    func `only small values are copied`(bytes: Int, isCopied: Bool) {
        let test = NearUnderTest()
        test.warm("k", String(repeating: "x", count: bytes))
        #expect((test.nearCounts.hits > 0) == isCopied)
    }

    @Test func `a copy is the value in memory of its own`() throws {
        let text = "a key that is longer than fifteen bytes"
        let payload = CachedPayload(bytes: [1, 2, 3], contentType: "application/octet-stream")
        let item = CacheItem(
            CacheKey(text, space: 1), owner: nil, payload: payload, staleAt: 5, expiresAt: 7,
            version: 9, fillNanos: 0, tags: ["tag"], weight: nil)
        let copy = try #require(item.nearCopy(maxBytes: 512))
        #expect(copy !== item)
        #expect(copy.key == item.key && copy.payload == payload && copy.version == 9)
        #expect(copy.staleAt == 5 && copy.expiresAt == 7 && copy.tier == .shared)
        let bytes = try [item, copy].map { item in
            try #require(item.payload).bytes.withUnsafeBytes { $0.baseAddress }
        }
        #expect(bytes[0] != bytes[1])
    }

    @Test func `two caches in one process do not mix`() {
        let (one, other) = (NearUnderTest(), NearUnderTest())
        one.warm("k", "one")
        other.warm("k", "other")
        for _ in 0..<100 {
            #expect(one.base.get("k").text == "one")
            #expect(other.base.get("k").text == "other")
        }
        #expect(one.base.invalidate(.key("k")) == 1)
        #expect(one.base.get("k").isMiss)
        #expect(other.base.get("k").text == "other")
    }
}

/// A cache of one shard, and what its near copies did.
final class NearUnderTest {
    let base: CacheUnderTest
    var nearCounts: CacheTierStatistics { base.cache.near.counts }

    init(_ change: @escaping (inout CacheConfiguration) -> Void = { _ in }) {
        base = CacheUnderTest {
            $0.shards = 1
            change(&$0)
        }
    }

    func set(_ key: String, _ text: String?, _ change: (inout CacheWrite) -> Void = { _ in }) {
        base.set(key, text, ttl: 1_000) {
            $0.tags = ["tag"]
            change(&$0)
        }
    }

    /// Sets a value and asks for it until its shard is calm and it has a copy, if it can have one.
    func warm(_ key: String, _ text: String?, _ change: (inout CacheWrite) -> Void = { _ in }) {
        set(key, text, change)
        for _ in 0..<1_000 { #expect(base.get(key).text == text) }
    }
}
