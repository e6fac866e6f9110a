import Coordination
import Testing

@Suite struct LockTableTests {
    private var table = LockTable(base: 1_000)
    private var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)
    private var out = LockTable.Output()
    private let batch = BatchNumber(rawValue: 1)

    private func claim(
        _ owner: String, _ exclusive: [String] = [], shared: [String] = [], lease: Int64 = 1_000
    ) -> LockClaim {
        LockClaim(
            wishes: exclusive.map { LockWish($0, .exclusive) }
                + shared.map { LockWish($0, .shared) }, owner: owner, leaseMillis: lease)
    }

    private mutating func acquire(
        _ claim: LockClaim, _ wait: LockWait = .always
    ) -> LockTable.Outcome {
        out = LockTable.Output()
        return table.acquire(claim, wait, at: now, in: batch, into: &out)
    }

    private mutating func granted(_ claim: LockClaim) throws -> UInt64 {
        guard case .granted(let serial) = acquire(claim) else {
            throw Unexpected()
        }
        return serial
    }

    private mutating func waiting(_ claim: LockClaim) throws -> UInt64 {
        guard case .waits(let number) = acquire(claim) else { throw Unexpected() }
        return number
    }

    private struct Unexpected: Error {}

    private mutating func release(_ serial: UInt64, _ owner: String) -> LockTable.Answer {
        out = LockTable.Output()
        return table.release(serial, owner: owner, at: now, in: batch, into: &out)
    }

    @Test mutating func `waiters are served in the order of arrival, each with a greater token`()
        throws
    {
        let first = try granted(claim("a", ["r"]))
        let second = try waiting(claim("b", ["r"]))
        let third = try waiting(claim("c", ["r"]))
        #expect(table.place(of: third) == place(2, "r", "b"))
        #expect(release(first, "a") == .done)
        #expect(out.granted.map(\.waiter) == [second])
        let token = try #require(table.acquire(out.granted[0].acquire)).tokens[0]
        #expect(token > first)
        #expect(table.hold("r", token: token).isHeld && !table.hold("r", token: first).isHeld)
        #expect(release(out.granted[0].acquire, "b") == .done)
        #expect(out.granted.map(\.waiter) == [third])
        #expect(try #require(table.acquire(out.granted[0].acquire)).tokens[0] > token)
    }

    private func place(_ position: Int, _ resource: String, _ holder: String) -> LockPlace? {
        var other = LockTable(base: 0)
        var out = LockTable.Output()
        for number in 0..<position {
            let owner = number == position - 1 ? holder : "x\(number)"
            _ = other.acquire(
                claim(owner, [resource]), .always, at: now, in: batch, into: &out)
        }
        let outcome = other.acquire(
            claim("last", [resource]), .always, at: now, in: batch, into: &out)
        guard case .waits(let number) = outcome else { return nil }
        return other.place(of: number)
    }

    @Test mutating func `readers share, and none passes a writer that came before`() throws {
        let reader = try granted(claim("a", shared: ["r"]))
        let other = try granted(claim("b", shared: ["r"]))
        #expect(table.acquire(reader)?.tokens != table.acquire(other)?.tokens)
        let writer = try waiting(claim("w", ["r"]))
        let late = try waiting(claim("c", shared: ["r"]))
        let latest = try waiting(claim("d", shared: ["r"]))
        _ = release(reader, "a")
        #expect(out.granted.isEmpty)
        _ = release(other, "b")
        #expect(out.granted.map(\.waiter) == [writer])
        _ = release(out.granted[0].acquire, "w")
        #expect(out.granted.map(\.waiter) == [late, latest])
    }

    @Test mutating func `an owner acquires again at once, with the same token, and counts`() throws
    {
        let first = try granted(claim("a", ["r"]))
        let waiter = try waiting(claim("b", ["r"]))
        let again = try granted(claim("a", ["r"], shared: ["s"]))
        #expect(table.acquire(again)?.tokens == [first, again])
        #expect(table.holds(of: claim("a", ["r"])).map(\.count) == [2])
        _ = release(first, "a")
        #expect(out.granted.isEmpty)
        #expect(table.holds(of: claim("a", ["r"])).map(\.count) == [1])
        _ = release(again, "a")
        #expect(out.granted.map(\.waiter) == [waiter])
        #expect(release(again, "a") == .notHeld)
        #expect(release(out.granted.first?.acquire ?? 0, "a") == .notHeld)
    }

    @Test mutating func `several resources are taken all or none, and half a claim blocks nobody`()
        throws
    {
        let a = try granted(claim("a", ["r"]))
        let both = try waiting(claim("b", ["r", "s"]))
        // It waits for r and holds nothing of s, but nobody who came later passes it there.
        #expect(table.holds(of: claim("b", ["s"])).isEmpty)
        let later = try waiting(claim("c", ["s"]))
        _ = release(a, "a")
        #expect(out.granted.map(\.waiter) == [both])
        let acquire = try #require(table.acquire(out.granted[0].acquire))
        #expect(acquire.tokens == [acquire.serial, acquire.serial])
        _ = release(acquire.serial, "b")
        #expect(out.granted.map(\.waiter) == [later])
    }

    @Test mutating func `a release by somebody else is refused`() throws {
        let serial = try granted(claim("a", ["r"]))
        #expect(release(serial, "b") == .foreign)
        #expect(table.renew(serial, owner: "b", leaseMillis: nil, at: now) == .foreign)
        #expect(release(serial, "a") == .done)
        #expect(release(serial, "a") == .notHeld)
        #expect(table.renew(serial, owner: "a", leaseMillis: nil, at: now) == .notHeld)
    }

    @Test mutating func `a lease that is not renewed goes to the next waiter`() throws {
        let serial = try granted(claim("a", ["r"], lease: 100))
        let waiter = try waiting(claim("b", ["r"]))
        now.monotonicNanos += 90_000_000
        #expect(table.renew(serial, owner: "a", leaseMillis: 200, at: now) == .done)
        now.monotonicNanos += 150_000_000
        out = LockTable.Output()
        #expect(!table.expireNext(at: now, in: batch, into: &out))
        now.monotonicNanos += 50_000_000
        #expect(table.expireNext(at: now, in: batch, into: &out))
        #expect(out.ended.map(\.end) == [.expired] && out.ended[0].acquire.serial == serial)
        #expect(out.granted.map(\.waiter) == [waiter])
    }

    @Test mutating func `a wait ends in time and says where it stood`() throws {
        _ = try granted(claim("a", ["r"], lease: 10_000))
        let due = now.monotonicNanos + 50_000_000
        guard case .waits(let waiter) = acquire(claim("b", ["r"]), .until(nanos: due)) else {
            throw Unexpected()
        }
        let behind = try waiting(claim("c", shared: ["r"]))
        now.monotonicNanos = due
        #expect(table.expireNext(at: now, in: batch, into: &out))
        #expect(out.timedOut.map(\.waiter) == [waiter])
        #expect(out.timedOut[0].place.holder == "a" && out.timedOut[0].place.position == 1)
        #expect(table.place(of: behind)?.position == 1)
        guard case .busy(let place) = acquire(claim("d", ["r"]), .not) else { throw Unexpected() }
        #expect(place.position == 2)
    }

    @Test mutating func `a waiter that leaves frees those behind it`() throws {
        _ = try granted(claim("a", shared: ["r"]))
        let writer = try waiting(claim("w", ["r"]))
        let reader = try waiting(claim("b", shared: ["r"]))
        out = LockTable.Output()
        table.leave(writer, at: now, in: batch, into: &out)
        #expect(out.granted.map(\.waiter) == [reader])
    }

    @Test mutating func `a cycle is refused and named`() throws {
        _ = try granted(claim("a", ["r"]))
        _ = try granted(claim("b", ["s"]))
        _ = try granted(claim("c", ["t"]))
        _ = try waiting(claim("a", ["s"]))
        _ = try waiting(claim("b", ["t"]))
        guard case .cycle(let steps) = acquire(claim("c", ["r"])) else { throw Unexpected() }
        #expect(steps.map(\.owner) == ["c", "a", "b"])
        #expect(steps.map(\.resource) == ["r", "s", "t"])
        #expect(steps.map(\.blocker) == ["a", "b", "c"])
        // Whoever only waits in a long line closes none.
        for number in 0..<50 { _ = try waiting(claim("x\(number)", ["r"])) }
        // Two readers that both want to write wait for each other.
        _ = try granted(claim("p", shared: ["u"]))
        _ = try granted(claim("q", shared: ["u"]))
        _ = try waiting(claim("p", ["u"]))
        guard case .cycle(let upgrade) = acquire(claim("q", ["u"])) else { throw Unexpected() }
        #expect(upgrade.map(\.owner) == ["q", "p"])
    }

    @Test mutating func `a cycle through a line of waiters is found`() throws {
        let first = try granted(claim("a", ["r"]))
        _ = try granted(claim("b", ["s"]))
        _ = try waiting(claim("b", ["r"]))
        _ = try waiting(claim("c", ["r"]))
        _ = try granted(claim("c", ["t"]))
        // d waits behind c and b for r, and for b alone for s; a waits for d's u.
        _ = try granted(claim("d", ["u"]))
        _ = try waiting(claim("d", ["r"]))
        guard case .cycle(let steps) = acquire(claim("a", ["u"])) else { throw Unexpected() }
        #expect(steps.first?.owner == "a" && steps.last?.blocker == "a")
        #expect(release(first, "a") == .done)
    }

    @Test mutating func `a reader that is alone becomes a writer at once`() throws {
        let shared = try granted(claim("a", shared: ["r"]))
        let waiter = try waiting(claim("w", ["r"]))
        let exclusive = try granted(claim("a", ["r"]))
        #expect(table.acquire(exclusive)?.tokens == [exclusive])
        #expect(table.holds(of: claim("a", ["r"])).map(\.mode) == [.exclusive])
        _ = release(exclusive, "a")
        #expect(table.holds(of: claim("a", ["r"])).map(\.mode) == [.shared])
        #expect(table.holds(of: claim("a", ["r"])).map(\.token) == [shared])
        #expect(out.granted.isEmpty)
        _ = release(shared, "a")
        #expect(out.granted.map(\.waiter) == [waiter])
    }

    @Test mutating func `a writer's token is greater than those of all readers before`() throws {
        let first = try granted(claim("a", shared: ["r"]))
        let other = try granted(claim("b", shared: ["r"]))
        _ = release(other, "b")
        let writer = try granted(claim("a", ["r"]))
        let token = try #require(table.acquire(writer)).tokens[0]
        #expect(token > other, "what b still sends is refused, what a sends is not")
        // Both are held, and both count; once more is the same, also for reading.
        #expect(table.hold("r", token: token).isHeld && table.hold("r", token: first).isHeld)
        #expect(!table.hold("r", token: other).isHeld)
        let again = try granted(claim("a", ["r"]))
        let reading = try granted(claim("a", shared: ["r"]))
        for serial in [again, reading] { #expect(table.acquire(serial)?.tokens == [token]) }
        #expect(table.view("r", limit: 9).holders.map(\.token) == [first, token, token, token])
        for serial in [writer, again, reading] { _ = release(serial, "a") }
        #expect(!table.hold("r", token: token).isHeld && table.hold("r", token: first).isHeld)
        let anew = try granted(claim("a", ["r"]))
        #expect(try #require(table.acquire(anew)).tokens[0] > token)
    }

    @Test mutating func `a reader and writer is restored with both tokens, in any order`() throws {
        let first = try granted(claim("a", shared: ["r"]))
        let writer = try granted(claim("a", ["r"]))
        for order in [[first, writer], [writer, first]] {
            var next = LockTable(base: 50_000)
            for serial in order {
                let bytes = LockCodec.encode(try #require(table.acquire(serial)))
                next.restore(try LockCodec.decode(bytes, serial: serial))
            }
            #expect(next.holds(of: claim("a", ["r"])) == table.holds(of: claim("a", ["r"])))
            #expect(next.hold("r", token: first).isHeld && next.hold("r", token: writer).isHeld)
        }
    }

    @Test mutating func `a reader in line for writing is served when the others have gone`() throws
    {
        _ = try granted(claim("a", shared: ["r"]))
        let other = try granted(claim("b", shared: ["r"]))
        _ = try waiting(claim("w", ["r"]))
        let upgrade = try waiting(claim("a", ["r"]))
        _ = release(other, "b")
        #expect(out.granted.map(\.waiter) == [upgrade])
    }

    @Test mutating func `an owner does not stand in its own way`() throws {
        let b = try granted(claim("q", ["b"]))
        let a = try granted(claim("z", ["a"]))
        let both = try waiting(claim("x", ["a", "b"]))
        let one = try waiting(claim("x", ["b"]))
        let other = try waiting(claim("y", ["b"]))
        _ = release(b, "q")
        #expect(out.granted.map(\.waiter) == [one])
        _ = release(out.granted[0].acquire, "x")
        #expect(out.granted.isEmpty, "y stands behind x's claim of both")
        _ = release(a, "z")
        #expect(out.granted.map(\.waiter) == [both])
        _ = release(out.granted[0].acquire, "x")
        #expect(out.granted.map(\.waiter) == [other])
    }

    @Test mutating func `nobody else passes an owner that passes itself`() throws {
        let b = try granted(claim("q", ["b"]))
        let a = try granted(claim("z", ["a"]))
        let both = try waiting(claim("x", ["a", "b"]))
        let reader = try waiting(claim("y", shared: ["b"]))
        let own = try waiting(claim("x", shared: ["b"]))
        _ = release(b, "q")
        #expect(out.granted.map(\.waiter) == [own], "it does not exclude the reader before it")
        _ = release(a, "z")
        #expect(out.granted.map(\.waiter) == [both])
        let (first, second) = (out.granted[0].acquire, reader)
        _ = release(first, "x")
        #expect(out.granted.map(\.waiter) == [second])
    }

    @Test mutating func `an owner that comes to hold something passes the line for it`() throws {
        _ = try granted(claim("g", ["s"]))
        _ = try waiting(claim("f", shared: ["r", "s"]))
        let writer = try waiting(claim("x", ["r"]))
        // It excludes nobody in the line; what its owner waits for excludes only those behind it now.
        _ = try granted(claim("x", shared: ["r"]))
        #expect(out.granted.map(\.waiter) == [writer])
        #expect(table.holds(of: claim("x", ["r"])).map(\.mode) == [.exclusive])
    }

    @Test mutating func `names that look alike are two, of resources and of owners`() throws {
        let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
        let first = try granted(claim("a", [composed]))
        let second = try granted(claim("b", [decomposed]))
        #expect(table.holds(of: claim("a", [composed])).map(\.token) == [first])
        #expect(table.holds(of: claim("b", [decomposed])).map(\.token) == [second])
        #expect(!table.hold(composed, token: second).isHeld)
        #expect(table.view(composed, limit: 9).holderCount == 1)
        let names = table.names(prefix: "", owner: "b", after: nil, limit: 9)
        #expect(names.map { Array($0.utf8) } == [Array(decomposed.utf8)])
        let own = try granted(claim(composed, ["r"]))
        let waiter = try waiting(claim(decomposed, ["r"]))
        #expect(release(own, decomposed) == .foreign)
        #expect(release(own, composed) == .done)
        #expect(out.granted.map(\.waiter) == [waiter])
        // As many bytes in another order.
        _ = try granted(claim("c", ["a\u{301}\u{323}", "a\u{323}\u{301}", "K", "\u{212a}"]))
        #expect(table.heldCount == 4)
    }

    @Test mutating func `breaking ends all holders, or one`() throws {
        let one = try granted(claim("a", shared: ["r", "s"]))
        let two = try granted(claim("b", shared: ["r"]))
        out = LockTable.Output()
        #expect(table.breakLock("r", only: two, at: now, in: batch, into: &out) == 1)
        #expect(out.ended.map(\.acquire.serial) == [two] && out.ended[0].end == .broken)
        #expect(table.breakLock("r", only: nil, at: now, in: batch, into: &out) == 1)
        #expect(table.acquire(one) == nil && table.holds(of: claim("a", shared: ["s"])).isEmpty)
        #expect(table.breakLock("r", only: nil, at: now, in: batch, into: &out) == 0)
    }

    @Test mutating func `restored acquires have a full lease once more, and tokens go on above`()
        throws
    {
        let serial = try granted(claim("a", ["r"], lease: 500))
        let stored = try LockCodec.decode(
            LockCodec.encode(#require(table.acquire(serial))), serial: serial)
        var next = LockTable(base: 50_000)
        next.restore(stored)
        now = EngineTime(monotonicNanos: 7_000_000_000, wallMillis: 1_800_000_000_000)
        next.beginLeases(at: now)
        #expect(next.nextDeadlineNanos == now.monotonicNanos + 500_000_000)
        #expect(next.hold("r", token: serial).isHeld)
        table = next
        _ = release(serial, "a")
        #expect(try granted(claim("b", ["r"])) > 50_000)
    }

    @Test mutating func `each bound refuses who would pass it, and says which one it is`() throws {
        var limits = LockLimits()
        limits.maxHolders = 2
        limits.maxWaiters = 1
        limits.maxOfOwner = 2
        limits.maxInAll = 5
        table = LockTable(base: 0, limits: limits)
        _ = try granted(claim("a", shared: ["r"]))
        _ = try granted(claim("b", shared: ["r"]))
        #expect(acquire(claim("c", shared: ["r"])) == .full(.holders(resource: "r", 2)))
        _ = try granted(claim("a", ["s"]))
        #expect(acquire(claim("a", ["t"])) == .full(.owner(2)))
        _ = try waiting(claim("c", ["s"]))
        #expect(acquire(claim("d", ["s"])) == .full(.waiters(resource: "s", 1)))
        _ = try granted(claim("d", ["t"]))
        #expect(acquire(claim("e", ["u"])) == .full(.all(5)))
        #expect(table.heldCount == 4 && table.waiterCount == 1)
    }

    @Test
    mutating func
        `names are found by prefix, owner and place, and a view shows who holds and waits`() throws
    {
        _ = try granted(claim("a", ["b/1"]))
        _ = try waiting(claim("c", ["b/1"]))
        _ = try granted(claim("a", shared: ["b/2", "z"]))
        #expect(table.names(prefix: "", owner: "", after: nil, limit: 10) == ["b/1", "b/2", "z"])
        #expect(table.names(prefix: "b/", owner: "", after: nil, limit: 10) == ["b/1", "b/2"])
        #expect(table.names(prefix: "", owner: "c", after: nil, limit: 10) == ["b/1"])
        #expect(table.names(prefix: "", owner: "", after: "b/1", limit: 1) == ["b/2"])
        let view = table.view("b/1", limit: 10)
        #expect(view.holders.map(\.acquire.claim.owner) == ["a"])
        #expect(view.waiters.map(\.owner) == ["c"] && view.waiterCount == 1)
        #expect(table.view("none", limit: 10).holderCount == 0)
    }
}
