import Coordination
import Testing

@Suite struct ElasticPoolTests {
    private func pool(_ least: Int, _ most: Int, slots: Int = 1) -> ElasticPool {
        ElasticPool(PoolPolicy(minInstances: least, maxInstances: most, slots: slots))
    }

    @Test func `the minimum is made at once, more for what waits, never over the maximum`() {
        var pool = pool(2, 5)
        #expect(pool.take(alive: 0, waiting: 0, atNanos: 0) == 2)
        #expect(pool.take(alive: 0, waiting: 1, atNanos: 0) == 0, "two are on their way")
        pool.joined(1)
        pool.joined(2)
        #expect(pool.take(alive: 2, waiting: 2, atNanos: 0) == 2)
        #expect(pool.take(alive: 2, waiting: 100, atNanos: 0) == 1)
        #expect(pool.take(alive: 2, waiting: 100, atNanos: 0) == 0)
        #expect(pool.created == 2 && pool.starting == 3)
    }

    @Test func `slots are counted`() {
        var pool = pool(0, 10, slots: 8)
        #expect(pool.take(alive: 0, waiting: 17, atNanos: 0) == 3)
    }

    @Test func `failures make pauses that double, and a success ends them`() {
        var pool = pool(0, 4)
        var pauses: [Int64] = []
        var now: Int64 = 0
        for _ in 0..<8 {
            #expect(pool.take(alive: 0, waiting: 1, atNanos: now) == 1)
            pool.failed("no", atNanos: now)
            #expect(!pool.isHopeful && pool.lastFailure == "no")
            #expect(pool.take(alive: 0, waiting: 1, atNanos: now) == 0)
            pauses.append((pool.notBeforeNanos - now) / 1_000_000_000)
            now = pool.notBeforeNanos
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60])
        #expect(pool.take(alive: 0, waiting: 1, atNanos: now) == 1)
        pool.joined(1)
        #expect(pool.isHopeful && pool.lastFailure.isEmpty && pool.failures == 0)
    }

    @Test func `who did nothing between two looks goes, down to the minimum`() {
        var pool = pool(1, 4)
        for agent in 1...4 as ClosedRange<Int32> { pool.joined(agent) }
        var ended: [Int32: Int64] = [1: 0, 2: 0, 3: 0, 4: 0]
        let working: Set<Int32> = [4]
        func look(_ pool: inout ElasticPool) -> [Int32] {
            pool.look(alive: ended.count) { working.contains($0) ? nil : ended[$0] }
        }
        #expect(look(&pool) == [], "nobody has been seen idle yet")
        ended[3] = 1
        #expect(look(&pool) == [2, 1])
        for agent in [1, 2] as [Int32] {
            pool.left(agent)
            ended[agent] = nil
        }
        #expect(look(&pool) == [3])
        #expect(pool.retired == 3)
    }

    @Test func `those beyond a lower maximum go as soon as they do nothing`() {
        var pool = pool(0, 4)
        for agent in 1...4 as ClosedRange<Int32> { pool.joined(agent) }
        pool.reconfigure(PoolPolicy(minInstances: 0, maxInstances: 1))
        #expect(pool.look(alive: 4) { $0 == 1 ? nil : 0 } == [4, 3, 2])
    }

    @Test func `a policy names what is wrong with it`() {
        let wrong = PoolPolicy(
            minInstances: 5, maxInstances: 4, slots: 0, idleMillis: 0, maxWaiting: 0)
        #expect(
            wrong.faults.map(\.field) == ["min_instances", "slots", "idle_millis", "max_waiting"])
        #expect(PoolPolicy.defaults.faults.isEmpty)
    }
}
