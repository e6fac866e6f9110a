import Testing

@testable import GRPC

@Suite struct TimingTests {
    /// One tick of the wheel in nanoseconds.
    static let tick: UInt64 = 1 << 20

    @Test func `a deadline expires at its time, not before, and once`() {
        var wheel = DeadlineWheel<Int>(now: 0)
        let deadlines: [UInt64] = [1, 5_000_000, 10_000_000_000, 3_600_000_000_000]
        for (index, deadline) in deadlines.enumerated() { _ = wheel.arm(deadline, index) }
        var expired: [Int] = []
        for (index, deadline) in deadlines.enumerated() {
            expired += wheel.expire(now: deadline > Self.tick ? deadline - 1 : 0)
            #expect(!expired.contains(index))
            expired += wheel.expire(now: deadline + 2 * Self.tick)
            #expect(expired == Array(0...index))
        }
        #expect(wheel.count == 0)
        #expect(wheel.nextWake == nil)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `against a plain list the wheel agrees`(seed: UInt64) {
        var random = Lehmer(state: seed)
        var wheel = DeadlineWheel<Int>(now: 0)
        var list: [Int: (deadline: UInt64, token: DeadlineWheel<Int>.Token)] = [:]
        var now: UInt64 = 0
        for number in 0..<3_000 {
            let deadline = now + random.next() % 20_000_000_000
            list[number] = (deadline, wheel.arm(deadline, number))
            if random.next() % 2 == 0, let (victim, entry) = list.randomElement(using: &random) {
                wheel.cancel(entry.token)
                list[victim] = nil
            }
            now += random.next() % 30_000_000
            for expired in wheel.expire(now: now) {
                let entry = list.removeValue(forKey: expired)
                #expect(entry != nil && entry.map { $0.deadline <= now } == true, "seed \(seed)")
            }
            let late = list.values.filter { $0.deadline + 2 * Self.tick < now }
            #expect(late.isEmpty, "seed \(seed)")
            #expect(wheel.count == list.count, "seed \(seed)")
        }
    }

    @Test func `the next wake is never after the earliest deadline`() throws {
        var wheel = DeadlineWheel<Int>(now: 0)
        _ = wheel.arm(9_000_000_000, 1)
        let token = wheel.arm(50_000_000, 2)
        #expect(try #require(wheel.nextWake) <= 50_000_000 + 2 * Self.tick)
        wheel.cancel(token)
        #expect(try #require(wheel.nextWake) <= 9_000_000_000 + 2 * Self.tick)
    }

    @Test func `backoff grows by 1,6 up to its cap and starts again after success`() {
        var machine = Connectivity(Backoff(initial: 1, most: 3))
        var waits: [Double] = []
        for _ in 0..<4 {
            #expect(machine.callArrived(waitForReady: true) == .connect)
            waits.append(machine.connectFailed("refused", jitter: 0))
            #expect(machine.callArrived(waitForReady: false) == .fail(reason: "refused"))
            #expect(machine.callArrived(waitForReady: true) == .wait)
            let begins = machine.backoffEnded(callsWait: false)
            #expect(!begins)
        }
        #expect(zip(waits, [1, 1.6, 2.56, 3]).allSatisfy { abs($0 - $1) < 1e-9 })
        #expect(machine.callArrived(waitForReady: false) == .connect)
        machine.connected()
        #expect(machine.callArrived(waitForReady: false) == .use)
        machine.connectionGone()
        #expect(machine.callArrived(waitForReady: false) == .connect)
        #expect(abs(machine.connectFailed("refused", jitter: -1) - 0.8) < 1e-9)
    }

    @Test(arguments: [-1.0, 0, 1])
    func `chance moves each wait by a fifth at the most`(jitter: Double) {
        let backoff = Backoff(initial: 1, most: 120)
        var expected = 1.0
        for failures in 0..<20 {
            let wait = backoff.wait(after: failures, jitter: jitter)
            #expect(abs(wait - min(expected, 120) * (1 + jitter / 5)) < 1e-9)
            expected *= 1.6
        }
        #expect(backoff.wait(after: .max, jitter: 0) == 120)
        #expect(Backoff(initial: 9, most: 3).wait(after: 0, jitter: 0) == 3)
    }

    @Test func `a closed client stays closed`() {
        var machine = Connectivity(Backoff(initial: 1, most: 3))
        machine.closed()
        #expect(machine.callArrived(waitForReady: true) == .fail(reason: "the client is closed"))
        machine.connected()
        #expect(machine.state == .closed)
    }
}

/// A small seeded generator.
struct Lehmer: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 20 ^ state << 30
    }
}
