import Testing

@testable import Coordination

@Suite struct AgreementTests {
    /// Fleiss' example: 10 subjects, 14 raters, 5 categories.
    private static let fleiss = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]

    /// Krippendorff's example: 3 coders, 15 units, gaps.
    private static let coders: [[Double?]] = [
        [nil, nil, nil, nil, nil, 3, 4, 1, 2, 1, 1, 3, 3, nil, 3],
        [1, nil, 2, 1, 3, 3, 4, 3, nil, nil, nil, nil, nil, nil, nil],
        [nil, nil, 2, 1, 3, 4, 4, nil, 2, 1, 1, 3, 3, nil, 4],
    ]

    private static var units: [[Double]] {
        (0..<15).map { unit in coders.compactMap { $0[unit] } }
    }

    @Test func `Fleiss' table gives 0_2099`() throws {
        let kappa = try #require(Agreement.kappa(Self.fleiss))
        #expect(abs(kappa - 0.2099) < 0.00005)
    }

    @Test func `Krippendorff's example gives 0_6914 nominal and 0_8108 interval`() throws {
        let nominal = try #require(Agreement.alpha(Self.units, .nominal))
        let interval = try #require(Agreement.alpha(Self.units, .interval))
        #expect(abs(nominal - 0.6914) < 0.00005)
        #expect(abs(interval - 0.8108) < 0.00005)
    }

    @Test func `full agreement is 1, and no variety says nothing`() {
        #expect(Agreement.alpha([[1, 1], [2, 2], [3, 3]], .interval) == 1)
        #expect(Agreement.alpha([[1, 1], [1, 1]], .nominal) == nil)
        #expect(Agreement.alpha([[1], [2]], .nominal) == nil)
        #expect(Agreement.alpha([], .interval) == nil)
        #expect(Agreement.kappa([[2, 0], [2, 0]]) == nil)
        #expect(Agreement.kappa([[2, 0], [1, 2]]) == nil)
        #expect(Agreement.kappa([]) == nil)
    }

    @Test func `a number's alpha does not depend on where zero is`() throws {
        let moved = Self.units.map { $0.map { $0 + 1e6 } }
        let here = try #require(Agreement.alpha(Self.units, .interval))
        let there = try #require(Agreement.alpha(moved, .interval))
        #expect(abs(here - there) < 1e-9)
    }

    @Test(arguments: [1e-300, 1e-9, 0.1, 0.5, 1, 1.4142135, 2, 2.718281828459045, 51, 1e12, 1e300])
    func `the logarithm undoes doubling, and agrees with itself over products`(value: Double) {
        var known = VoterAccuracy()
        #expect(known.accuracy == 0.5)
        #expect(known.weight == 0.1)
        for _ in 0..<200 { known.learn(isRight: true) }
        // 50 right votes are what never fading ones come to: ln(51).
        #expect(known.weight > 3.8 && known.weight < 3.94)
        let logarithm = { NaturalLogarithm.of($0) }
        #expect(abs(logarithm(value * 2) - logarithm(value) - 0.6931471805599453) < 1e-12)
        #expect(abs(logarithm(2.718281828459045) - 1) < 1e-15)
    }

    @Test func `no voter outvotes all others together`() {
        var good = VoterAccuracy()
        for _ in 0..<100 { good.learn(isRight: true) }
        let weights = VoterAccuracy.weights([(1, good), (1, nil), (1, nil)])
        #expect(weights == [0.2, 0.1, 0.1])
        #expect(VoterAccuracy.weights([(2, nil)]) == [0.2])
    }

    @Test func `a voter that turns bad loses its weight`() {
        var known = VoterAccuracy()
        for _ in 0..<100 { known.learn(isRight: true) }
        let before = known.accuracy
        for _ in 0..<100 { known.learn(isRight: false) }
        #expect(known.judged == 200 && known.right == 100)
        #expect(before > 0.95 && known.accuracy < 0.2)
        #expect(known.weight == 0.1)
    }
}
