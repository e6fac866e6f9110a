import Coordination
import Messages
import NIOCore
import Testing

@testable import Services

/// What waits for a worker or a caller that does not read.
struct WorkerBacklogTests {
    private static func assignment(_ serial: UInt64, _ operation: String = "do") -> Assignment {
        Assignment(
            token: AssignmentToken(serial: Serial(rawValue: serial)), agent: AgentID("w"),
            operation: operation, payload: Coordination.Payload(bytes: [UInt8(serial)]),
            deadlineNanos: nil, attempt: 1, namespace: .default, origin: nil)
    }

    private static func token(_ serial: UInt64) -> AssignmentToken { assignment(serial).token }

    @Test func `what is cancelled before it was sent is never sent, and frees its credit then`() {
        var outbox = SessionOutbox()
        for serial in 1...4 as ClosedRange<UInt64> { outbox.assign(Self.assignment(serial)) }
        outbox.assign(Self.assignment(5, Assignment.healthOperation))
        for serial in [2, 4, 5, 9] as [UInt64] { outbox.cancel(Self.token(serial)) }
        outbox.cancel(Self.token(2))
        outbox.assign(Self.assignment(6))
        outbox.cancel(Self.token(6))
        outbox.assign(Self.assignment(7))
        #expect(outbox.takeFreedCredits() == 0, "the worker has not read so far")
        let message = outbox.next()
        #expect(message?.assignments.map(\.token) == [1, 3, 7])
        #expect(message?.probes.isEmpty == true)
        // Of those that it was sent before it must hear.
        #expect(message?.cancelled == [9, 2])
        #expect(outbox.takeFreedCredits() == 3 && outbox.takeFreedCredits() == 0)
        #expect(outbox.next() == nil)
        outbox.assign(Self.assignment(8))
        #expect(outbox.next()?.assignments.map(\.token) == [8])
        outbox.cancel(Self.token(8))
        #expect(outbox.next()?.cancelled == [8])
    }

    @Test func `an assignment that was taken back lets go of its payload`() {
        var line = UnsentAssignments()
        for serial in 1...3 as ClosedRange<UInt64> { line.append(Self.assignment(serial)) }
        #expect(line.takeBack(Self.token(2)) && !line.takeBack(Self.token(2)))
        #expect(line.payloadBytes == 2)
        #expect(line.popFirst()?.token == Self.token(1))
        #expect(line.payloadBytes == 1)
        #expect(line.popFirst()?.token == Self.token(3))
        #expect(line.popFirst() == nil && line.isEmpty)
    }

    @Test func `every chunk of progress comes or is counted, also behind the last that came`() {
        var backlog = ProgressBacklog()
        let chunk = Coordination.Payload(bytes: Array(repeating: 0x31, count: 1 << 20))
        for number in 0..<6 { #expect(backlog.add(chunk, attempt: 1) == (number == 0)) }
        let early = backlog.take(isLast: false)
        #expect(early.map(\.missed) == [0, 0, 0, 0])
        for _ in 0..<6 { _ = backlog.add(chunk, attempt: 2) }
        let late = backlog.take(isLast: true)
        #expect(late.map(\.missed) == [2, 0, 0, 0, 2])
        #expect(late.last?.chunk == nil && late.last?.attempt == 2)
        #expect(backlog.take(isLast: true).isEmpty)
    }

    @Test(arguments: [(0, 0), (-5, 0), (10, 1), (400, 40), (500, 50), (60_000, 50)])
    func `what a call waits for ends a tenth of its time before its deadline, at most 50 ms`(
        millis: Int64, spared: Int64
    ) {
        let start = NIODeadline.uptimeNanoseconds(9_000_000_000)
        let deadline = start + .milliseconds(millis)
        #expect(deadline.closing(since: start) == deadline - .milliseconds(spared))
    }
}
