import Testing

@testable import Cache

/// The machines behind near copies, each by itself.
@Suite struct NearPartsTests {
    private let calm: UInt64 = 1

    @Test func `a key is copied when it comes the long way twice in a row`() {
        var copies = NearCopies(slotCount: 2)
        #expect(copies.ask(1) == .far)
        #expect(copies.ask(2) == .far)
        #expect(copies.ask(1) == .far)
        #expect(copies.ask(1) == .farToKeep)
        copies.keep(item(1), stamp: calm)
        #expect(copies.ask(1) == .copy)
        #expect(copies.ask(1, stamp: calm + 2) == .far)
        #expect(copies.ask(1, stamp: calm + 2) == .farToKeep)
    }

    @Test func `a copy that is asked for more often than the others together stays`() {
        var copies = NearCopies(slotCount: 2)
        copies.warm(1, item(1))
        copies.warm(2, item(2))
        for _ in 0..<100 { _ = copies.ask(1) }
        for _ in 0..<100 { _ = copies.ask(2) }
        for other in 3..<23 as Range<UInt64> {
            for _ in 0..<2 { #expect(copies.ask(other) == .far) }
        }
        #expect(copies.ask(1) == .copy)
        #expect(copies.ask(2) == .copy)
        copies.warm(50, item(50))
        #expect(copies.ask(50) == .copy)
    }

    @Test func `one hit of sixty-four goes the long way, for all, and is not counted here`() {
        var copies = NearCopies(slotCount: 2)
        copies.warm(1, item(1))
        let answers = (0..<640).map { _ in copies.ask(1) }
        #expect(answers.count { $0 == .farForAll } == 10)
        #expect(copies.counts.hits == 630)
    }

    @Test func `keys whose places and marks are the same are told apart`() {
        var copies = NearCopies(slotCount: 2)
        copies.warm(1, item(1))
        #expect(copies.ask(1) == .copy)
        // Differs in bits that neither the place nor the mark has.
        #expect(copies.ask(1 | 1 << 40) == .far)
    }

    @Test func `a stamp tells of its key and its shard, and of no other shard`() {
        let table = StampTable(shards: 4)
        let hashes = (0..<4).map { UInt64($0) << 62 }
        #expect(hashes.allSatisfy { table.stamp(of: $0) == 0 })
        table.turn(shard: 1)
        table.advance(hashes[2])
        #expect(hashes.map { table.stamp(of: $0) } == [0, 1, 2, 0])
        #expect(
            hashes.map { StampTable.isCalm(table.stamp(of: $0)) } == [false, true, false, false])
        table.turn(shard: 1)
        #expect(table.stamp(of: hashes[1]) == 2)
        #expect(table.stamp(of: hashes[1] | 1 << 57) == 2)
    }

    @Test func `what is set over, removed or leaves for lack of room has a new stamp`() throws {
        var configuration = CacheConfiguration()
        configuration.shards = 1
        configuration.sharedCapacity = 300
        let table = StampTable(shards: 1)
        var shard = CacheShard(configuration, number: 0, stamps: table)
        let keys = (0..<3).map { CacheKey("k", space: UInt32($0), hash: UInt64($0) << 60) }
        _ = shard.set(keys[0], CacheWrite(nil, ttlNanos: 9), by: nil, now: 0)
        _ = shard.set(keys[0], CacheWrite(nil, ttlNanos: 9), by: nil, now: 0)
        #expect(table.stamp(of: keys[0].hash) == 2)
        _ = shard.set(keys[1], CacheWrite(nil, ttlNanos: 9), by: nil, now: 0)
        // There is room for one.
        let isFirst = shard.first(keys[0]) != nil
        let (here, gone) = isFirst ? (keys[0], keys[1]) : (keys[1], keys[0])
        #expect(table.stamp(of: gone.hash) == (isFirst ? 2 : 4))
        let before = table.stamp(of: here.hash)
        #expect(shard.invalidate(here, now: 0).dropped == 1)
        #expect(table.stamp(of: here.hash) == before + 2)
        #expect(table.stamp(of: keys[2].hash) == 0)
    }

    @Test(arguments: [(0, 2), (2, 2), (1_000, 512), (8_192, 8_192)])
    func `near copies are a power of two`(wanted: Int, slots: Int) {
        var configuration = CacheConfiguration()
        configuration.nearCopies = wanted
        #expect(configuration.nearSlots == slots)
    }

    private func item(_ hash: UInt64) -> CacheItem {
        CacheItem(
            CacheKey("k", space: 1, hash: hash << 20), owner: nil, payload: nil, staleAt: 9,
            expiresAt: 9,
            version: 1, fillNanos: 0, tags: [], weight: nil)
    }
}

/// An answer without its value.
private enum Told { case copy, far, farToKeep, farForAll }

extension NearCopies {
    /// Keys that differ in their hash alone, all with the same places.
    fileprivate mutating func ask(_ hash: UInt64, stamp: UInt64 = 1) -> Told {
        switch find(CacheKey("k", space: 1, hash: hash << 20), stamp: stamp, now: 0) {
        case .copy: .copy
        case .far: .far
        case .farToKeep: .farToKeep
        case .farForAll: .farForAll
        }
    }

    fileprivate mutating func warm(_ hash: UInt64, _ item: CacheItem) {
        for _ in 0..<200 where ask(hash) == .farToKeep { return keep(item, stamp: 1) }
        Issue.record("no copy was wanted")
    }
}
