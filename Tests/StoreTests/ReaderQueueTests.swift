import Testing

@testable import Store

@Suite struct ReaderQueueTests {
    private final class Caller: Sendable {}

    @Test func `jobs that were taken are given up while others wait, in their order`() {
        var queue = SQLiteReaderPool.Queue()
        weak var first: Caller?
        do {
            let caller = Caller()
            first = caller
            queue.append { _ in _ = caller }
        }
        queue.append { _ in }
        _ = queue.take()
        #expect(first == nil && queue.count == 1)
        for _ in 0..<100_000 {
            queue.append { _ in }
            _ = queue.take()
        }
        #expect(queue.count == 1 && queue.places <= 4_096)
        let last = queue.take()
        let none = queue.take()
        #expect(last != nil && none == nil)
    }
}
