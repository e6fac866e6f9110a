import Coordination
import JSON
import Store
import Testing
import Threads

@testable import Engine

@Suite(.timeLimit(.minutes(1))) struct PreparerTests {
    /// A check of a contract, and its payload.
    private func check(_ call: UInt64, bytes: Int = 2) throws -> Preparation {
        let id = PayloadID(serial: Serial(rawValue: call))
        let text = "\"" + String(repeating: "x", count: bytes - 2) + "\""
        let schema = try JSONSchema(parsing: Array(#"{"type":"string"}"#.utf8))
        return Preparation(
            purpose: .truth(ReplyTicket(port: 0, call: call)), recipe: .checked(schema, id),
            loaded: [id: Payload(bytes: Array(text.utf8))], missing: [])
    }

    @Test func `long work holds up neither other long work nor, together, short work`() async throws
    {
        let (outcomes, told) = AsyncStream.makeStream(of: Preparation.Purpose.self)
        let preparer = try Preparer(store: InMemoryStore()) { told.yield($0.purpose) }
        var told1 = outcomes.makeAsyncIterator()
        let ends = Latch()
        defer { ends.open() }

        #expect(preparer.run { ends.wait() })
        preparer.prepare(try check(1, bytes: 1 << 20))
        #expect(await told1.next() == .truth(ReplyTicket(port: 0, call: 1)))

        #expect(preparer.run { ends.wait() })
        preparer.prepare(try check(2))
        #expect(await told1.next() == .truth(ReplyTicket(port: 0, call: 2)))
        preparer.close()
    }

    @Test func `new work is refused when too much waits, and what was taken is done`() {
        let queue = PreparationQueue(capacity: 1)
        let done = Locked<[String]>([])
        func job(_ name: String) -> PreparationQueue.Job { { done.withLock { $0.append(name) } } }
        #expect(queue.post(job("long"), .long, lane: .work))
        #expect(!queue.post(job("refused"), .short, lane: .work))
        #expect(queue.post(job("vital"), .short, lane: .vital))
        queue.next(.short)?()
        #expect(!queue.post(job("refused"), .short, lane: .work), "the long one still waits")
        queue.next(.long)?()
        #expect(queue.post(job("room"), .long, lane: .work))
        queue.close()
        #expect(!queue.post(job("closed"), .short, lane: .vital))
        #expect(queue.next(.short) == nil)
        queue.next(.long)?()
        #expect(queue.next(.long) == nil)
        #expect(done.snapshot == ["vital", "long", "room"])
    }
}
