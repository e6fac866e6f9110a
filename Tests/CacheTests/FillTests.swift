import Cache
import Testing
import Threads

/// Single flight: one fills, the others wait, and nothing old is set over what is new.
@Suite struct FillTests {
    @Test func `one is given the lease, others wait and are given the value`() throws {
        let test = CacheUnderTest()
        let lease = try #require(test.get("k", lease: 1_000).lease)
        #expect(test.get("k", lease: 1_000).isFilling)
        #expect(test.get("k").isMiss)
        let waiting = (0..<3).map { test.wait("k", as: "agent-\($0)") }
        #expect(waiting.allSatisfy { $0.last == nil })
        #expect(test.set("k", "v") { $0.lease = lease.token } == .stored(.shared, version: 3))
        #expect(waiting.allSatisfy { $0.last?.text == "v" })
        #expect(waiting.allSatisfy { $0.told.snapshot.count == 1 })
        let statistics = test.cache.statistics
        #expect(statistics.fillsGranted == 1)
        #expect(statistics.fillWaits == 3)
        #expect(statistics.fillsShared == 3)
        #expect(statistics.fillsOpen == 0)
    }

    @Test func `a lease that ran out is lost and goes to who waits`() throws {
        let test = CacheUnderTest()
        let lease = try #require(test.get("k", lease: 1_000).lease)
        let waiting = test.wait("k")
        test.now += 999
        #expect(test.cache.nudge(test.space.key("k"), now: test.nanos) == lease.expiresAt)
        #expect(waiting.last == nil)
        test.now += 1
        test.cache.nudge(test.space.key("k"), now: test.nanos)
        let next = try #require(waiting.last?.lease)
        #expect(next.token != lease.token)
        #expect(test.set("k", "late") { $0.lease = lease.token } == .leaseLost)
        #expect(test.get("k").isMiss)
        test.set("k", "v") { $0.lease = next.token }
        #expect(test.get("k").text == "v")
        #expect(test.cache.statistics.fillsLost == 1)
    }

    @Test func `an abandoned fill goes to who waits, or frees the key`() throws {
        let test = CacheUnderTest()
        let key = test.space.key("k")
        let lease = try #require(test.get("k", lease: 1_000).lease)
        let waiting = test.wait("k")
        #expect(!test.cache.abandon(key, lease: lease.token + 77, now: test.nanos))
        #expect(test.cache.abandon(key, lease: lease.token, now: test.nanos))
        let next = try #require(waiting.last?.lease)
        #expect(test.cache.abandon(key, lease: next.token, now: test.nanos))
        #expect(!test.cache.abandon(key, lease: next.token, now: test.nanos))
        #expect(test.get("k", lease: 1_000).lease != nil)
    }

    @Test func `who leaves is told no more`() throws {
        let test = CacheUnderTest()
        let lease = try #require(test.get("k", lease: 1_000).lease)
        let waiting = test.wait("k")
        let waiter = try #require(waiting.waiter)
        #expect(test.cache.leave(test.space.key("k"), waiter))
        #expect(!test.cache.leave(test.space.key("k"), waiter))
        test.set("k", "v") { $0.lease = lease.token }
        #expect(waiting.last == nil)
    }

    @Test(arguments: [
        CacheTarget.key("k:1"), .prefix("k:"), .everything,
    ])
    func `an invalidation voids what is under way`(target: CacheTarget) throws {
        let test = CacheUnderTest()
        let lease = try #require(test.get("k:1", lease: 1_000).lease)
        let waiting = test.wait("k:1")
        _ = test.invalidate(target)
        #expect(test.set("k:1", "old") { $0.lease = lease.token } == .leaseLost)
        let next = try #require(waiting.last?.lease)
        test.set("k:1", "new") { $0.lease = next.token }
        #expect(test.get("k:1").text == "new")
    }

    @Test func `an invalidated tag voids the value that would bear it`() throws {
        let test = CacheUnderTest()
        let lease = try #require(test.get("k", lease: 1_000).lease)
        let other = try #require(test.get("o", lease: 1_000).lease)
        _ = test.invalidate(.tag("t"))
        let tagged = test.set("k", "old") {
            $0.lease = lease.token
            $0.tags = ["u", "t"]
        }
        #expect(tagged == .leaseLost)
        #expect(test.set("o", "v") { $0.lease = other.token } != .leaseLost)
        test.now += 1
        let later = try #require(test.get("l", lease: 1_000).lease)
        let set = test.set("l", "v") {
            $0.lease = later.token
            $0.tags = ["t"]
        }
        #expect(set != .leaseLost)
    }

    @Test func `a lease that an invalidated tag made lost goes to who waits`() throws {
        let test = CacheUnderTest()
        let key = test.space.key("k")
        let lease = try #require(test.get("k", lease: 300_000).lease)
        let waiting = test.wait("k")
        _ = test.invalidate(.tag("t"))
        #expect(waiting.last == nil)
        test.now += 1
        func fill(_ token: UInt64) -> CacheSetOutcome {
            test.set("k", "v") {
                $0.lease = token
                $0.tags = ["t"]
            }
        }
        #expect(fill(lease.token) == .leaseLost)
        let next = try #require(waiting.last?.lease)
        #expect(fill(lease.token) == .leaseLost)
        #expect(!test.cache.abandon(key, lease: lease.token, now: test.nanos))
        #expect(fill(next.token) != .leaseLost)
        #expect(test.get("k").text == "v")
    }

    @Test func `a wait that ends without a value was one lookup`() throws {
        let test = CacheUnderTest()
        let key = test.space.key("k")
        let lease = try #require(test.get("k", lease: 1_000).lease)
        let first = try #require(test.wait("k").waiter)
        let second = try #require(test.wait("k").waiter)
        #expect(test.cache.statistics.misses == 3)
        #expect(test.cache.stopWaiting(key, first, now: test.nanos)?.isFilling == true)
        #expect(test.cache.stopWaiting(key, first, now: test.nanos) == nil)
        test.now += 1_000
        let late = try #require(test.cache.stopWaiting(key, second, now: test.nanos))
        #expect(try #require(late.lease).token > lease.token)
        #expect(test.cache.statistics.misses == 3)
    }

    @Test func `a plain write ends the flight with its value`() throws {
        let test = CacheUnderTest()
        let lease = try #require(test.get("k", lease: 1_000).lease)
        let waiting = test.wait("k")
        test.set("k", "written")
        #expect(waiting.last?.text == "written")
        #expect(test.set("k", "old") { $0.lease = lease.token } == .leaseLost)
        #expect(test.get("k").text == "written")
    }

    @Test func `who finds a stale value refreshes it, and the others are given it`() throws {
        let test = CacheUnderTest()
        test.set("k", "old", ttl: 10_000) { $0.softNanos = 1_000_000_000 }
        test.now += 1_000
        let first = test.get("k", lease: 1_000)
        #expect(first.text == "old" && first.hit?.isStale == true)
        let second = test.wait("k")
        #expect(second.last?.text == "old")
        #expect(second.last?.lease == nil)
        let lease = try #require(first.lease)
        #expect(!lease.isEarly)
        test.set("k", "new") { $0.lease = lease.token }
        #expect(test.get("k", lease: 1_000).text == "new")
    }

    @Test func `a value is refreshed before its time, about once for each`() throws {
        let test = CacheUnderTest()
        var early = 0
        let rounds = 300
        for round in 0..<rounds {
            let key = "k\(round)"
            let lease = try #require(test.get(key, lease: 1_000).lease)
            // The fill takes 50 ms; the value holds for 1 s.
            test.now += 50
            test.set(key, "v", ttl: 1_000) { $0.lease = lease.token }
            test.now += 500
            // Long before its end nobody is asked to.
            #expect(test.get(key, lease: 1_000).lease == nil)
            test.now += 300
            for _ in 0..<38 where test.get(key, lease: 100).lease?.isEarly == true {
                early += 1
                break
            }
            test.now += 5
        }
        #expect(early > rounds / 4)
        #expect(test.cache.statistics.fillsEarly == early)
    }

    @Test func `leases are bounded, and those that ran out make room`() {
        let test = CacheUnderTest {
            $0.maxFills = 10
            $0.shards = 1
        }
        let leases = (0..<20).map { test.get("k\($0)", lease: 1_000).lease }
        #expect(leases.compactMap(\.self).count == 10)
        test.now += 1_000
        #expect(test.get("another", lease: 1_000).lease != nil)
        #expect(test.cache.statistics.fillsOpen == 1)
    }
}
