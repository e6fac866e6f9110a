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
}
