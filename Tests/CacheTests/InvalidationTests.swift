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
        test.watch(by: watcher)
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
        test.cache.unwatch(test.space, by: watcher, now: test.nanos)
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
        test.watch(by: watcher)
        test.set("b", "1")
        test.cache.unwatch(test.space, by: watcher, now: test.nanos)
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
        test.watch(by: watcher)
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

    @Test func `a namespace that is watched is kept, however many others there are`() throws {
        let test = CacheUnderTest { $0.maxNamespaces = 3 }
        let wakes = Locked(0)
        let watcher = InvalidationWatcher { wakes.withLock { $0 += 1 } }
        let unused = test.cache.namespace("watched")
        for name in ["x", "y"] { _ = test.cache.namespace(name) }
        // What is watched is the namespace of that name as it is now.
        let space = try #require(test.cache.watch("watched", by: watcher).namespace)
        #expect(space !== unused)
        _ = test.cache.watch("also", by: InvalidationWatcher {})
        #expect(space.log.read(after: 0, limit: 9, for: watcher) == [])
        for round in 1...5 {
            for number in 0..<10 { _ = test.cache.namespace("\(round) \(number)") }
            let found = test.cache.namespace("watched")
            let write = CacheWrite(CachedPayload(bytes: [1]), ttlNanos: 1_000_000_000)
            _ = test.cache.set(found.key("k"), write, in: found, now: test.nanos)
            #expect(wakes.snapshot == round)
            let told = space.log.read(after: UInt64(round - 1), limit: 9, for: watcher)
            #expect(told?.map(\.target) == [.key("k")])
        }
        // Those that nobody watches are not fewer for that.
        let last = test.cache.namespace("5 9")
        _ = test.cache.namespace("5 8")
        #expect(test.cache.namespace("5 9") === last)
        // Without its watcher it is one of them.
        test.cache.unwatch(space, by: watcher, now: test.nanos)
        #expect(test.cache.watcherCount == 1)
        #expect(test.cache.namespace("watched") === space)
        for number in 0..<2 { _ = test.cache.namespace("other \(number)") }
        #expect(test.cache.namespace("watched") !== space)
    }

    @Test func `so many namespaces may be watched, by so many each`() throws {
        let test = CacheUnderTest { $0.maxNamespaces = 3 }
        let watchers = (0..<3).map { _ in InvalidationWatcher {} }
        let first = try #require(test.cache.watch("0", by: watchers[0]).namespace)
        #expect(test.cache.watch("1", by: watchers[1]).namespace != nil)
        guard case .tooManyNamespaces(2) = test.cache.watch("2", by: watchers[2]) else {
            Issue.record("a third namespace is watched")
            return
        }
        // Another watcher of the same ones may come, and the default one is always watched.
        #expect(test.cache.watch("1", by: watchers[2]).namespace != nil)
        #expect(test.cache.watch("default", by: watchers[2]).namespace === test.space)
        test.cache.unwatch(first, by: watchers[0], now: test.nanos)
        test.cache.unwatch(first, by: watchers[0], now: test.nanos)
        #expect(test.cache.watch("2", by: watchers[0]).namespace != nil)
        #expect(test.cache.watcherCount == 4)
        for _ in 0..<999 { test.watch(by: InvalidationWatcher {}) }
        guard case .tooManyWatchers(1_000) = test.cache.watch("default", by: watchers[0]) else {
            Issue.record("one watcher too many")
            return
        }
    }

    @Test func `a write that lost its lease is told to nobody`() {
        let test = CacheUnderTest()
        test.set("k", "v") { $0.lease = 99 }
        #expect(test.space.log.sequence == 0)
    }
}
