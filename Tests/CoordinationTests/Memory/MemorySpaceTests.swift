import Coordination
import Testing

@Suite struct MemorySpaceTests {
    private var batch: UInt64 = 1
    private var now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)
    private var space = MemorySpace()

    private var moment: MemorySpace.Moment {
        MemorySpace.Moment(
            time: now, batch: BatchNumber(rawValue: batch),
            committed: BatchNumber(rawValue: batch - 1))
    }

    private func payload(_ text: String) -> Payload { Payload(bytes: Array(text.utf8)) }

    private func put(_ key: String, _ text: String, ttl: Int64 = 0) -> MemoryOperation {
        .put(MemoryKey(key), payload(text), ttlMillis: ttl)
    }

    @Test mutating func `each write takes the next revision and tells what was there`() {
        let first = space.apply([put("a", "1")], actor: "ann", at: moment)
        #expect(first.revision == 1)
        #expect(first.changes[0].previous == nil)
        #expect(!first.changes[0].hadPrevious)
        now.wallMillis += 5
        let second = space.apply([put("a", "2")], actor: "bob", at: moment)
        #expect(second.revision == 2)
        #expect(second.changes[0].previous?.value == payload("1"))
        let entry = space.read(MemoryKey("a")).entry
        #expect(entry?.createdRevision == 1 && entry?.version == 2 && entry?.revision == 2)
        #expect(
            entry?.createdMillis == now.wallMillis - 5 && entry?.updatedMillis == now.wallMillis)
        #expect(entry?.actor == "bob")
        let third = space.apply([.delete(MemoryKey("a"))], actor: "cid", at: moment)
        #expect(third.revision == 3 && third.results == [.deleted(true)])
        #expect(third.changes[0].kind == .deleted && third.changes[0].hadPrevious)
        #expect(third.changes[0].previous?.value == payload("2"))
        #expect(space.read(MemoryKey("a")).entry == nil)
        let again = space.apply([.delete(MemoryKey("a"))], actor: "", at: moment)
        #expect(again.revision == 3 && again.changes.isEmpty && again.results == [.deleted(false)])
        let anew = space.apply([put("a", "3")], actor: "", at: moment)
        #expect(anew.changes[0].entry.version == 1 && anew.changes[0].entry.createdRevision == 4)
        #expect(!anew.changes[0].hadPrevious)
    }

    @Test mutating func `all operations of one call are one revision`() {
        let outcome = space.apply(
            [put("a", "1"), .get(MemoryKey("b")), put("b", "2"), .delete(MemoryKey("c"))],
            actor: "", at: moment)
        #expect(outcome.revision == 1)
        #expect(outcome.changes.map(\.entry.revision) == [1, 1])
        #expect(outcome.results.count == 4 && outcome.results[1] == .read(nil))
        #expect(space.count == 2)
    }

    @Test mutating func `keys are told apart by their bytes`() {
        // Both look alike and are equal as strings.
        _ = space.apply([put("\u{e9}", "1"), put("e\u{301}", "2")], actor: "", at: moment)
        #expect(space.count == 2)
        #expect(space.read(MemoryKey("\u{e9}")).entry?.value == payload("1"))
        #expect(MemoryKey("a\u{0}") > MemoryKey("a") && MemoryKey("\u{e9}") > MemoryKey("z"))
    }

    @Test mutating func `a read says which batch it must wait for`() {
        batch = 5
        _ = space.apply([put("a", "1")], actor: "", at: moment)
        batch = 6
        _ = space.apply([put("b", "1")], actor: "", at: moment)
        _ = space.apply([.delete(MemoryKey("a"))], actor: "", at: moment)
        #expect(space.read(MemoryKey("a")).changedIn.rawValue == 6)
        #expect(space.read(MemoryKey("b")).changedIn.rawValue == 6)
        #expect(space.read(MemoryKey("c")).changedIn == .none)
        #expect(space.line.revision(asOf: BatchNumber(rawValue: 5)) == 1)
        #expect(space.line.revision(asOf: BatchNumber(rawValue: 6)) == 3)
        batch = 9
        _ = space.apply([put("b", "2")], actor: "", at: moment)
        #expect(space.line.revision(asOf: BatchNumber(rawValue: 8)) == 3)
        #expect(space.line.revision == 4)
    }

    @Test
    mutating func
        `a comparison holds for what a key holds and for nothing else; a lock is not known here`()
    {
        _ = space.apply([put("a", "1"), put("b", "1")], actor: "", at: moment)
        _ = space.apply([put("b", "2")], actor: "", at: moment)
        let (a, b, c) = (MemoryKey("a"), MemoryKey("b"), MemoryKey("c"))
        let right: [MemoryCompare] = [
            .exists(a, true), .exists(c, false), .revisionEquals(a, 1), .revisionEquals(c, 0),
            .revisionAtMost(b, 2), .revisionAtMost(c, 0), .versionEquals(b, 2),
            .versionEquals(c, 0), .valueEquals(b, payload("2")),
        ]
        for compare in right { #expect(space.holds(compare) == true, "\(compare)") }
        let wrong: [MemoryCompare] = [
            .exists(a, false), .exists(c, true), .revisionEquals(a, 2), .revisionAtMost(b, 1),
            .versionEquals(b, 1), .valueEquals(b, payload("1")), .valueEquals(c, payload("")),
            .valueEquals(b, Payload(bytes: Array("2".utf8), contentType: "text/plain")),
        ]
        for compare in wrong { #expect(space.holds(compare) == false, "\(compare)") }
        #expect(space.holds(.fence(LockFence(resource: "r", token: 1))) == nil)
    }

    @Test mutating func `entries end by themselves, and each put sets the end anew`() {
        _ = space.apply([put("a", "1", ttl: 100), put("b", "1", ttl: 300)], actor: "", at: moment)
        _ = space.apply([put("c", "1", ttl: 200)], actor: "", at: moment)
        _ = space.apply([put("c", "2")], actor: "", at: moment)
        #expect(space.nextExpiryNanos == now.monotonicNanos + 100_000_000)
        #expect(space.expireNext(at: moment) == nil)
        now.monotonicNanos += 300_000_000
        now.wallMillis += 300
        let first = space.expireNext(at: moment)
        #expect(first?.changes.map(\.entry.key.text) == ["a"] && first?.changes[0].kind == .expired)
        #expect(space.expireNext(at: moment)?.changes.map(\.entry.key.text) == ["b"])
        #expect(space.expireNext(at: moment) == nil)
        #expect(space.count == 1 && space.nextExpiryNanos == nil)
        #expect(space.line.revision == 5)
    }

    @Test mutating func `bounds stop what grows and let the rest pass`() {
        var limits = MemoryLimits()
        limits.maxKeys = 2
        limits.maxBytes = 1_000
        space = MemorySpace(limits: limits)
        _ = space.apply([put("a", "1"), put("b", "1")], actor: "", at: moment)
        #expect(space.bound(for: [put("c", "1")]) == .keys(2))
        #expect(space.bound(for: [put("a", "2"), .get(MemoryKey("c"))]) == nil)
        let large = String(repeating: "x", count: 700)
        #expect(space.bound(for: [put("a", large)]) == .bytes(1_000))
        #expect(space.bound(for: [put("a", "3")]) == nil)
        _ = space.apply([.delete(MemoryKey("b"))], actor: "", at: moment)
        #expect(space.bound(for: [put("c", "1")]) == nil)
        #expect(space.bytes == space.read(MemoryKey("a")).entry?.weight)
    }

    @Test mutating func `what leaves the window is kept if its key still holds it`() throws {
        var limits = MemoryLimits()
        limits.windowChanges = 300
        space = MemorySpace(limits: limits)
        _ = space.apply([put("cold", "1"), put("brief", "1")], actor: "", at: moment)
        _ = space.apply([.delete(MemoryKey("brief"))], actor: "", at: moment)
        _ = space.apply([put("again", "1")], actor: "", at: moment)
        _ = space.apply([.delete(MemoryKey("again"))], actor: "", at: moment)
        var passed: [MemorySpace.Passed] = []
        for number in 1...1_000 {
            let outcome = space.apply([put("k\(number % 7)", "v")], actor: "", at: moment)
            if let gone = outcome.passed { passed.append(gone) }
            if number == 200 { _ = space.apply([put("again", "2")], actor: "", at: moment) }
        }
        let first = try #require(passed.first)
        #expect(first.held.map(\.key.text) == ["cold"] && first.held[0].revision == 1)
        #expect(first.gone.map(\.text) == ["brief"])
        #expect(passed.dropFirst().flatMap(\.held).map(\.key.text) == ["again"])
        #expect(passed.dropFirst().flatMap(\.gone).isEmpty)
        #expect(passed.map(\.below) == passed.map(\.below).sorted())
        #expect(passed.last?.below == space.window.oldest)
        let newest = space.line.revision
        #expect(
            space.window.oldest > newest - 300 - 128 && space.window.oldest <= newest - 299)
    }

    @Test mutating func `entries come by key, behind one, as far as a page takes them`() {
        for key in ["b", "a", "c/2", "c/1", "d", "c/3"] {
            _ = space.apply([put(key, "1234567")], actor: "", at: moment)
        }
        _ = space.apply([.delete(MemoryKey("c/2"))], actor: "", at: moment)
        func page(_ prefix: String, after: String? = nil, limit: Int = 9, bytes: Int = 99)
            -> ([String], Bool)
        {
            let found = space.entries(
                prefix: MemoryKey(prefix), after: after.map { MemoryKey($0) }, limit: limit,
                maxBytes: bytes)
            return (found.entries.map(\.key.text), found.isLast)
        }
        #expect(page("") == (["a", "b", "c/1", "c/3", "d"], true))
        #expect(page("c/") == (["c/1", "c/3"], true))
        #expect(page("", limit: 2) == (["a", "b"], false))
        #expect(page("", after: "b", limit: 2) == (["c/1", "c/3"], false))
        #expect(page("", after: "c/3") == (["d"], true))
        #expect(page("", after: "c/2", limit: 1) == (["c/3"], false))
        #expect(page("", bytes: 16) == (["a", "b"], false))
        #expect(page("", bytes: 0) == (["a"], false))
        #expect(page("x").0.isEmpty && page("x").1)
    }

    @Test func `watchers of a key, of prefixes and of all are found once each`() {
        var watchers = MemoryWatchers<Int>()
        watchers.insert(1, .key(MemoryKey("ab")))
        watchers.insert(2, .prefix(MemoryKey("a")))
        watchers.insert(3, .prefix(MemoryKey("")))
        watchers.insert(4, .prefix(MemoryKey("ab")))
        watchers.insert(5, .prefix(MemoryKey("abc")))
        watchers.insert(6, .prefix(MemoryKey("b")))
        #expect(watchers.watching(MemoryKey("ab")).sorted() == [1, 2, 3, 4])
        #expect(watchers.watching(MemoryKey("abcd")).sorted() == [2, 3, 4, 5])
        #expect(watchers.watching(MemoryKey("c")) == [3])
        watchers.remove(2)
        watchers.remove(1)
        watchers.remove(1)
        #expect(watchers.watching(MemoryKey("ab")).sorted() == [3, 4])
        for watcher in [3, 4, 5, 6] { watchers.remove(watcher) }
        #expect(watchers.isEmpty && watchers.watching(MemoryKey("ab")).isEmpty)
    }
}
