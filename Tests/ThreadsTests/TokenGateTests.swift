import Testing
import Threads

@Suite struct TokenGateTests {
    @Test func `only one can hold the token`() {
        let gate = TokenGate()
        #expect(gate.tryAcquire())
        #expect(!gate.tryAcquire())
        gate.release()
        #expect(gate.tryAcquire())
    }

    @Test func `combining leaves the work alone while another holds the token`() {
        let gate = TokenGate()
        #expect(gate.tryAcquire())
        #expect(gate.combine(while: { true }, { Issue.record("ran without the token") }) == 0)
        gate.release()
        var left = 3
        #expect(gate.combine(while: { left > 0 }, { left -= 1 }) == 3)
    }

    /// A plain class: the thread sanitizer would report two threads inside it at once.
    private final class Engine: @unchecked Sendable {
        // Touched only under the token.
        var decided: [Int] = []
        var batch: [Int] = []
    }

    @Test func `no command is lost or decided twice when many threads combine`() async throws {
        let gate = TokenGate()
        let mailbox = Mailbox<Int>(capacity: 1_000_000)
        let engine = Engine()
        try await onThreads(4) { thread in
            for number in 0..<5_000 {
                _ = mailbox.post(thread * 5_000 + number, lane: .work)
                gate.combine(while: { !mailbox.isEmpty }) {
                    mailbox.drain(into: &engine.batch)
                    engine.decided += engine.batch
                }
            }
        }
        #expect(mailbox.isEmpty)
        #expect(gate.tryAcquire())
        #expect(engine.decided.sorted() == Array(0..<20_000))
    }

    /// Each thread leaves one command and looks once, so nobody comes by later to pick up one that
    /// was left while the token was held.
    @Test func `the last command is not left lying`() async throws {
        let gate = TokenGate()
        let mailbox = Mailbox<Int>(capacity: 8)
        let engine = Engine()
        for _ in 0..<300 {
            try await onThreads(4) { thread in
                _ = mailbox.post(thread, lane: .vital)
                gate.combine(while: { !mailbox.isEmpty }) {
                    mailbox.drain(into: &engine.batch)
                    engine.decided += engine.batch
                }
            }
            try #require(mailbox.isEmpty)
        }
        #expect(engine.decided.count == 1_200)
    }
}
