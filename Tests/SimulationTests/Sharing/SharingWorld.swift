import Coordination
import Store

@testable import Engine

/// Writers, readers, watchers and owners of locks around one engine, in virtual time, under one seed:
/// commits come late, the process dies between any two steps and takes up what is on disk, callers
/// leave and repeat themselves.
struct SharingWorld {
    let seed: UInt64
    var problems: [String] = []
    var random: SeededRandom
    var store = SharingStore()
    var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)
    var calls: UInt64 = 0
    var isHealing = false
    private(set) var crashes = 0
    private var engine: CoordinationEngine
    private var limits = EngineLimits()
    private var sealed: StoreBatch?

    // Writers and readers.
    var asked: [UInt64: MemoryQuestion] = [:]
    /// Requests without an answer, to be asked again, and the revision of answered ones.
    var repeats: [MemoryQuestion] = []
    var answered: [String: Int64] = [:]
    var toldRevision: Int64 = 0
    /// Writes under a lock: when, and with which token.
    var fenced: [String: [(revision: Int64, token: UInt64)]] = [:]
    var watchers = [
        MemoryReader(scope: .prefix(MemoryKey(""))), MemoryReader(scope: .key(MemoryKey("k1"))),
    ]

    // Owners of locks.
    var owners = (0..<4).map { LockOwner(name: "o\($0)") }

    static let keys = (0..<4).map { MemoryKey("k\($0)") }
    static let resources = ["a", "b", "c"]

    init(seed: UInt64) throws {
        self.seed = seed
        random = SeededRandom(seed: seed)
        limits.maxCommandsPerBatch = random.int(1...6)
        // Small enough for watchers to come too late.
        limits.memory.windowChanges = random.chance(0.5) ? 12 : 10_000
        engine = try store.recover(limits)
    }

    /// Lives for so many steps, then heals: everything must be answered, every lock end, and memory
    /// be what the disk says.
    mutating func live(steps: Int) throws {
        for _ in 0..<steps where problems.isEmpty { try step() }
        isHealing = true
        for _ in 0..<400 where problems.isEmpty {
            try step()
            pass(millis: 50)
            settle()
            commit()
        }
        checkAtTheEnd()
    }

    private mutating func step() throws {
        switch random.int(0...(isHealing ? 7 : 11)) {
        case 0: look()
        case 1: repeatRequest()
        case 2, 3: ownerActs()
        case 4, 5: commit()
        case 6: watch(random.int(0...(watchers.count - 1)))
        case 7: pass(millis: random.int(0...200))
        case 8, 9: write()
        case 10: if random.chance(0.15) { try crash() }
        default: if random.chance(0.3) { leave() }
        }
        settle()
        problems += store.faults
    }

    // MARK: The engine

    /// Sends a command under a ticket of its own.
    mutating func send(_ command: (ReplyTicket) -> Command) -> UInt64 {
        calls += 1
        engine.submit(command(ReplyTicket(port: 0, call: calls)))
        return calls
    }

    mutating func abandon(_ call: UInt64) {
        engine.submit(.abandon(ReplyTicket(port: 0, call: call)))
    }

    private mutating func settle() {
        repeat {
            take(engine.turn(now, random: random.next()))
            if sealed == nil, let batch = engine.seal() { sealed = batch }
        } while engine.hasInput
    }

    private mutating func commit() {
        guard let batch = sealed else { return }
        sealed = nil
        store.apply(batch)
        take(engine.batchCommitted(batch.number, at: now))
    }

    private mutating func pass(millis: Int) {
        now.monotonicNanos += Int64(millis) * 1_000_000
        now.wallMillis += Int64(millis)
    }

    /// The process dies; what was on its way to the disk may have come there.
    private mutating func crash() throws {
        crashes += 1
        if let batch = sealed, random.chance(0.5) { store.apply(batch) }
        sealed = nil
        repeats += asked.values.filter { !$0.requestID.isEmpty }
        asked = [:]
        for index in watchers.indices { watchers[index].call = nil }
        for index in owners.indices { owners[index].processDied() }
        engine = try store.recover(limits)
        pass(millis: random.int(0...2_000))
    }

    private mutating func take(_ output: TurnOutput) {
        for reply in output.replies { take(reply) }
    }

    private mutating func take(_ reply: Reply) {
        let call = reply.ticket.call
        if let question = asked.removeValue(forKey: call) {
            memoryAnswered(question, reply.answer)
        } else if let watcher = watchers.firstIndex(where: { $0.call == call }) {
            watcherTold(watcher, reply.answer)
        } else if let owner = owners.firstIndex(where: { $0.calls[call] != nil }) {
            ownerTold(owner, call, reply.answer)
        }
    }

    // MARK: The end

    private mutating func checkAtTheEnd() {
        if !asked.isEmpty { problems.append("\(asked.count) questions have no answer") }
        for owner in owners where owner.isWaiting {
            problems.append("\(owner.name) still waits for a lock")
        }
        if !store.held.isEmpty { problems.append("\(store.held.count) locks did not end") }
        for (resource, writes) in fenced {
            let tokens = writes.sorted { $0.revision < $1.revision }.map(\.token)
            if tokens != tokens.sorted() {
                problems.append("a write under an old lock of \(resource) was let through")
            }
        }
        for index in watchers.indices where watchers[index].next <= store.revision {
            let watcher = watchers[index]
            let missed = store.changes(watcher.next..<(store.revision + 1), watcher.scope)
            if watcher.call != nil, !missed.isEmpty {
                problems.append("watcher \(index) missed \(missed.count) changes")
            }
        }
    }
}
