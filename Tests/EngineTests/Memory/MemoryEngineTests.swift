import Coordination
import Store
import Testing

@testable import Engine

@Suite struct MemoryEngineTests {
    private let me = Signature(actor: "me")

    private func write(
        _ key: String, _ text: String?, expected: Int64? = nil, fence: LockFence? = nil,
        ttl: Int64 = 0, requestID: String = "", returnsPrevious: Bool = false
    ) -> (ReplyTicket) -> Command {
        let write = WriteMemory(
            namespace: .default, key: MemoryKey(key),
            value: text.map { Payload(bytes: Array($0.utf8)) }, ttlMillis: ttl,
            expected: expected, fence: fence, returnsPrevious: returnsPrevious,
            signature: Signature(actor: "me", requestID: requestID))
        return { .memory(.write(write), $0) }
    }

    private func get(_ keys: String...) -> (ReplyTicket) -> Command {
        { .memory(.get(.default, keys.map { MemoryKey($0) }), $0) }
    }

    @Test func `memory that is full for all takes whatever makes it no heavier`() {
        var limits = EngineLimits()
        limits.maxMemoryBytes = 1_000
        var bench = EngineBench()
        bench.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        func text(_ count: Int) -> String { String(repeating: "x", count: count) }
        for key in ["a", "b"] { #expect(bench.ask(write(key, text(300)))?.rejection == nil) }
        let before = bench.engine.memory.bytes
        let full = bench.ask(write("c", "1"))?.rejection
        #expect(full?.code == .overloaded)
        for count in [300, 300, 200, 50] {
            #expect(bench.ask(write("a", text(count), ttl: 1_000))?.rejection == nil)
        }
        #expect(bench.ask(write("a", text(500)))?.rejection?.code == .overloaded)
        #expect(bench.engine.memory.bytes == before - 250)
        let exchange = TransactMemory(
            namespace: .default, compares: [],
            then: [
                .delete(MemoryKey("b")),
                .put(MemoryKey("c"), Payload(bytes: Array(text(300).utf8)), ttlMillis: 0),
            ], orElse: [], signature: me)
        #expect(bench.ask { .memory(.transact(exchange), $0) }?.rejection == nil)
        #expect(bench.engine.memory.bytes == before - 250)
    }

    @Test func `a write answers when it is on disk, and so does who read it`() throws {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        let now = EngineTime(monotonicNanos: 1, wallMillis: 1_000)
        func ticket(_ call: UInt64) -> ReplyTicket { ReplyTicket(port: 0, call: call) }
        engine.submit(write("a", "1")(ticket(1)))
        engine.submit(get("a")(ticket(2)))
        engine.submit(get("b")(ticket(3)))
        let first = engine.turn(now, random: 1)
        // Nobody has touched b, so whoever reads it does not wait.
        #expect(first.replies.map(\.ticket.call) == [3])
        #expect(first.replies[0].answer.memoryEntries?.revision == 0)
        let sealed = engine.seal()
        let batch = try #require(sealed)
        #expect(batch.memory.map(\.revision) == [1])
        #expect(batch.entities.map(\.entityKind) == [.memoryLine])
        engine.submit(write("a", nil)(ticket(4)))
        engine.submit(get("a")(ticket(5)))
        #expect(engine.turn(now, random: 2).replies.isEmpty)
        let released = engine.batchCommitted(batch.number, at: now)
        #expect(released.replies.map(\.ticket.call) == [1, 2])
        #expect(released.replies[1].answer.memoryEntries?.entries.map(\.revision) == [1])
        let second = engine.seal()
        let next = try #require(second)
        let last = engine.batchCommitted(next.number, at: now)
        #expect(last.replies.map(\.ticket.call) == [4, 5])
        #expect(last.replies[1].answer.memoryEntries?.entries.isEmpty == true)
    }

    @Test func `a write that expects another revision is refused and says which`() {
        var bench = EngineBench()
        _ = bench.ask(write("a", "1", expected: 0))
        _ = bench.ask(write("a", "2", expected: 1))
        let refused = bench.ask(write("a", "3", expected: 1))?.rejection
        #expect(refused?.reason == "REVISION_MISMATCH")
        #expect(refused?.details == ["key": "a", "expected": "1", "actual": "2"])
        #expect(bench.ask(write("b", nil, expected: 5))?.rejection?.code == .conflict)
        #expect(bench.ask(get("a"))?.memoryEntries?.entries.first?.version == 2)
    }

    @Test func `a repeat gets the same revision and writes nothing`() throws {
        var bench = EngineBench()
        _ = bench.ask(write("a", "1", requestID: "q"))
        _ = bench.ask(write("a", "2"))
        let again = bench.ask(write("a", "1", requestID: "q"))
        guard case .memory(.put(1, created: true, previous: nil)) = again else {
            Issue.record("\(String(describing: again))")
            return
        }
        #expect(bench.ask(write("a", "x", requestID: "q"))?.rejection?.code == .invalid)
        try bench.restart()
        guard case .memory(.put(1, _, _)) = bench.ask(write("a", "1", requestID: "q")) else {
            Issue.record("forgotten over a restart")
            return
        }
        #expect(bench.ask(get("a"))?.memoryEntries?.entries.first?.revision == 2)
    }

    @Test func `a repeat of what changed nothing changes nothing later`() throws {
        var bench = EngineBench()
        let delete = write("a", nil, requestID: "d")
        let transact = TransactMemory(
            namespace: .default, compares: [.exists(MemoryKey("a"), true)],
            then: [.delete(MemoryKey("a"))], orElse: [.get(MemoryKey("a"))],
            signature: Signature(actor: "me", requestID: "t"))
        for _ in 1...2 {
            guard case .memory(.deleted(false, revision: 0, previous: nil)) = bench.ask(delete),
                case .memory(.transacted(succeeded: false, revision: 0, _)) = bench.ask({
                    .memory(.transact(transact), $0)
                })
            else {
                Issue.record("another answer")
                return
            }
            _ = bench.ask(write("a", "1"))
            try bench.restart()
        }
        #expect(bench.ask(get("a"))?.memoryEntries?.entries.first?.version == 2)
        #expect(bench.ask(write("b", nil, requestID: "d"))?.rejection?.code == .invalid)
    }

    @Test func `what changed nothing and is remembered is on disk before it is answered`() throws {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        let now = EngineTime(monotonicNanos: 1, wallMillis: 1_000)
        func ticket(_ call: UInt64) -> ReplyTicket { ReplyTicket(port: 0, call: call) }
        engine.submit(write("a", nil, requestID: "d")(ticket(1)))
        engine.submit(write("a", nil, requestID: "d")(ticket(2)))
        engine.submit(write("a", nil)(ticket(3)))
        #expect(engine.turn(now, random: 1).replies.map(\.ticket.call) == [3])
        let sealed = engine.seal()
        let batch = try #require(sealed)
        #expect(batch.requests.count == 1 && batch.memory.isEmpty)
        #expect(engine.batchCommitted(batch.number, at: now).replies.map(\.ticket.call) == [1, 2])
    }

    @Test func `a transaction carries out one half at one revision`() {
        var bench = EngineBench()
        _ = bench.ask(write("a", "1"))
        func transact(_ compares: [MemoryCompare]) -> Answer? {
            let transact = TransactMemory(
                namespace: .default, compares: compares,
                then: [
                    .get(MemoryKey("a")),
                    .put(MemoryKey("a"), Payload(bytes: [2]), ttlMillis: 0),
                    .delete(MemoryKey("c")),
                ], orElse: [.get(MemoryKey("a"))], signature: me)
            return bench.ask { .memory(.transact(transact), $0) }
        }
        guard
            case .memory(.transacted(true, 2, let done)) = transact([
                .revisionEquals(MemoryKey("a"), 1)
            ])
        else {
            Issue.record("not carried out")
            return
        }
        #expect(done.count == 3 && done[2] == .deleted(false))
        guard
            case .memory(.transacted(false, 2, let read)) = transact([
                .revisionEquals(MemoryKey("a"), 1), .exists(MemoryKey("a"), true),
            ]), case .read(let entry) = read[0]
        else {
            Issue.record("not the other half")
            return
        }
        #expect(entry?.value.bytes == [2])
    }

    @Test func `a write under a lock needs the token that holds it now`() throws {
        var bench = EngineBench()
        let stale = LockFence(resource: "r", token: 7)
        #expect(
            bench.ask(write("a", "1", fence: stale))?.rejection?.reason == "STALE_FENCING_TOKEN")
        let claim = LockClaim(
            wishes: [LockWish("r", .exclusive)], owner: "o", leaseMillis: 1_000)
        let acquire = AcquireLocks(
            namespace: .default, claim: claim, wait: .not, isStream: false, requestID: "")
        let first = try bench.grant { .locks(.acquire(acquire), $0) }
        let fence = LockFence(resource: "r", token: first.holds[0].token)
        #expect(bench.ask(write("a", "1", fence: fence))?.rejection == nil)
        bench.pass(millis: 1_001)
        #expect(bench.ask(write("a", "2", fence: fence))?.rejection?.code == .precondition)
        let second = try bench.grant { .locks(.acquire(acquire), $0) }
        #expect(second.holds[0].token > fence.token)
        #expect(bench.ask(write("a", "2", fence: fence))?.rejection?.code == .precondition)
        let newer = LockFence(resource: "r", token: second.holds[0].token)
        #expect(bench.ask(write("a", "3", fence: newer))?.rejection == nil)
    }

    @Test func `a watcher is told each change of its keys once, when it is on disk`() throws {
        var bench = EngineBench()
        _ = bench.ask(write("a/1", "x"))
        let watcher = bench.send {
            .memory(.watch(.default, .prefix(MemoryKey("a/")), from: 0), $0)
        }
        let one = bench.send { .memory(.watch(.default, .key(MemoryKey("b")), from: 2), $0) }
        _ = bench.ask(write("a/2", "y"))
        _ = bench.ask(write("b", "y"))
        let both = TransactMemory(
            namespace: .default, compares: [],
            then: [
                .put(MemoryKey("a/1"), Payload(bytes: []), ttlMillis: 0),
                .delete(MemoryKey("b")), .delete(MemoryKey("a/2")),
            ], orElse: [], signature: me)
        _ = bench.ask { .memory(.transact(both), $0) }
        let told = try #require(bench.answers[watcher])
        guard case .memory(.watching(revision: 1, oldest: 1)) = told[0] else {
            Issue.record("\(told[0])")
            return
        }
        #expect(
            told.dropFirst().compactMap(\.memoryChanges).map { $0.map(\.entry.revision) }
                == [[2], [4, 4]])
        #expect(told[1].memoryChanges?.first?.hadPrevious == false)
        #expect(told[2].memoryChanges?.map(\.kind) == [.put, .deleted])
        #expect(
            bench.answers[one]?.compactMap(\.memoryChanges).map { $0.map(\.entry.revision) }
                == [[3], [4]])
        bench.post(.abandon(ReplyTicket(port: 0, call: watcher)))
        _ = bench.ask(write("a/3", "y"))
        #expect(bench.answers[watcher]?.count == 3)
    }

    @Test func `a watch from too early or too late is refused, and says from where`() {
        var bench = EngineBench()
        var limits = EngineLimits()
        limits.memory.windowChanges = 200
        limits.maxMemoryWatchers = 1
        bench.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        for number in 0..<600 { _ = bench.ask(write("k", "\(number)")) }
        func watch(_ from: Int64) -> Answer? {
            bench.ask { .memory(.watch(.default, .prefix(MemoryKey("")), from: from), $0) }
        }
        let early = watch(1)?.rejection
        #expect(early?.reason == "COMPACTED" && early?.code == .outOfRange)
        let oldest = early?.details["oldest_revision"].flatMap { Int64($0) } ?? 0
        #expect(oldest > 600 - 200 - 128 && oldest <= 600 - 199)
        #expect(watch(602)?.rejection?.reason == "FUTURE_REVISION")
        guard case .memory(.watching(600, _)) = watch(oldest) else {
            Issue.record("the oldest revision was refused")
            return
        }
        #expect(watch(601)?.rejection?.reason == "TOO_MANY_WATCHERS")
    }

    @Test func `entries end by themselves, also when a restart comes between`() throws {
        var bench = EngineBench()
        _ = bench.ask(write("a", "1", ttl: 1_000))
        _ = bench.ask(write("b", "1", ttl: 5_000))
        let watcher = bench.send { .memory(.watch(.default, .key(MemoryKey("a")), from: 0), $0) }
        bench.pass(millis: 1_000)
        #expect(bench.answers[watcher]?.last?.memoryChanges?.map(\.kind) == [.expired])
        #expect(bench.ask(get("a", "b"))?.memoryEntries?.entries.map(\.key.text) == ["b"])
        try bench.restart(after: 3_000)
        #expect(bench.ask(get("b"))?.memoryEntries?.entries.count == 1)
        bench.pass(millis: 1_000)
        #expect(bench.ask(get("b"))?.memoryEntries?.entries.isEmpty == true)
        #expect(bench.ask(get("b"))?.memoryEntries?.revision == 4)
    }

    @Test func `revisions go on after a restart, and so does what there was`() throws {
        var bench = EngineBench()
        for number in 1...300 { _ = bench.ask(write("k\(number % 10)", "\(number)")) }
        _ = bench.ask(write("k0", nil))
        try bench.restart()
        let found = bench.ask(get("k0", "k1", "k9"))?.memoryEntries
        #expect(found?.revision == 301 && found?.entries.map(\.revision) == [291, 299])
        _ = bench.ask(write("k0", "new"))
        #expect(bench.ask(get("k0"))?.memoryEntries?.entries.first?.revision == 302)
    }

    @Test func `many that end at once go in more than one batch`() {
        var bench = EngineBench()
        for number in 0..<600 { _ = bench.ask(write("k\(number)", "x", ttl: 5_000)) }
        bench.pass(millis: 5_000)
        #expect(bench.ask(get("k0", "k599"))?.memoryEntries?.entries.isEmpty == true)
        #expect(bench.ask(get("k0"))?.memoryEntries?.revision == 1_200)
    }

    @Test func `namespaces have lines of their own`() {
        var bench = EngineBench()
        _ = bench.ask(write("a", "1"))
        let other = WriteMemory(
            namespace: Namespace("other"), key: MemoryKey("a"), value: Payload(bytes: []),
            signature: me)
        guard
            case .memory(.put(1, created: true, previous: _)) = bench.ask({
                .memory(.write(other), $0)
            })
        else {
            Issue.record("not a line of its own")
            return
        }
    }

    @Test func `a full memory refuses puts and takes deletions`() {
        var bench = EngineBench()
        var limits = EngineLimits()
        limits.memory.maxKeys = 1
        bench.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        _ = bench.ask(write("a", "1"))
        #expect(bench.ask(write("b", "1"))?.rejection?.reason == "MEMORY_FULL")
        #expect(bench.ask(write("a", nil))?.rejection == nil)
        #expect(bench.ask(write("b", "1"))?.rejection == nil)
    }
}

extension Answer {
    var memoryEntries: (entries: [MemoryEntry], revision: Int64)? {
        if case .memory(.entries(let entries, let revision)) = self {
            (entries, revision)
        } else {
            nil
        }
    }

    var memoryChanges: [MemoryChange]? {
        if case .memory(.changes(let changes)) = self { changes } else { nil }
    }

    var grant: LockGrantView? {
        if case .locks(.granted(let view)) = self { view } else { nil }
    }
}
