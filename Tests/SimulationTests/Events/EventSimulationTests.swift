import Testing

/// Every acknowledged publication comes to every subscription, in order, through crashes at any point,
/// refusals and silence; each starts exactly one run.
@Suite struct EventSimulationTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `known worlds keep their promises`(_ seed: UInt64) throws {
        try check(seed)
    }

    @Test func `fresh worlds keep them too`() throws {
        for _ in 1...12 { try check(.random(in: .min ... .max)) }
    }

    private func check(_ seed: UInt64) throws {
        var world = try EventWorld(seed: seed)
        try world.live(steps: 900)
        #expect(world.problems.prefix(5).isEmpty, "seed \(seed): \(world.problems.prefix(5))")
    }
}
