import Coordination
import Messages
import Testing

@testable import AgentKit

@Suite struct WorkerLedgerTests {
    private func welcomed(
        slots: Int = 3, session: String = "s1", _ ledger: WorkerLedger? = nil
    ) -> WorkerLedger {
        var ledger = ledger ?? WorkerLedger(slots: slots, agentID: "", leaseMillis: 1_000)
        _ = ledger.hello(WorkerAgent(type: "t"))
        _ = ledger.received(
            ConnectResponse(
                welcome: Welcome(session: session, agentID: "t/x", leaseMillis: 700)),
            nowNanos: 0, progress: nil)
        return ledger
    }

    private func work(_ tokens: UInt64...) -> ConnectResponse {
        ConnectResponse(assignments: tokens.map { WorkAssignment(token: $0, operation: "o") })
    }

    private func result(_ token: UInt64, bytes: Int = 2) -> AssignmentResult {
        AssignmentResult(
            token: AssignmentToken(wire: token),
            outcome: .success(
                Coordination.Payload(bytes: [UInt8](repeating: 0x31, count: bytes))),
            startedNanos: 0, endedNanos: 5_000)
    }

    @Test func `the welcome gives an id, a lease, and all slots as credits`() {
        var ledger = welcomed()
        #expect(ledger.agentID == "t/x" && ledger.session == "s1" && ledger.leaseMillis == 700)
        #expect(ledger.takeMessage(isAliveDue: false) == ConnectRequest(ready: 3))
        #expect(ledger.takeMessage(isAliveDue: false) == nil)
        #expect(ledger.takeMessage(isAliveDue: true) == ConnectRequest())
    }

    @Test func `a result goes out with its credit, and is kept until it is accepted`() {
        var ledger = welcomed()
        _ = ledger.takeMessage(isAliveDue: false)
        let taken = ledger.received(work(1, 2), nowNanos: 0, progress: nil)
        #expect(taken.assignments.map(\.token.serial.rawValue) == [1, 2])
        ledger.finished([result(1)])
        let message = ledger.takeMessage(isAliveDue: false)
        #expect(message?.results.map(\.token) == [1] && message?.ready == 1)
        #expect(message?.results.first?.executionMicros == 5)
        #expect(!ledger.isIdle)
        let hello = ledger.hello(WorkerAgent(type: "t"))
        #expect(hello.hello?.resumeSession == "s1" && hello.hello?.held == [2, 1])
        #expect(hello.hello?.agent?.id == "t/x")
        var again = welcomed(ledger)
        let repeated = again.takeMessage(isAliveDue: false)
        #expect(repeated?.results.map(\.token) == [1], "it was not accepted yet")
        #expect(repeated?.ready == 2, "one slot is still busy")
        _ = again.received(ConnectResponse(accepted: [1]), nowNanos: 0, progress: nil)
        again.finished([result(2)])
        _ = again.received(ConnectResponse(stale: [2]), nowNanos: 0, progress: nil)
        #expect(again.isIdle)
    }

    private func welcomed(_ ledger: WorkerLedger) -> WorkerLedger {
        welcomed(slots: 3, session: "s1", ledger)
    }

    @Test func `a cancelled assignment gives its credit back when it has really ended`() {
        var ledger = welcomed()
        _ = ledger.takeMessage(isAliveDue: false)
        _ = ledger.received(work(1), nowNanos: 0, progress: nil)
        let cancel = ledger.received(ConnectResponse(cancelled: [1]), nowNanos: 0, progress: nil)
        #expect(cancel.cancelled == [AssignmentToken(wire: 1)])
        #expect(ledger.takeMessage(isAliveDue: false) == nil)
        ledger.finished([result(1)])
        #expect(ledger.takeMessage(isAliveDue: false) == ConnectRequest(ready: 1))
        #expect(ledger.isIdle)
    }

    @Test func `probes take no credit, and die with their stream`() {
        var ledger = welcomed()
        _ = ledger.takeMessage(isAliveDue: false)
        let probe = ConnectResponse(probes: [WorkAssignment(token: 9, operation: "$health")])
        _ = ledger.received(probe, nowNanos: 0, progress: nil)
        #expect(ledger.hello(WorkerAgent(type: "t")).hello?.held == [])
        var again = welcomed(ledger)
        #expect(again.takeMessage(isAliveDue: false)?.ready == 3)
        _ = again.received(probe, nowNanos: 0, progress: nil)
        again.finished([result(9)])
        let message = again.takeMessage(isAliveDue: false)
        #expect(message?.results.count == 1 && message?.ready == 0)
        #expect(again.isIdle)
    }

    @Test func `a draining worker gives no credits and says so`() {
        var ledger = welcomed()
        _ = ledger.received(work(1), nowNanos: 0, progress: nil)
        ledger.drain()
        #expect(ledger.takeMessage(isAliveDue: false) == ConnectRequest(draining: true))
        ledger.finished([result(1)])
        let message = ledger.takeMessage(isAliveDue: false)
        #expect(message?.results.count == 1 && message?.ready == 0)
        var again = welcomed(ledger)
        let first = again.takeMessage(isAliveDue: false)
        #expect(first?.draining == true && first?.ready == 0 && first?.results.count == 1)
    }

    @Test func `large results do not share a message`() {
        var ledger = welcomed(slots: 4)
        _ = ledger.received(work(1, 2, 3), nowNanos: 0, progress: nil)
        ledger.finished([1, 2, 3].map { result($0, bytes: 900_000) })
        var sizes: [Int] = []
        while let message = ledger.takeMessage(isAliveDue: false) {
            sizes.append(message.results.count)
        }
        #expect(sizes == [1, 1, 1])
    }

    @Test func `only the newest heartbeat of an assignment is sent`() {
        var ledger = welcomed()
        _ = ledger.takeMessage(isAliveDue: false)
        _ = ledger.received(work(1), nowNanos: 0, progress: nil)
        for number in ["1", "2", "3"] {
            ledger.heartbeat(
                AssignmentHeartbeat(
                    token: AssignmentToken(wire: 1),
                    details: Coordination.Payload(bytes: Array(number.utf8))))
        }
        let message = ledger.takeMessage(isAliveDue: false)
        #expect(message?.heartbeats.map(\.details?.data) == [Array("3".utf8)])
    }

    @Test func `a result that the server refuses goes out as a failure that says so`() {
        var ledger = welcomed()
        _ = ledger.received(work(1, 2, 3), nowNanos: 0, progress: nil)
        let long = StepFailure(
            type: "broken", message: String(repeating: "x", count: 5 << 20), retryable: true)
        let typed = Coordination.Payload(
            bytes: [1], contentType: String(repeating: "t", count: 300))
        ledger.finished([
            result(1, bytes: (2 << 20) + 1),
            AssignmentResult(
                token: AssignmentToken(wire: 2), outcome: .failure(long), startedNanos: 0,
                endedNanos: 1),
            AssignmentResult(
                token: AssignmentToken(wire: 3), outcome: .success(typed), startedNanos: 0,
                endedNanos: 1),
        ])
        let failures = ledger.takeMessage(isAliveDue: false)?.results.compactMap { result in
            if case .failure(let failure) = result.outcome { failure } else { nil }
        }
        #expect(failures?.map(\.type) == ["output_too_large", "broken", "output_too_large"])
        #expect(failures?[1].message.utf8.count == StepFailure.maxMessageBytes)
        #expect(failures?[0].retryable == false)
    }

    @Test func `long failures do not share a message either`() {
        var ledger = welcomed(slots: 1_000)
        let tokens = (1...1_000).map { UInt64($0) }
        _ = ledger.received(
            ConnectResponse(assignments: tokens.map { WorkAssignment(token: $0, operation: "o") }),
            nowNanos: 0, progress: nil)
        let failure = StepFailure(
            type: "broken", message: String(repeating: "x", count: 4_096), retryable: true)
        ledger.finished(
            tokens.map {
                AssignmentResult(
                    token: AssignmentToken(wire: $0), outcome: .failure(failure), startedNanos: 0,
                    endedNanos: 1)
            })
        var sent: [UInt64] = []
        while let message = ledger.takeMessage(isAliveDue: false) {
            #expect(message.encoded(leaving: 0).count < (1 << 20) + 8_192)
            sent += message.results.map(\.token)
        }
        #expect(sent == tokens)
    }

    @Test func `what is cancelled in the message that assigns it is stopped`() {
        var ledger = welcomed()
        _ = ledger.takeMessage(isAliveDue: false)
        var response = work(1, 2)
        response.cancelled = [1]
        let received = ledger.received(response, nowNanos: 0, progress: nil)
        #expect(received.assignments.map(\.token.serial.rawValue) == [1, 2])
        #expect(received.cancelled == [AssignmentToken(wire: 1)])
        ledger.finished([result(1)])
        #expect(ledger.takeMessage(isAliveDue: false) == ConnectRequest(ready: 1))
    }

    @Test func `a probe that nobody waits for any more gives no credit`() {
        var ledger = welcomed()
        _ = ledger.takeMessage(isAliveDue: false)
        let probe = ConnectResponse(probes: [WorkAssignment(token: 9, operation: "$health")])
        _ = ledger.received(probe, nowNanos: 0, progress: nil)
        _ = ledger.received(ConnectResponse(cancelled: [9]), nowNanos: 0, progress: nil)
        var again = welcomed(ledger)
        #expect(again.takeMessage(isAliveDue: false)?.ready == 3, "a probe holds no slot")
        for var ledger in [ledger, again] {
            ledger.finished([result(9)])
            #expect(ledger.takeMessage(isAliveDue: false) == nil)
            #expect(ledger.isIdle)
        }
    }

    @Test func `chunks that wait are bounded, and a message takes them before their result`() {
        var ledger = welcomed()
        _ = ledger.takeMessage(isAliveDue: false)
        _ = ledger.received(work(1), nowNanos: 0, progress: nil)
        let chunk = Coordination.Payload(bytes: [UInt8](repeating: 0x31, count: 10_000))
        for _ in 0..<5_000 { ledger.progress(AssignmentToken(wire: 1), chunk) }
        ledger.progress(
            AssignmentToken(wire: 1),
            Coordination.Payload(bytes: [UInt8](repeating: 0x31, count: 5 << 20)))
        ledger.finished([result(1)])
        var chunks = 0
        while let message = ledger.takeMessage(isAliveDue: false) {
            #expect(message.encoded(leaving: 0).count < 4 << 20)
            chunks += message.progress.count
            #expect(message.results.isEmpty || chunks >= 100)
        }
        #expect((100...WorkerOutbox.maxChunks).contains(chunks))
    }

    @Test func `many heartbeats do not share a message`() {
        var ledger = welcomed(slots: 2_000)
        let tokens = (1...2_000).map { UInt64($0) }
        _ = ledger.received(
            ConnectResponse(assignments: tokens.map { WorkAssignment(token: $0, operation: "o") }),
            nowNanos: 0, progress: nil)
        let details = Coordination.Payload(bytes: [UInt8](repeating: 0x31, count: 4_096))
        for token in tokens {
            ledger.heartbeat(
                AssignmentHeartbeat(token: AssignmentToken(wire: token), details: details))
        }
        var sent: [UInt64] = []
        while let message = ledger.takeMessage(isAliveDue: false) {
            #expect(message.encoded(leaving: 0).count < (1 << 20) + 8_192)
            sent += message.heartbeats.map(\.token)
        }
        #expect(sent == tokens)
    }

    @Test func `credits wait while more is unaccepted than one hello can name`() {
        var ledger = welcomed(slots: 65_536)
        #expect(ledger.takeMessage(isAliveDue: false)?.ready == 65_536)
        _ = ledger.received(work(1, 2), nowNanos: 0, progress: nil)
        ledger.finished([result(1), result(2)])
        #expect(ledger.takeMessage(isAliveDue: false)?.ready == 0)
        _ = ledger.received(ConnectResponse(accepted: [1]), nowNanos: 0, progress: nil)
        #expect(ledger.takeMessage(isAliveDue: false) == ConnectRequest(ready: 1))
        var again = welcomed(ledger)
        #expect(again.takeMessage(isAliveDue: false)?.ready == 65_535)
    }
}
