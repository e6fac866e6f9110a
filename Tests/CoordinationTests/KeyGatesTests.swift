import Coordination
import Testing

@Suite struct KeyGatesTests {
    static let name = KeyName(namespace: .default, name: "k")
    static let key = KeyGates.Key(name: name, isRate: false)
    static let rate = KeyGates.Key(name: name, isRate: true)

    /// Gates with work that has come one after the other, and whether each has passed.
    private static func gates(
        _ key: KeyGates.Key, _ rule: KeyGates.Rule, _ arrivals: [(work: Int32, priority: Int)]
    ) -> (KeyGates, gate: Int32, passed: [Int32]) {
        var gates = KeyGates()
        var gate: Int32 = -1
        var passed: [Int32] = []
        for (work, priority) in arrivals {
            let entry = gates.enter(key, rule, work: work, priority: priority, now: 0)
            gate = entry.gate
            if entry.hasPassed { passed.append(work) }
        }
        return (gates, gate, passed)
    }

    @Test func `no more than the limit go at once, and the first in line goes next`() {
        var (gates, gate, passed) = Self.gates(
            Self.key, .atOnce(2), [(1, 3), (2, 3), (3, 3), (4, 1), (5, 3)])
        #expect(passed == [1, 2])
        #expect(gates.waiters(gate) == [4, 3, 5], "priority first, then who came first")
        #expect(gates.position(of: 3, at: gate) == 1)
        var next = gates.next(gate, now: 0)
        #expect(next == nil)
        for (ends, begins): (Int32, Int32) in [(1, 4), (4, 3), (2, 5)] {
            gates.leave(gate, work: ends)
            next = gates.next(gate, now: 0)
            #expect(next == begins)
            #expect(gates.holders(gate).count == 2)
        }
        for work: Int32 in [3, 5] { gates.leave(gate, work: work) }
        let isGone = gates.tidy(gate, now: 0)
        #expect(isGone && gates.count == 0, "an idle gate goes")
    }

    @Test func `work that leaves its place is passed over`() {
        var (gates, gate, _) = Self.gates(Self.key, .atOnce(1), [(1, 3), (2, 3), (3, 3)])
        gates.leave(gate, work: 2)
        gates.leave(gate, work: 1)
        let next = gates.next(gate, now: 0)
        #expect(next == 3)
    }

    @Test func `each keeps to its own limit, and nobody is overtaken for it`() {
        var (gates, gate, passed) = Self.gates(Self.key, .atOnce(3), [(1, 3), (2, 3)])
        #expect(passed == [1, 2])
        let strict = gates.enter(Self.key, .atOnce(1), work: 3, priority: 3, now: 0)
        let generous = gates.enter(Self.key, .atOnce(9), work: 4, priority: 3, now: 0)
        #expect(!strict.hasPassed && !generous.hasPassed)
        gates.leave(gate, work: 1)
        var next = gates.next(gate, now: 0)
        #expect(next == nil, "the first wants the key for itself")
        gates.leave(gate, work: 2)
        next = gates.next(gate, now: 0)
        #expect(next == 3)
        next = gates.next(gate, now: 0)
        #expect(next == 4)
    }

    @Test func `a rate spreads begins evenly`() {
        let rule = KeyGates.Rule.pace(interval: 100, slack: 0)
        var (gates, gate, passed) = Self.gates(Self.rate, rule, [(0, 3), (1, 3), (2, 3), (3, 3)])
        #expect(passed == [0])
        var begun: [Int64] = []
        var now: Int64 = 0
        while let wake = gates.wakeNanos(gate, now: now), begun.count < 3 {
            now = wake
            if gates.next(gate, now: now) != nil { begun.append(now) }
        }
        #expect(begun == [100, 200, 300])
        #expect(gates.wakeNanos(gate, now: now) == 400, "then it may go")
        let isGone = gates.tidy(gate, now: 400)
        #expect(isGone)
    }

    /// However coarsely the clock ticks: a window of the key's time never holds more begins than
    /// its limit, and the pace is kept.
    @Test(arguments: [
        (limit: 1, perMillis: 1_000), (3, 7), (10, 1_000), (100, 50), (1_000, 1_000), (7, 1_000),
    ])
    func `a rate holds in every window`(limit: Int, perMillis: Int64) {
        let rule = RateKey(key: "k", limit: limit, perMillis: perMillis).rule
        let per = perMillis * 1_000_000
        for tick: Int64 in [100_000, 1_000_000, 3_333_333] {
            let count = Int32(limit * 4)
            var (gates, gate, passed) = Self.gates(Self.rate, rule, (0..<count).map { ($0, 3) })
            var begun = [Int64](repeating: 0, count: passed.count)
            var now: Int64 = 0
            while begun.count < Int(count) {
                now += tick
                while gates.next(gate, now: now) != nil { begun.append(now) }
            }
            for index in begun.indices where index + limit < begun.count {
                #expect(begun[index + limit] - begun[index] >= per)
            }
            // The slack is worth a tenth at most; what is left of the delay is the last tick.
            let ideal = per / Int64(limit) * Int64(count - 1)
            if tick < 5_000_000, tick < per / 10 { #expect(now <= ideal * 12 / 10 + tick) }
        }
    }

    @Test func `a pace that was not used is given back`() {
        let rule = KeyGates.Rule.pace(interval: 100, slack: 0)
        var (gates, gate, _) = Self.gates(Self.rate, rule, [(0, 3), (1, 3)])
        gates.giveBack(gate, rule)
        let next = gates.next(gate, now: 0)
        #expect(next == 1)
    }

    @Test func `a paused key lets nothing pass until its time, or until it is told`() {
        var gates = KeyGates()
        gates.pause(Self.name, untilNanos: 500, now: 0)
        let (gate, hasPassed) = gates.enter(
            Self.key, .atOnce(5), work: 1, priority: 3, now: 10)
        #expect(!hasPassed)
        #expect(gates.wakeNanos(gate, now: 10) == 500)
        var next = gates.next(gate, now: 499)
        #expect(next == nil)
        next = gates.next(gate, now: 500)
        #expect(next == 1)
        gates.pause(Self.name, untilNanos: 900, now: 500)
        let second = gates.enter(Self.key, .atOnce(5), work: 2, priority: 3, now: 510)
        #expect(!second.hasPassed)
        gates.pause(Self.name, untilNanos: 510, now: 510)
        next = gates.next(gate, now: 510)
        #expect(next == 2)
    }

    @Test func `what held a key before a restart counts, even past the limit`() {
        var gates = KeyGates()
        gates.isShut = true
        let (gate, hasPassed) = gates.enter(Self.key, .atOnce(2), work: 9, priority: 3, now: 0)
        #expect(!hasPassed, "nothing passes before all holders are known")
        for work: Int32 in 1...3 {
            let same = gates.hold(Self.key, work: work)
            #expect(same == gate)
        }
        gates.isShut = false
        for work: Int32 in 1...2 {
            let next = gates.next(gate, now: 0)
            #expect(next == nil)
            gates.leave(gate, work: work)
        }
        let next = gates.next(gate, now: 0)
        #expect(next == 9)
    }

    // MARK: Stored forms

    // Golden bytes: never change these; a new version gets golden bytes of its own.
    static let goldenPause = "01d00fe8070177036f7073"
    static let goldenFirstPace = "01d00f"
    static let goldenPace = "02d00f64"

    @Test func `stored pauses and paces stay readable`() throws {
        let pause = KeyPause(untilMillis: 1_000, sinceMillis: 500, reason: "w", actor: "ops")
        #expect(KeyCodec.encode(pause) == CodecTests.bytes(Self.goldenPause))
        #expect(try KeyCodec.decodePause(CodecTests.bytes(Self.goldenPause)) == pause)
        #expect(
            KeyCodec.encode(paceMillis: 1_000, waitMillis: 50)
                == CodecTests.bytes(Self.goldenPace))
        let pace = try KeyCodec.decodePace(CodecTests.bytes(Self.goldenPace))
        #expect(pace == (1_000, 50))
        let first = try KeyCodec.decodePace(CodecTests.bytes(Self.goldenFirstPace))
        #expect(first == (1_000, .max))
        #expect(throws: CodecError.self) { _ = try KeyCodec.decodePause([2]) }
        #expect(throws: CodecError.self) { _ = try KeyCodec.decodePace([]) }
    }
}
