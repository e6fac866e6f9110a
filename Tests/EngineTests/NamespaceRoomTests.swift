import Coordination
import Store
import Testing

@testable import Engine

/// Namespaces count for the limits of the server as long as they have something, and no longer.
@Suite struct NamespaceRoomTests {
    private static let names = ["a", "b", "c", "d"].map { Namespace($0) }
    private let me = Signature(actor: "me")

    private static func bench() -> EngineBench {
        var limits = EngineLimits()
        limits.maxLockNamespaces = 3
        limits.maxMemoryNamespaces = 3
        limits.maxModes = 3
        var bench = EngineBench()
        bench.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        return bench
    }

    private func acquire(
        in namespace: Namespace, of resource: String = "r", lease: Int64 = 10_000
    ) -> (ReplyTicket) -> Command {
        let claim = LockClaim(
            wishes: [LockWish(resource, .exclusive)], owner: "o", leaseMillis: lease)
        let acquire = AcquireLocks(
            namespace: namespace, claim: claim, wait: .always, isStream: false, requestID: "")
        return { .locks(.acquire(acquire), $0) }
    }

    private func release(_ serial: UInt64, in namespace: Namespace) -> (ReplyTicket) -> Command {
        { .locks(.release(namespace, acquire: serial, owner: "o"), $0) }
    }

    private func write(_ value: [UInt8]?, in namespace: Namespace) -> (ReplyTicket) -> Command {
        let write = WriteMemory(
            namespace: namespace, key: MemoryKey("k"), value: value.map { Payload(bytes: $0) },
            signature: me)
        return { .memory(.write(write), $0) }
    }

    @Test func `a namespace whose locks have ended makes room, and its tokens never come back`()
        throws
    {
        var bench = Self.bench()
        var newest: UInt64 = 0
        for round in 0..<3 {
            for name in Self.names {
                let grant = try bench.grant(acquire(in: name, lease: 1_000))
                #expect(grant.acquire.serial > newest, "round \(round)")
                newest = grant.acquire.serial
                if name == Self.names[1] {
                    bench.pass(millis: 1_000)
                } else {
                    _ = bench.ask(release(newest, in: name))
                }
            }
        }
        #expect(bench.engine.locks.cells.count <= 3)
        for name in Self.names.prefix(3) { _ = try bench.grant(acquire(in: name)) }
        let refused = bench.ask(acquire(in: Self.names[3]))?.rejection
        #expect(refused?.code == .overloaded)
    }

    /// Releases the lock of the first namespace and takes one in the second, then `others`, in one
    /// turn whose batch is not written: the first namespace is forgotten meanwhile.
    ///
    /// - Returns: the engine before the commit, and what was answered by then.
    private func forgetsFirst(
        _ limits: EngineLimits = EngineLimits(), then others: [(ReplyTicket) -> Command]
    ) throws -> (CoordinationEngine, [Reply]) {
        var engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        engine.submit(acquire(in: Self.names[0])(Self.ticket(1)))
        _ = engine.turn(Self.now, random: 1)
        let sealed = engine.seal()
        let first = engine.batchCommitted(try #require(sealed).number, at: Self.now)
        let serial = try #require(first.replies.first?.answer.grant).acquire.serial
        let commands =
            [release(serial, in: Self.names[0]), acquire(in: Self.names[1])] + others
        engine.submit(
            contentsOf: commands.enumerated().map { $1(Self.ticket(UInt64($0 + 2))) })
        let early = engine.turn(Self.now, random: 1).replies
        return (engine, early)
    }

    private static let now = EngineTime(monotonicNanos: 1, wallMillis: 1_000)

    private static func ticket(_ call: UInt64) -> ReplyTicket { ReplyTicket(port: 0, call: call) }

    private func look(in namespace: Namespace) -> (ReplyTicket) -> Command {
        { .locks(.get(namespace, resource: "r"), $0) }
    }

    @Test func `who finds the locks of a forgotten namespace free waits until they are on disk`()
        throws
    {
        var limits = EngineLimits()
        limits.maxLockNamespaces = 1
        var (engine, early) = try forgetsFirst(limits, then: [look(in: Self.names[0])])
        #expect(early.isEmpty)
        #expect(engine.locks.find(Self.names[0]) == nil)
        let next = engine.seal()
        let second = engine.batchCommitted(try #require(next).number, at: Self.now)
        #expect(second.replies.map(\.ticket.call) == [2, 3, 4])
    }

    @Test func `so does who asks when the namespace has locks again`() throws {
        var (engine, early) = try forgetsFirst(
            then: [acquire(in: Self.names[0], of: "other"), look(in: Self.names[0])])
        #expect(early.isEmpty, "the release is not on disk")
        let next = engine.seal()
        let second = engine.batchCommitted(try #require(next).number, at: Self.now)
        #expect(second.replies.map(\.ticket.call) == [2, 3, 4, 5])
    }

    @Test func `deletions of nothing, failed conditions and watches take no namespace`() {
        var bench = Self.bench()
        for name in Self.names {
            _ = bench.ask(write(nil, in: name))
            let unmet = WriteMemory(
                namespace: name, key: MemoryKey("k"), value: Payload(bytes: [1]), expected: 7,
                signature: me)
            #expect(bench.ask { .memory(.write(unmet), $0) }?.rejection?.code == .conflict)
            let watch = bench.send {
                .memory(.watch(name, .key(MemoryKey("k")), from: 0), $0)
            }
            bench.post(.abandon(ReplyTicket(port: 0, call: watch)))
        }
        for name in Self.names.prefix(3) {
            #expect(bench.ask(write([1], in: name))?.rejection == nil)
        }
        #expect(bench.ask(write([1], in: Self.names[3]))?.rejection?.code == .overloaded)
        // What was written has a revision for ever.
        _ = bench.ask(write(nil, in: Self.names[0]))
        #expect(bench.ask(write([1], in: Self.names[3]))?.rejection?.code == .overloaded)
    }

    @Test func `a namespace that is watched keeps its place`() {
        var bench = Self.bench()
        let watches = Self.names.prefix(3).map { name in
            bench.send { .memory(.watch(name, .key(MemoryKey("k")), from: 0), $0) }
        }
        #expect(bench.ask(write([1], in: Self.names[3]))?.rejection?.code == .overloaded)
        #expect(bench.ask(write([1], in: Self.names[0]))?.rejection == nil)
        #expect(bench.answers[watches[0]]?.count == 2, "it is told of the change")
        bench.post(.abandon(ReplyTicket(port: 0, call: watches[1])))
        #expect(bench.ask(write([1], in: Self.names[3]))?.rejection == nil)
    }

    @Test func `watches of modes and breakers that are gone take no namespace`() {
        var bench = Self.bench()
        let definition = BreakerEngineTests.definition("b")
        for name in Self.names {
            for watch in [BreakerCommand.watchMode(name), .watch(name)] {
                let call = bench.send { .breaker(watch, $0) }
                #expect(bench.answers[call]?.last?.rejection == nil)
                bench.post(.abandon(ReplyTicket(port: 0, call: call)))
            }
            let put = PutBreaker(namespace: name, definition: definition, signature: me)
            #expect(bench.ask { .breaker(.put(put), $0) }?.rejection == nil)
            _ = bench.ask { .breaker(.delete(name, name: "b", by: me), $0) }
        }
        #expect(bench.engine.breakers.modes.isEmpty)
        #expect(bench.engine.breakers.modeNames.count == 1)
    }
}
