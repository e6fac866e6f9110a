import Testing

/// Shared memory has one line of revisions and locks one holder, whenever the process dies: nothing
/// that was told is lost, reads are of one revision, watchers miss nothing, no write passes under an
/// old lock.
@Suite struct SharingSimulationTests {
    /// The last one: a lease ends in the batch that granted it, and another owner gets the lock in that
    /// batch too.
    @Test(arguments: Array(1...20) + [4_509_068_466_333_743_071])
    func `known worlds keep their promises`(_ seed: UInt64) throws {
        _ = try check(seed)
    }

    @Test func `fresh worlds keep them too`() throws {
        for _ in 1...20 { _ = try check(.random(in: .min ... .max)) }
    }

    @Test func `a world has what could go wrong`() throws {
        let worlds = try (UInt64(21)...24).map(check)
        #expect(worlds.contains { $0.crashes > 2 })
        #expect(worlds.allSatisfy { $0.store.revision > 50 && $0.store.everHeld.count > 10 })
        #expect(worlds.contains { !$0.fenced.isEmpty })
    }

    private func check(_ seed: UInt64) throws -> SharingWorld {
        var world = try SharingWorld(seed: seed)
        try world.live(steps: 900)
        #expect(world.problems.prefix(5).isEmpty, "seed \(seed): \(world.problems.prefix(5))")
        return world
    }
}
