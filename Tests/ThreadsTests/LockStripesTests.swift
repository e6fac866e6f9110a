import Testing
import Threads

@Suite struct LockStripesTests {
    @Test func `increments of every stripe from many threads are all counted`() async throws {
        let counters = LockStripes(count: 3) { $0 * 1_000_000 }
        try await onThreads(4) { _ in
            for round in 0..<9_999 { counters.withLock(at: round % 3) { $0 += 1 } }
        }
        #expect(counters.count == 3)
        #expect((0..<3).map { counters.withLock(at: $0) { $0 } } == [13_332, 1_013_332, 2_013_332])
    }

    @Test func `an error thrown inside gives the lock back and keeps its type`() {
        struct Refused: Error, Equatable {}
        let values = LockStripes(count: 1) { _ in [1, 2] }
        do throws(Refused) {
            try values.withLock(at: 0) { (elements: inout sending [Int]) throws(Refused) in
                elements.append(3)
                throw Refused()
            }
            Issue.record("the error was swallowed")
        } catch {
            #expect(error == Refused())
        }
        #expect(values.withLock(at: 0) { $0 } == [1, 2, 3])
    }

    @Test func `values that cannot be copied can be locked, apart from each other`() {
        struct Ticket: ~Copyable { var number: Int }
        let tickets = LockStripes(count: 2) { Ticket(number: $0) }
        let numbers = tickets.withLock(at: 0) { first in
            first.number += 7
            return (first.number, tickets.withLock(at: 1) { $0.number })
        }
        #expect(numbers == (7, 1))
    }

    @Test func `the values are released with their locks`() {
        final class Witness: Sendable {}
        weak var witness: Witness?
        do {
            let stripes = LockStripes(count: 2) { _ in Witness() }
            witness = stripes.withLock(at: 1) { $0 }
            #expect(witness != nil)
        }
        #expect(witness == nil)
    }
}

@Suite struct CoreNumberTests {
    @Test func `a core's number is none below zero, on every thread`() async throws {
        let numbers = Locked<[Int]>([])
        try await onThreads(4) { _ in
            for _ in 0..<100 {
                let number = CoreNumber.current
                numbers.withLock { $0.append(number) }
            }
        }
        #expect(numbers.snapshot.count == 400)
        #expect(numbers.snapshot.allSatisfy { $0 >= 0 })
    }
}
