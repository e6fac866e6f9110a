import Coordination
import Store
import Testing

@testable import Engine

/// What ends by time, while more is asked of the engine than one batch takes.
@Suite struct DueTests {
    private var engine: CoordinationEngine
    private var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 30_000)
    private var calls: UInt64 = 0
    private var answers: [UInt64: Answer] = [:]

    init() {
        var limits = EngineLimits()
        limits.maxCommandsPerBatch = 16
        limits.maxDuePerBatch = 4
        limits.maxBacklogCommands = 20_000
        engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
    }

    /// Leaves a command for the next turn and gives its call's number.
    @discardableResult
    private mutating func submit(_ command: (ReplyTicket) -> Command) -> UInt64 {
        calls += 1
        engine.submit(command(ReplyTicket(port: 0, call: calls)))
        return calls
    }

    /// One turn and the commit of what it has written.
    private mutating func turn() {
        take(engine.turn(now, random: 1))
        guard let batch = engine.seal() else { return }
        take(engine.batchCommitted(batch.number, at: now))
    }

    private mutating func take(_ output: TurnOutput) {
        for reply in output.replies { answers[reply.ticket.call] = reply.answer }
    }

    private mutating func settle() {
        repeat { turn() } while engine.hasWork(atNanos: now.monotonicNanos)
    }

    private mutating func pass(millis: Int64) {
        now.monotonicNanos += millis * 1_000_000
        now.wallMillis += millis
    }

    private mutating func flood(_ count: Int) {
        for number in 0..<count { submit(Self.put("k\(number)")) }
    }

    private static func put(_ key: String, ttl: Int64 = 0) -> (ReplyTicket) -> Command {
        let write = WriteMemory(
            namespace: .default, key: MemoryKey(key), value: Payload(bytes: [0x31]),
            ttlMillis: ttl, signature: Signature(actor: "me"))
        return { .memory(.write(write), $0) }
    }

    private static func acquire(
        _ owner: String, _ resource: String = "r", in namespace: Namespace = .default,
        lease: Int64 = 1_000
    ) -> (ReplyTicket) -> Command {
        let claim = LockClaim(
            wishes: [LockWish(resource, .exclusive)], owner: owner, leaseMillis: lease)
        let acquire = AcquireLocks(
            namespace: namespace, claim: claim, wait: .always, isStream: false, requestID: "")
        return { .locks(.acquire(acquire), $0) }
    }

    @Test mutating func `a backlog keeps no lease, no entry and no schedule from its time`() {
        submit {
            .putDefinition(PutDefinition(namespace: .default, definition: .chain(1)), $0)
        }
        submit { .schedule(.put(ScheduleTests.schedule(every: 30)), $0) }
        submit(Self.acquire("a"))
        let waiter = submit(Self.acquire("b"))
        submit(Self.put("short", ttl: 1_000))
        settle()
        #expect(answers[waiter] == nil && engine.openRunCount == 0)
        flood(10_000)
        pass(millis: 30_000)
        turn()
        #expect(engine.snapshot.backlog > 9_000, "most of it waits yet")
        #expect(answers[waiter]?.grant?.acquire.claim.owner == "b")
        #expect(engine.openRunCount == 1)
        let read = submit { .memory(.get(.default, [MemoryKey("short")]), $0) }
        turn()
        #expect(answers[read]?.memoryEntries?.entries.isEmpty == true)
    }

    @Test mutating func `what is due gets its share of each batch, in every namespace`() {
        let spaces = [Namespace("one"), Namespace("two")]
        for number in 0..<40 {
            for space in spaces {
                submit(Self.acquire("o", "r\(number)", in: space, lease: 1_000))
            }
        }
        settle()
        flood(1_000)
        pass(millis: 1_000)
        var ended = 80
        for _ in 1...10 {
            turn()
            let left = spaces.compactMap { engine.locks.find($0) }.map {
                engine.locks.cells[$0].table.heldCount
            }
            #expect(ended - left.reduce(0, +) == 4)
            ended = left.reduce(0, +)
        }
        let left = spaces.compactMap { engine.locks.find($0) }.map {
            engine.locks.cells[$0].table.heldCount
        }
        #expect(left == [20, 20])
        settle()
        #expect(engine.locks.gauges.held == 0 && engine.snapshot.backlog == 0)
    }
}
