import Testing

@testable import CrashKit

@Suite struct LinearizabilityTests {
    private typealias Key = Observed<KeyModel>
    private typealias Lock = Observed<LockModel>

    private func put(_ value: Int, _ call: Int64, _ end: Int64?) -> Key {
        Key(
            call: call, end: end, input: .put(value),
            output: end.map { _ in .written(revision: Int64(value)) })
    }

    private func read(_ value: Int, _ call: Int64, _ end: Int64) -> Key {
        Key(
            call: call, end: end, input: .get, output: .read(value: value, revision: Int64(value)))
    }

    private func readNothing(_ call: Int64, _ end: Int64) -> Key {
        Key(call: call, end: end, input: .get, output: .nothing)
    }

    // The pictures of Herlihy and Wing's article and of the usual lectures on it.
    @Test func `reads beside a write may see the old value or the new one, but not both ways`() {
        #expect(Linearizability.holds([put(1, 0, 1), put(2, 2, 6), read(1, 3, 4), read(2, 3, 5)]))
        #expect(Linearizability.holds([put(1, 0, 1), put(2, 2, 6), read(1, 3, 4), read(2, 5, 7)]))
        #expect(!Linearizability.holds([put(1, 0, 1), put(2, 2, 6), read(2, 3, 4), read(1, 5, 7)]))
    }

    @Test func `a stale read after the answer of a write is a violation`() {
        #expect(!Linearizability.holds([put(1, 0, 1), put(2, 2, 3), read(1, 4, 5)]))
        #expect(Linearizability.holds([put(1, 0, 1), put(2, 2, 3), read(2, 4, 5)]))
        #expect(!Linearizability.holds([put(1, 0, 1), readNothing(2, 3)]))
        #expect(Linearizability.holds([put(1, 0, 5), readNothing(2, 3), read(1, 3, 4)]))
    }

    @Test func `two readers agree on the order of two writes`() {
        let writes = [put(1, 0, 10), put(2, 0, 10)]
        #expect(Linearizability.holds(writes + [read(1, 11, 12), read(1, 13, 14)]))
        #expect(!Linearizability.holds(writes + [read(1, 11, 12), read(2, 13, 14)]))
        #expect(Linearizability.holds(writes + [read(1, 1, 2), read(2, 3, 4)]))
        #expect(!Linearizability.holds(writes + [read(1, 1, 2), read(2, 3, 4), read(1, 5, 6)]))
    }

    @Test func `what was not answered may have happened or not, but once and in one place`() {
        #expect(
            Linearizability.holds([put(1, 0, 1), put(2, 2, nil), read(1, 4, 5), read(2, 6, 7)]))
        #expect(Linearizability.holds([put(1, 0, 1), put(2, 2, nil), read(1, 4, 5)]))
        #expect(
            !Linearizability.holds([put(1, 0, 1), put(2, 2, nil), read(2, 4, 5), read(1, 6, 7)]))
        #expect(!Linearizability.holds([read(2, 0, 1), put(2, 2, nil)]))
    }

    @Test func `a swap succeeds at its revision only`() {
        func swap(_ expected: Int64, _ value: Int, _ call: Int64, _ isDone: Bool) -> Key {
            Key(
                call: call, end: call + 1, input: .swap(expected: expected, value),
                output: isDone ? .written(revision: Int64(value)) : .mismatch(actual: 1))
        }
        #expect(Linearizability.holds([swap(0, 1, 0, true), swap(1, 2, 2, true), read(2, 4, 5)]))
        #expect(Linearizability.holds([swap(0, 1, 0, true), swap(0, 2, 2, false), read(1, 4, 5)]))
        // Both of two that expect the same.
        #expect(!Linearizability.holds([put(1, 0, 1), swap(1, 2, 2, true), swap(1, 3, 2, true)]))
        let gone = Key(call: 2, end: 3, input: .delete, output: .deleted(true))
        #expect(Linearizability.holds([put(1, 0, 1), gone, readNothing(4, 5)]))
        #expect(!Linearizability.holds([put(1, 0, 1), gone, gone]))
    }

    @Test func `two holders at once, a token used again and a stale write are violations`() {
        func acquire(_ owner: String, _ token: UInt64?, _ call: Int64, _ end: Int64) -> Lock {
            Lock(
                call: call, end: end, input: .acquire(owner: owner),
                output: token.map { .granted(token: $0) } ?? .busy)
        }
        func release(_ token: UInt64, _ call: Int64, _ end: Int64?) -> Lock {
            Lock(
                call: call, end: end, input: .release(token: token),
                output: end.map { _ in .done(true) })
        }
        func write(_ token: UInt64, _ isDone: Bool, _ call: Int64) -> Lock {
            Lock(
                call: call, end: call + 1, input: .fencedWrite(token: token), output: .done(isDone))
        }
        let first = [acquire("a", 1, 0, 1), acquire("b", nil, 2, 3)]
        #expect(Linearizability.holds(first + [release(1, 4, 5), acquire("b", 2, 6, 7)]))
        #expect(!Linearizability.holds(first + [acquire("b", 2, 6, 7)]))
        #expect(!Linearizability.holds(first + [release(1, 4, 5), acquire("b", 1, 6, 7)]))
        #expect(Linearizability.holds(first + [release(1, 4, nil), acquire("b", 2, 6, 7)]))
        let handed = first + [release(1, 4, 5), acquire("b", 2, 6, 7)]
        #expect(Linearizability.holds(handed + [write(2, true, 8), write(1, false, 8)]))
        #expect(!Linearizability.holds(handed + [write(1, true, 8)]))
        #expect(!Linearizability.holds(handed + [write(2, false, 8)]))
    }

    @Test(arguments: 1...40)
    func `a planted violation in a long history is found`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var history: [Key] = []
        var value = 0
        var time: Int64 = 0
        // Operations that take effect one after the other, their calls and answers spread wide.
        for number in 1...300 {
            time += 10
            let call = time - Int64.random(in: 0..<40, using: &random)
            let end = time + Int64.random(in: 0..<40, using: &random)
            if Int.random(in: 0..<2, using: &random) == 0 || value == 0 {
                value = number
                history.append(put(number, call, end))
            } else {
                history.append(read(value, call, end))
            }
        }
        #expect(Linearizability.holds(history.shuffled(using: &random)), "seed \(seed)")
        // A value that had been overwritten long before.
        let early = history.first { if case .put = $0.input { true } else { false } }
        guard case .put(let old)? = early?.input else { return }
        history.append(read(old, time + 200, time + 201))
        #expect(!Linearizability.holds(history.shuffled(using: &random)), "seed \(seed)")
    }
}
