import Testing
import Threads

@Suite struct LockedTests {
    @Test func `increments from many threads are all counted`() async throws {
        let counter = Locked(0)
        try await onThreads(4) { _ in
            for _ in 0..<10_000 { counter.withLock { $0 += 1 } }
        }
        #expect(counter.snapshot == 40_000)
    }

    @Test func `an error thrown inside gives the lock back and keeps its type`() {
        struct Refused: Error, Equatable {}
        let value = Locked([1, 2])
        do throws(Refused) {
            try value.withLock { (elements: inout sending [Int]) throws(Refused) in
                elements.append(3)
                throw Refused()
            }
            Issue.record("the error was swallowed")
        } catch {
            #expect(error == Refused())
        }
        #expect(value.withLock { $0 } == [1, 2, 3])
    }

    @Test func `a value that cannot be copied can be locked`() {
        struct Ticket: ~Copyable { var number: Int }
        let ticket = Locked(Ticket(number: 7))
        ticket.withLock { $0.number += 1 }
        #expect(ticket.withLock { $0.number } == 8)
    }

    @Test func `the value is released with its lock`() {
        final class Witness: Sendable {}
        weak var witness: Witness?
        do {
            let locked = Locked(Witness())
            witness = locked.withLock { $0 }
            #expect(witness != nil)
        }
        #expect(witness == nil)
    }
}
