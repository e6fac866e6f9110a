import Testing

@testable import Coordination

/// The expected numbers are those of SciPy 1.17: `stats.theilslopes(y, x, 0.95)`, and of the
/// Mann-Kendall formula with `stats.norm.cdf`.
struct TheilSenTests {
    private func line(_ times: [Double], _ values: [Double]) -> TheilSen {
        TheilSen(Array(zip(times, values)).map { (time: $0, value: $1) })
    }

    private func isNear(_ left: Double?, _ right: Double, within: Double = 1e-9) -> Bool {
        left.map { abs($0 - right) <= within } ?? false
    }

    @Test func `a rising line has the slope and the bounds that SciPy gives`() {
        let found = line(
            (0..<10).map(Double.init), [1, 2.5, 2, 4, 3.5, 6, 5.5, 7, 9, 8])
        #expect(isNear(found.slope, 0.857_142_857_142_857_1))
        #expect(isNear(found.confidence, 0.998_717_816_258_194_7))
        #expect(found.points == 10 && isNear(found.mean, 4.85))
        // SciPy rounds the ranks of the bounds, we take the place between two slopes: its bounds are
        // the slopes next to ours.
        #expect(isNear(found.bounds?.lowerBound, 0.625, within: 0.02))
        #expect(isNear(found.bounds?.upperBound, 1, within: 0.02))
    }

    @Test func `wild points do not move it`() {
        let found = line(
            (0..<12).map(Double.init),
            [5, 5.2, 4.9, 5.1, 500, 5.3, 5, 5.2, -300, 5.1, 5.05, 5.15])
        #expect(isNear(found.slope, 0))
        #expect(isNear(found.confidence, 0))
        #expect((found.bounds?.lowerBound ?? 1) < 0 && (found.bounds?.upperBound ?? -1) > 0)
    }

    @Test func `ties and uneven times change nothing of that`() {
        let found = line([0, 1, 2, 4, 5, 7, 8, 9, 11], [3, 3, 2, 2, 2, 1, 1, 0, 0])
        #expect(isNear(found.slope, -0.285_714_285_714_285_7))
        #expect(isNear(found.confidence, 0.998_306_723_511_973_6))
        #expect(isNear(found.bounds?.lowerBound, -0.333_333_333_333, within: 0.01))
        #expect(isNear(found.bounds?.upperBound, -0.2, within: 0.01))
    }

    @Test func `few points say little`() {
        #expect(line([], []).slope == 0 && line([], []).mean == 0)
        #expect(line([1], [4]).slope == 0 && line([1], [4]).mean == 4)
        #expect(line([0, 2], [1, 5]).slope == 2)
        let seven = line((0..<7).map(Double.init), (0..<7).map(Double.init))
        #expect(seven.slope == 1 && seven.confidence == nil && seven.bounds == nil)
    }

    @Test func `equal values have no trend`() {
        let found = line((0..<20).map(Double.init), [Double](repeating: 3, count: 20))
        #expect(found.slope == 0 && found.confidence == 0)
        #expect(found.bounds == 0...0)
    }

    @Test(arguments: [
        (0.0, 0.0), (0.1, 0.112_462_916_018), (0.5, 0.520_499_877_814), (1, 0.842_700_792_950),
        (2, 0.995_322_265_019), (3, 0.999_977_909_503), (4, 0.999_999_984_583), (9, 1),
    ])
    func `the error function has its tabled values`(x: Double, expected: Double) {
        #expect(abs(TheilSen.errorFunction(x) - expected) < 1e-8)
    }
}
