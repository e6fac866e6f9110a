import Coordination
import Store
import Testing

@testable import Engine

@Suite struct LockEngineTests {
    private func acquire(
        _ owner: String, _ resources: String..., wait: LockWait = .always, lease: Int64 = 10_000,
        isStream: Bool = false, requestID: String = "", shared: Bool = false
    ) -> (ReplyTicket) -> Command {
        let claim = LockClaim(
            wishes: resources.map { LockWish($0, shared ? .shared : .exclusive) }, owner: owner,
            leaseMillis: lease)
        let acquire = AcquireLocks(
            namespace: .default, claim: claim, wait: wait, isStream: isStream,
            requestID: requestID)
        return { .locks(.acquire(acquire), $0) }
    }

    private func release(_ serial: UInt64, _ owner: String) -> (ReplyTicket) -> Command {
        { .locks(.release(.default, acquire: serial, owner: owner), $0) }
    }

    @Test func `a waiter hears nothing before the grant is on disk, and then its token`() throws {
        var bench = EngineBench()
        let first = try bench.grant(acquire("a", "r"))
        let waiter = bench.send(acquire("b", "r"))
        #expect(bench.answers[waiter] == nil)
        guard
            case .locks(.released(true, stillHeld: [])) = bench.ask(
                release(first.acquire.serial, "a"))
        else {
            Issue.record("not released")
            return
        }
        let second = try #require(bench.answers[waiter]?.last?.grant)
        #expect(second.holds[0].token > first.holds[0].token)
        guard case .locks(.released(false, _)) = bench.ask(release(first.acquire.serial, "a"))
        else {
            Issue.record("a repeated release is harmful")
            return
        }
        let foreign = bench.ask(release(second.acquire.serial, "a"))?.rejection
        #expect(foreign?.code == .denied && foreign?.reason == "FOREIGN_LOCK")
    }

    @Test func `a stream hears its place, the grant, the renewal and the loss`() throws {
        var bench = EngineBench()
        let a = try bench.grant(acquire("a", "r"))
        let b = bench.send(acquire("b", "r", isStream: true))
        let c = bench.send(acquire("c", "r", isStream: true))
        #expect(bench.answers[c]?.compactMap(\.place).map(\.position) == [2])
        _ = bench.ask(release(a.acquire.serial, "a"))
        let held = try #require(bench.answers[b]?.last?.grant)
        #expect(
            bench.answers[c]?.compactMap(\.place) == [
                LockPlace(position: 2, resource: "r", holder: "b"),
                LockPlace(position: 1, resource: "r", holder: "b"),
            ])
        _ = bench.ask {
            .locks(.renew(.default, acquire: held.acquire.serial, owner: "b", leaseMillis: 500), $0)
        }
        guard case .locks(.renewed(500, _)) = bench.answers[b]?.last else {
            Issue.record("the stream does not hear of the renewal")
            return
        }
        bench.pass(millis: 500)
        guard case .locks(.lost(.expired, _)) = bench.answers[b]?.last else {
            Issue.record("the stream does not hear of the loss")
            return
        }
        let next = try #require(bench.answers[c]?.last?.grant)
        let order = BreakLock(
            namespace: .default, resource: "r", acquire: nil,
            signature: Signature(actor: "ann", reason: "drill", requestID: "q"))
        guard case .locks(.broken(1)) = bench.ask({ .locks(.breakLock(order), $0) }),
            case .locks(.lost(.broken, "drill")) = bench.answers[c]?.last
        else {
            Issue.record("not broken")
            return
        }
        #expect(bench.audits.map(\.action) == ["BreakLock"])
        guard case .locks(.broken(1)) = bench.ask({ .locks(.breakLock(order), $0) }) else {
            Issue.record("a repeat does something else")
            return
        }
        let other = BreakLock(
            namespace: .default, resource: "r", acquire: nil,
            signature: Signature(actor: "ann", reason: "another", requestID: "q"))
        let reused = bench.ask { .locks(.breakLock(other), $0) }?.rejection
        #expect(reused?.reason == "REQUEST_ID_REUSED")
        #expect(next.acquire.claim.owner == "c")
    }

    @Test func `a repeat joins the wait, then gets the same grant while it is held`() throws {
        var bench = EngineBench()
        let a = try bench.grant(acquire("a", "r"))
        let one = bench.send(acquire("b", "r", requestID: "q"))
        let two = bench.send(acquire("b", "r", requestID: "q"))
        #expect(bench.ask(acquire("b", "s", requestID: "q"))?.rejection?.code == .invalid)
        let longer = bench.ask(acquire("b", "r", lease: 20_000, requestID: "q"))
        #expect(longer?.rejection?.reason == "REQUEST_ID_REUSED")
        _ = bench.ask(release(a.acquire.serial, "a"))
        let granted = try #require(bench.answers[one]?.last?.grant)
        #expect(bench.answers[two]?.last?.grant == granted)
        #expect(
            bench.ask(acquire("b", "r", requestID: "q"))?.grant?.acquire.serial
                == granted.acquire.serial)
        try bench.restart()
        #expect(bench.ask(acquire("b", "r", requestID: "q"))?.grant?.holds == granted.holds)
        _ = bench.ask(release(granted.acquire.serial, "b"))
        #expect(bench.ask(acquire("b", "r", requestID: "q"))?.rejection?.reason == "LOCK_LOST")
    }

    @Test func `a repeat that joins a wait has a wait of its own`() throws {
        var bench = EngineBench()
        let a = try bench.grant(acquire("a", "r", lease: 60_000))
        func after(_ millis: Int64) -> LockWait {
            .until(nanos: bench.now.monotonicNanos + millis * 1_000_000)
        }
        let first = bench.send(acquire("b", "r", wait: after(800), requestID: "q"))
        let now = bench.ask(acquire("b", "r", wait: .not, requestID: "q"))?.rejection
        #expect(now?.reason == "LOCK_BUSY" && now?.details["holder"] == "a")
        let shorter = bench.send(acquire("b", "r", wait: after(500), requestID: "q"))
        let longer = bench.send(acquire("b", "r", wait: after(5_000), requestID: "q"))
        let gone = bench.send(acquire("b", "r", wait: after(300), requestID: "q"))
        bench.post(.abandon(ReplyTicket(port: 0, call: gone)))
        bench.pass(millis: 499)
        #expect(bench.answers[shorter] == nil)
        bench.pass(millis: 1)
        #expect(bench.answers[shorter]?.map(\.rejection?.reason) == ["LOCK_BUSY"])
        bench.pass(millis: 299)
        #expect(bench.answers[first] == nil)
        bench.pass(millis: 1)
        #expect(bench.answers[first]?.map(\.rejection?.reason) == ["LOCK_BUSY"])
        bench.pass(millis: 1_000)
        _ = bench.ask(release(a.acquire.serial, "a"))
        #expect(bench.answers[longer]?.map { $0.grant != nil } == [true])
        #expect(bench.answers[gone]?.map(\.rejection?.reason) == ["CALL_ABANDONED"])
    }

    @Test func `a request waits as long as the most patient of its callers, and no longer`() throws
    {
        var bench = EngineBench()
        let a = try bench.grant(acquire("a", "r", lease: 60_000))
        let end = bench.now.monotonicNanos + 500_000_000
        let stream = bench.send(acquire("b", "r", isStream: true, requestID: "q"))
        let call = bench.send(acquire("b", "r", wait: .until(nanos: end), requestID: "q"))
        bench.post(.abandon(ReplyTicket(port: 0, call: stream)))
        bench.pass(millis: 500)
        #expect(bench.answers[call]?.map(\.rejection?.reason) == ["LOCK_BUSY"])
        // Nobody asks any more: the next in line has it.
        let next = bench.send(acquire("c", "r"))
        _ = bench.ask(release(a.acquire.serial, "a"))
        #expect(bench.answers[next]?.last?.grant != nil)
        let serial = try #require(bench.answers[next]?.last?.grant?.acquire.serial)
        let short = bench.send(acquire("d", "r", wait: .until(nanos: end + 1), requestID: "p"))
        let always = bench.send(acquire("d", "r", requestID: "p"))
        bench.pass(millis: 5_000)
        #expect(bench.answers[short]?.map(\.rejection?.reason) == ["LOCK_BUSY"])
        _ = bench.ask(release(serial, "c"))
        #expect(bench.answers[always]?.last?.grant != nil)
    }

    @Test func `who gives up waits no longer`() throws {
        var bench = EngineBench()
        let a = try bench.grant(acquire("a", "r"))
        let gone = bench.send(acquire("b", "r", requestID: "q"))
        let next = bench.send(acquire("c", "r"))
        bench.post(.abandon(ReplyTicket(port: 0, call: gone)))
        _ = bench.ask(release(a.acquire.serial, "a"))
        #expect(bench.answers[gone]?.map(\.rejection?.reason) == ["CALL_ABANDONED"])
        #expect(bench.answers[next]?.last?.grant != nil)
    }

    @Test func `held locks survive a restart with a full lease and higher tokens`() throws {
        var bench = EngineBench()
        let a = try bench.grant(acquire("a", "r", "s", lease: 1_000))
        bench.pass(millis: 900)
        try bench.restart(after: 60_000)
        #expect(bench.ask(acquire("b", "r", wait: .not))?.rejection?.reason == "LOCK_BUSY")
        bench.pass(millis: 999)
        #expect(bench.ask(acquire("b", "r", wait: .not))?.rejection != nil)
        bench.pass(millis: 1)
        let b = try bench.grant(acquire("b", "r", wait: .not))
        #expect(b.holds[0].token > a.holds[1].token)
        try bench.restart()
        try bench.restart()
        _ = bench.ask(release(b.acquire.serial, "b"))
        let c = try bench.grant(acquire("c", "r", wait: .not))
        #expect(c.holds[0].token > b.holds[0].token)
    }

    @Test func `a wait ends in time, a cycle is refused at once`() throws {
        var bench = EngineBench()
        _ = bench.ask(acquire("a", "r", lease: 60_000))
        _ = bench.ask(acquire("b", "s", lease: 60_000))
        let end = bench.now.monotonicNanos + 1_000_000_000
        let waiter = bench.send(acquire("b", "r", wait: .until(nanos: end)))
        let cycle = bench.ask(acquire("a", "s"))?.rejection
        #expect(cycle?.reason == "LOCK_CYCLE" && cycle?.code == .precondition)
        #expect(cycle?.details["cycle"] == "a > s > b > r > a")
        bench.pass(millis: 1_000)
        let late = bench.answers[waiter]?.last?.rejection
        #expect(late?.reason == "LOCK_BUSY" && late?.details["holder"] == "a")
        #expect(bench.ask(acquire("a", "s", wait: .not))?.rejection?.reason == "LOCK_BUSY")
    }

    @Test func `what is held is listed, page by page`() throws {
        var bench = EngineBench()
        for number in 1...5 { _ = bench.ask(acquire("a", "r\(number)")) }
        _ = bench.send(acquire("b", "r1"))
        guard
            case .locks(.locks(let views, let ends, more: true)) = bench.ask({
                .locks(.list(.default, prefix: "r", owner: "", after: nil, limit: 3), $0)
            })
        else {
            Issue.record("not a page")
            return
        }
        #expect(views.map(\.resource) == ["r1", "r2", "r3"] && ends.map(\.count) == [1, 1, 1])
        #expect(views[0].waiterCount == 1)
        guard
            case .locks(.lock(let view, _)) = bench.ask({
                .locks(.get(.default, resource: "free"), $0)
            })
        else {
            Issue.record("not a lock")
            return
        }
        #expect(view.holders.isEmpty && view.waiterCount == 0)
    }

    @Test func `an answer about a lock waits for what it saw`() throws {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        let now = EngineTime(monotonicNanos: 1, wallMillis: 1_000)
        func ticket(_ call: UInt64) -> ReplyTicket { ReplyTicket(port: 0, call: call) }
        engine.submit(acquire("a", "r")(ticket(1)))
        engine.submit(acquire("b", "r", wait: .not)(ticket(2)))
        engine.submit(.locks(.get(.default, resource: "r"), ticket(3)))
        engine.submit(acquire("c", "r", isStream: true)(ticket(4)))
        #expect(engine.turn(now, random: 1).replies.isEmpty)
        let sealed = engine.seal()
        let batch = try #require(sealed)
        #expect(batch.entities.map(\.entityKind) == [.lockAcquire])
        let released = engine.batchCommitted(batch.number, at: now).replies
        #expect(released.map(\.ticket.call) == [1, 2, 3, 4])
    }
}

extension EngineBench {
    /// What an acquire got.
    mutating func grant(_ command: (ReplyTicket) -> Command) throws -> LockGrantView {
        let answer = ask(command)
        return try #require(answer?.grant)
    }
}

extension Answer {
    var place: LockPlace? {
        if case .locks(.queued(let place)) = self { place } else { nil }
    }
}
