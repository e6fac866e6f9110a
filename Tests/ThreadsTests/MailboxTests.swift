import Testing
import Threads

@Suite struct MailboxTests {
    @Test func `messages of both lanes come out in the order they were posted`() {
        let mailbox = Mailbox<Int>(capacity: 8)
        #expect(mailbox.post(1, lane: .work) == .postedAndWasEmpty)
        #expect(mailbox.post(2, lane: .vital) == .posted)
        #expect(mailbox.post(3, lane: .work) == .posted)
        var batch = [99]
        mailbox.drain(into: &batch)
        #expect(batch == [1, 2, 3])
        #expect(mailbox.isEmpty)
        #expect(mailbox.post(4, lane: .work) == .postedAndWasEmpty)
    }

    @Test func `a full work lane refuses work and still takes what is vital`() {
        let mailbox = Mailbox<Int>(capacity: 2)
        _ = mailbox.post(1, lane: .work)
        _ = mailbox.post(2, lane: .work)
        #expect(mailbox.post(3, lane: .work) == .full)
        for number in 10..<100 { #expect(mailbox.post(number, lane: .vital) == .posted) }
        #expect(mailbox.post(4, lane: .work) == .full)
        #expect(mailbox.count == 92)
    }

    @Test func `vital messages take no room from work`() {
        let mailbox = Mailbox<Int>(capacity: 1)
        for number in 0..<5 { _ = mailbox.post(number, lane: .vital) }
        #expect(mailbox.post(5, lane: .work) == .posted)
        #expect(mailbox.post(6, lane: .work) == .full)
    }

    @Test func `draining makes room again`() {
        let mailbox = Mailbox<Int>(capacity: 1)
        var batch: [Int] = []
        for round in 0..<3 {
            #expect(mailbox.post(round, lane: .work) == .postedAndWasEmpty)
            #expect(mailbox.post(round, lane: .work) == .full)
            mailbox.drain(into: &batch)
            #expect(batch == [round])
        }
    }

    @Test func `a batch is taken from the front as far as there is room`() {
        let mailbox = Mailbox<Int>(capacity: 3)
        let first = mailbox.post(contentsOf: [1, 2, 3, 4, 5], lane: .work)
        #expect(first == BatchPostResult(taken: 3, refused: 2, wasEmpty: true))
        let second = mailbox.post(contentsOf: [6], lane: .work)
        #expect(second == BatchPostResult(taken: 0, refused: 1, wasEmpty: false))
        let vital = mailbox.post(contentsOf: [7, 8], lane: .vital)
        #expect(vital == BatchPostResult(taken: 2, refused: 0, wasEmpty: false))
        var batch: [Int] = []
        mailbox.drain(into: &batch)
        #expect(batch == [1, 2, 3, 7, 8])
    }

    @Test func `a mixed batch leaves the refused messages with the caller`() {
        let mailbox = Mailbox<Int>(capacity: 2)
        var tick = [1, -1, 2, 3, -2, 4]
        let result = mailbox.post(moving: &tick) { $0 < 0 ? .vital : .work }
        #expect(result == BatchPostResult(taken: 4, refused: 2, wasEmpty: true))
        #expect(tick == [3, 4])
        var batch: [Int] = []
        mailbox.drain(into: &batch)
        #expect(batch == [1, -1, 2, -2])
    }

    @Test func `an empty batch changes nothing and wakes nobody`() {
        let wakes = Locked(0)
        let mailbox = Mailbox<Int>(capacity: 2, wake: { wakes.withLock { $0 += 1 } })
        let result = mailbox.post(contentsOf: [], lane: .work)
        #expect(result == BatchPostResult(taken: 0, refused: 0, wasEmpty: false))
        #expect(wakes.snapshot == 0)
    }

    @Test func `the wake closure runs once for each change from empty to not empty`() {
        let wakes = Locked(0)
        let mailbox = Mailbox<Int>(capacity: 2, wake: { wakes.withLock { $0 += 1 } })
        var batch: [Int] = []
        _ = mailbox.post(1, lane: .work)
        _ = mailbox.post(2, lane: .work)
        _ = mailbox.post(3, lane: .work)
        #expect(wakes.snapshot == 1)
        mailbox.drain(into: &batch)
        _ = mailbox.post(contentsOf: [4, 5], lane: .vital)
        #expect(wakes.snapshot == 2)
    }

    @Test func `a waiting consumer gets what was posted before the close, then ends`() {
        let mailbox = Mailbox<Int>(capacity: 4)
        var batch: [Int] = []
        #expect(mailbox.waitAndDrain(into: &batch, timeout: .zero) == .timedOut)
        _ = mailbox.post(1, lane: .work)
        mailbox.close()
        #expect(mailbox.post(2, lane: .work) == .closed)
        #expect(mailbox.post(3, lane: .vital) == .closed)
        #expect(
            mailbox.post(contentsOf: [4, 5], lane: .vital)
                == BatchPostResult(taken: 0, refused: 2, wasEmpty: false))
        #expect(mailbox.waitAndDrain(into: &batch) == .drained)
        #expect(batch == [1])
        #expect(mailbox.waitAndDrain(into: &batch) == .closed)
        #expect(batch.isEmpty)
    }

    @Test func `a post wakes the thread that waits for it`() async throws {
        let questions = Mailbox<Int>(capacity: 1)
        let answers = Mailbox<Int>(capacity: 1)
        let answered = Locked(0)
        try await onThreads(2) { thread in
            var batch: [Int] = []
            if thread == 0 {
                while questions.waitAndDrain(into: &batch) == .drained {
                    _ = answers.post(contentsOf: batch, lane: .work)
                }
                return
            }
            for number in 0..<1_000 {
                _ = questions.post(number, lane: .work)
                let result = answers.waitAndDrain(into: &batch, timeout: .seconds(30))
                guard result == .drained, batch == [number] else { break }
                answered.withLock { $0 += 1 }
            }
            questions.close()
        }
        #expect(answered.snapshot == 1_000)
    }

    @Test func `each producer's messages arrive in order, none lost or doubled`() async throws {
        let mailbox = Mailbox<Message>(capacity: 64)
        let producing = Locked(4)
        let refused = Locked(0)
        let received = Locked<[Message]>([])
        try await onThreads(5) { producer in
            if producer == 4 {
                var batch: [Message] = []
                while mailbox.waitAndDrain(into: &batch) == .drained {
                    let drained = batch
                    received.withLock { $0 += drained }
                }
                return
            }
            for number in 0..<2_000 {
                let lane: MailboxLane = number % 3 == 0 ? .vital : .work
                let message = Message(producer: producer, number: number)
                if mailbox.post(message, lane: lane) == .full { refused.withLock { $0 += 1 } }
            }
            let left = producing.withLock { left in
                left -= 1
                return left
            }
            if left == 0 { mailbox.close() }
        }
        let messages = received.snapshot
        #expect(messages.count + refused.snapshot == 8_000)
        for producer in 0..<4 {
            let numbers = messages.filter { $0.producer == producer }.map(\.number)
            #expect(numbers == numbers.sorted())
            #expect(Set(numbers).count == numbers.count)
            #expect(numbers.count { $0 % 3 == 0 } == 667)
        }
    }

    struct Message: Sendable {
        let producer: Int
        let number: Int
    }
}
