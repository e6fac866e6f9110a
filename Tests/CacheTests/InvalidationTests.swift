import Cache
import Testing
import Threads

/// Keys, prefixes, tags, and the log that those who keep copies follow.
@Suite struct InvalidationTests {
    @Test func `by key, prefix, tag and all`() {
        let test = CacheUnderTest()
        for name in ["a:1", "a:2", "b:1", "é:1"] {
            test.set(name, name) { $0.tags = [String(name.last!), "all"] }
        }
        test.set("a:own", "own", by: "agent") { $0.tags = ["1"] }
        #expect(test.invalidate(.key("a:1")) == 1)
        #expect(test.get("a:1").isMiss)
        #expect(test.invalidate(.tag("1")) == 3)
        #expect(test.get("b:1").isMiss)
        #expect(test.get("a:own", as: "agent").isMiss)
        #expect(test.invalidate(.prefix("a")) == 1)
        test.set("x", "x")
        let other = test.cache.namespace("other")
        _ = test.cache.set(
            other.key("x"), CacheWrite(nil, ttlNanos: 1_000_000_000), in: other, now: test.nanos)
        #expect(test.invalidate(.everything) == 1)
        #expect(test.cache.item(other.key("x"), now: test.nanos) != nil)
        #expect(test.cache.statistics.invalidated == 6)
        #expect(test.invalidate(.tag("all")) == 0)
    }

    @Test func `tags follow their entries through replacement, promotion and eviction`() {
        let test = CacheUnderTest()
        test.set("k", "1", by: "a") { $0.tags = ["old"] }
        test.set("k", "2", by: "a") { $0.tags = ["new"] }
        #expect(test.invalidate(.tag("old")) == 0)
        for agent in ["a", "b", "c"] { _ = test.get("k", as: agent) }
        #expect(test.get("k").text == "2")
        #expect(test.invalidate(.tag("new")) == 1)
        #expect(test.get("k").isMiss)
    }

    @Test func `the log tells each, in order, and wakes who has read all`() {
        let test = CacheUnderTest()
        let log = test.space.log
        let wakes = Locked(0)
        let watcher = InvalidationWatcher { wakes.withLock { $0 += 1 } }
        #expect(log.add(watcher))
        #expect(log.read(after: 0, limit: 10, for: watcher) == [])
        test.set("a", "1")
        test.set("b", "1")
        _ = test.invalidate(.prefix("c"))
        #expect(wakes.snapshot == 1)
        let page = log.read(after: 0, limit: 2, for: watcher)
        #expect(page?.map(\.sequence) == [1, 2])
        #expect(page?.map(\.target) == [.key("a"), .key("b")])
        #expect(page?.map(\.isWrite) == [true, true])
        test.set("d", "1")
        #expect(wakes.snapshot == 1)
        #expect(log.read(after: 2, limit: 9, for: watcher)?.map(\.sequence) == [3, 4])
        test.set("e", "1")
        #expect(wakes.snapshot == 2)
        #expect(log.sequence == 5)
        #expect(test.cache.watcherCount == 1)
        log.remove(watcher, now: test.nanos)
        #expect(test.cache.watcherCount == 0)
    }

    @Test func `who comes back soon misses nothing, who comes late must flush`() {
        let test = CacheUnderTest()
        let log = test.space.log
        let watcher = InvalidationWatcher {}
        // Nobody watches: it is only counted.
        test.set("a", "1")
        #expect(log.read(after: 0, limit: 9, for: watcher) == nil)
        #expect(log.read(after: 1, limit: 9, for: watcher) == [])
        #expect(log.read(after: 2, limit: 9, for: watcher) == nil)
        #expect(log.add(watcher))
        test.set("b", "1")
        log.remove(watcher, now: test.nanos)
        test.now += 59_000
        test.set("c", "1")
        #expect(log.read(after: 1, limit: 9, for: watcher)?.count == 2)
        test.now += 2_000
        test.set("d", "1")
        #expect(log.read(after: 1, limit: 9, for: watcher) == nil)
        #expect(log.sequence == 4)
    }

    @Test func `who is too slow is told that there is a gap`() {
        let test = CacheUnderTest()
        let log = test.space.log
        let watcher = InvalidationWatcher {}
        #expect(log.add(watcher))
        for index in 0..<5_000 { _ = test.invalidate(.key("k\(index)")) }
        #expect(log.read(after: 0, limit: 9, for: watcher) == nil)
        #expect(log.read(after: 903, limit: 9, for: watcher) == nil)
        #expect(log.read(after: 904, limit: 9, for: watcher)?.first?.sequence == 905)
        // Bytes bound it as well.
        let long = String(repeating: "k", count: 500)
        for _ in 0..<4_000 { _ = test.invalidate(.prefix(long)) }
        #expect(log.read(after: 5_000, limit: 9, for: watcher) == nil)
        #expect(log.read(after: 8_990, limit: 99, for: watcher)?.count == 10)
    }

    @Test func `a write that lost its lease is told to nobody`() {
        let test = CacheUnderTest()
        test.set("k", "v") { $0.lease = 99 }
        #expect(test.space.log.sequence == 0)
    }
}
