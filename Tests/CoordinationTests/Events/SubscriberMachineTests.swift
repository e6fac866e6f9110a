import Coordination
import Testing

/// One target of a subscription: what is out, what is done, what comes again.
@Suite struct SubscriberMachineTests {
    private static let failure = StepFailure(type: "bad", message: "no", retryable: true)
    private static let policy = DeliveryPolicy(maxAttempts: 3, initialMillis: 100, factor: 2)

    private func machine(at sequence: Int64 = 0) -> SubscriberMachine {
        SubscriberMachine(SubscriberState(acknowledged: sequence, knownRemoved: 0))
    }

    @Test func `what goes out is done in order, and what is not for it with what is before it`() {
        var machine = machine()
        machine.sent([2, 5], through: 7)
        #expect(machine.state.acknowledged == 0 && machine.first == 2 && machine.outCount == 2)
        let isNew = [2, 1, 5].map { machine.acknowledge($0) }
        #expect(isNew == [true, false, true])
        #expect(machine.state.acknowledged == 7 && machine.state.delivered == 2)
        machine.sent([], through: 9)
        #expect(machine.state.acknowledged == 9)
    }

    @Test func `a failure calls back what is behind it, and waits longer each time`() {
        var machine = machine()
        machine.sent([1, 2, 3], through: 3)
        for attempt in 1...2 {
            let verdict = machine.failed(2, Self.failure, Self.policy, at: 1_000, random: 0)
            guard case .retry(let millis) = verdict else { return #expect(Bool(false)) }
            #expect(millis == 1_000 + Int64(100 * attempt))
            #expect(machine.outCount == 0 && machine.sentThrough == 1)
            #expect(machine.state.acknowledged == 1 && machine.state.delivered == 1)
            machine.waitIsOver()
            #expect(machine.attempt(of: 2) == attempt + 1 && machine.attempt(of: 3) == 1)
            machine.sent([2, 3], through: 3)
        }
        let last = machine.failed(2, Self.failure, Self.policy, at: 0, random: 0)
        #expect(last == .deadLetter(attempts: 3))
        machine.givenUp(2)
        #expect(machine.state.acknowledged == 2 && machine.state.deadLettered == 1)
        #expect(machine.state.failures == 0 && machine.attempt(of: 2) == 1)
    }

    @Test func `what will not help is not tried again, and what is asked for is waited for`() {
        var machine = machine()
        machine.sent([1], through: 1)
        let asked = StepFailure(type: "busy", message: "", retryable: true, retryAfterMillis: 5_000)
        let patient = machine.failed(1, asked, Self.policy, at: 10, random: 0)
        #expect(patient == .retry(atMillis: 5_010))
        let hopeless = StepFailure(type: "bad", message: "", retryable: false)
        let last = machine.failed(1, hopeless, Self.policy, at: 10, random: 0)
        #expect(last == .deadLetter(attempts: 2))
    }

    @Test func `gaps that meet are one, and another one is the newest`() {
        var machine = machine()
        for (from, through) in [(1, 5), (6, 9), (4, 8)] as [(Int64, Int64)] {
            machine.passedGap(from: from, through: through)
            #expect(machine.state.gapFrom == 1)
        }
        #expect(machine.state.gapThrough == 9)
        machine.passedGap(from: 11, through: 12)
        #expect(machine.state.gapFrom == 11 && machine.state.gapThrough == 12)
        #expect(machine.state.knownRemoved == 12)
    }

    @Test func `to be held is no attempt`() {
        var machine = machine()
        machine.sent([1], through: 1)
        let until = machine.held(Self.failure, Self.policy, at: 0, after: 1, random: 0)
        #expect(until == 100)
        #expect(machine.state.failures == 0 && machine.outCount == 0)
    }

    @Test func `another publication's failures are its own`() {
        var machine = machine()
        machine.sent([1, 2], through: 2)
        _ = machine.failed(1, Self.failure, Self.policy, at: 0, random: 0)
        machine.sent([1, 2], through: 2)
        _ = machine.failed(2, Self.failure, Self.policy, at: 0, random: 0)
        #expect(machine.state.failing == 2 && machine.state.failures == 1)
        #expect(machine.state.acknowledged == 1)
    }

    /// Any order of events: what is acknowledged only grows, nothing is passed over that was neither
    /// acknowledged nor given up, and what is out is behind it.
    @Test func `random lives keep the order`() {
        let seed = UInt64.random(in: .min ... .max)
        var state = seed
        func random(_ bound: UInt64) -> UInt64 {
            state = StableHash.mix(state)
            return state % bound
        }
        for _ in 0..<200 {
            var machine = machine()
            var newest: Int64 = 0
            var settled: Set<Int64> = []
            var last: Int64 = 0
            for _ in 0..<60 {
                switch random(5) {
                case 0, 1:
                    newest = max(newest, machine.sentThrough)
                    let from = machine.sentThrough + 1
                    let through = from + Int64(random(4))
                    machine.sent(Array(from...through), through: through)
                    newest = max(newest, through)
                case 2:
                    guard let first = machine.first else { continue }
                    let done = first + Int64(random(2))
                    guard done <= machine.sentThrough else { continue }
                    for sequence in settledRange(machine, done) { settled.insert(sequence) }
                    _ = machine.acknowledge(done)
                case 3:
                    guard let first = machine.first else { continue }
                    let verdict = machine.failed(
                        first, Self.failure, Self.policy, at: 0, random: random(.max))
                    if case .deadLetter = verdict {
                        machine.givenUp(first)
                        settled.insert(first)
                    }
                    machine.waitIsOver()
                default: machine.callBack()
                }
                #expect(machine.state.acknowledged >= last, "seed \(seed)")
                last = machine.state.acknowledged
                #expect(machine.first.map { $0 > last } ?? true, "seed \(seed)")
                if last >= 1 { #expect(settled.isSuperset(of: 1...last), "seed \(seed)") }
            }
        }
    }

    private func settledRange(_ machine: SubscriberMachine, _ done: Int64) -> [Int64] {
        let from = machine.state.acknowledged + 1
        return from <= done ? Array(from...done) : []
    }
}
