import Coordination
import Store
import Testing

@testable import Engine

/// The engine by hand, with a batch in flight that does not come to its end.
@Suite struct BacklogTests {
    private let time = EngineTime(monotonicNanos: 1, wallMillis: 1_000)

    /// An engine whose disk is stuck: one batch in flight, the filling one full.
    private func stuckEngine(
        _ change: (inout EngineLimits) -> Void = { _ in }
    ) -> CoordinationEngine {
        var limits = EngineLimits()
        limits.maxCommandsPerBatch = 1
        change(&limits)
        var engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        let put = PutDefinition(namespace: .default, definition: .chain(1))
        engine.submit(.putDefinition(put, ticket(1)))
        _ = engine.turn(time, random: 0)
        let batch = engine.seal()
        #expect(batch != nil)
        expect(ask(&engine, start(2)), [:])
        return engine
    }

    private func ticket(_ call: UInt64) -> ReplyTicket { ReplyTicket(port: 0, call: call) }

    private func start(_ call: UInt64, bytes: Int = 2) -> Command {
        .startRun(
            StartRun(
                namespace: .default, definition: "chain", workflowID: "",
                input: Payload(bytes: [UInt8](repeating: 0x31, count: bytes)), requestID: "",
                conflict: .fail), ticket(call))
    }

    /// The refusals of one turn, by call.
    private func ask(
        _ engine: inout CoordinationEngine, _ commands: Command...
    ) -> [UInt64: String] {
        engine.submit(contentsOf: commands)
        return refusals(engine.turn(time, random: 0))
    }

    /// Calls that change the engine cannot stand inside `#expect`.
    private func expect(
        _ found: [UInt64: String], _ wanted: [UInt64: String],
        at place: SourceLocation = #_sourceLocation
    ) {
        #expect(found == wanted, sourceLocation: place)
    }

    private func refusals(_ output: TurnOutput) -> [UInt64: String] {
        var found: [UInt64: String] = [:]
        for reply in output.replies {
            if case .rejected(let rejection) = reply.answer {
                found[reply.ticket.call] = rejection.reason
            }
        }
        return found
    }

    @Test func `new work that finds too many commands waiting is refused`() {
        var engine = stuckEngine { $0.maxBacklogCommands = 2 }
        expect(ask(&engine, start(3), start(4), start(5)), [5: "BACKLOG_FULL"])
        // What ends work always enters.
        let cancel = CancelRun(run: .workflow(.default, "w"), reason: "")
        expect(ask(&engine, .cancelRun(cancel, ticket(6))), [:])
        #expect(engine.snapshot.backlog == 3)
    }

    @Test func `new work that finds too many bytes waiting is refused`() {
        var engine = stuckEngine { $0.maxBacklogBytes = 1_000 }
        let answers = ask(&engine, start(3, bytes: 1_001), start(4))
        #expect(answers == [4: "BACKLOG_FULL"])
        expect(ask(&engine, .abandon(ticket(3)), start(5)), [3: "CALL_ABANDONED"])
        #expect(engine.snapshot.backlog == 1)
    }

    @Test func `a full disk refuses what waits and what comes`() {
        var engine = stuckEngine()
        expect(ask(&engine, start(3), start(4)), [:])
        engine.diskFilled()
        expect(ask(&engine, start(5)), [3: "DISK_FULL", 4: "DISK_FULL", 5: "DISK_FULL"])
        #expect(engine.snapshot.backlog == 0)
    }

    @Test func `low space refuses what comes while a batch is stuck`() {
        var engine = stuckEngine()
        engine.isLowOnSpace = true
        expect(ask(&engine, start(3)), [3: "DISK_FULL"])
    }

    @Test func `settings that are put are new work too, and weigh what they hold`() {
        var engine = stuckEngine { $0.maxBacklogBytes = 100 }
        let by = Signature(actor: "ann", reason: "")
        let breaker = Command.breaker(
            .put(
                PutBreaker(
                    namespace: .default,
                    definition: BreakerDefinition(
                        name: "b", summary: String(repeating: "s", count: 200),
                        rules: .calls(.defaults)), signature: by)), ticket(3))
        let policy = Command.isolation(.setPolicy(type: "a", .defaults, by: by), ticket(4))
        expect(ask(&engine, breaker, policy), [4: "BACKLOG_FULL"])
        engine.diskFilled()
        expect(ask(&engine, policy), [3: "DISK_FULL", 4: "DISK_FULL"])
        #expect(engine.snapshot.backlog == 0)
    }

    @Test func `work that was abandoned in the backlog is never begun`() {
        var engine = stuckEngine()
        expect(ask(&engine, start(3), start(4), .abandon(ticket(3))), [3: "CALL_ABANDONED"])
        #expect(engine.snapshot.backlog == 1)
        let before = engine.openRunCount
        var number = engine.committed.next
        while engine.inFlight != nil {
            _ = engine.batchCommitted(number, at: time)
            number = number.next
            _ = engine.seal()
            _ = engine.turn(time, random: 0)
        }
        #expect(engine.openRunCount == before + 1)
    }
}
