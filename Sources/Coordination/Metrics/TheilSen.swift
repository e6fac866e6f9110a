/// A line through points that wild ones do not move, and how sure it is that there is a slope.
///
/// The slope is the median of the slopes between all pairs (Theil 1950, Sen 1968), its bounds are
/// Sen's for 95 %, the confidence is that of the Mann-Kendall test with ties taken into account. All
/// take the points for independent.
public struct TheilSen: Sendable, Hashable {
    /// Points from which on anything is said about confidence.
    public static let leastPoints = 8
    /// The two-sided 95 % point of the normal distribution.
    private static let normal95 = 1.959_963_984_540_054

    /// How many points there were.
    public let points: Int
    /// The mean of their values; 0 without points.
    public let mean: Double
    /// Units of the values per unit of time; 0 with fewer than 2 points.
    public let slope: Double
    /// With 95 % confidence the slope lies in here; `nil` with too few points.
    public let bounds: ClosedRange<Double>?
    /// 1 minus the chance of such an order without a trend; `nil` with too few points.
    public let confidence: Double?

    /// Draws the line. O(points^2 log points): for some hundred points at most.
    ///
    /// - Parameter line: times, which must grow, and values.
    public init(_ line: [(time: Double, value: Double)]) {
        points = line.count
        mean = line.isEmpty ? 0 : line.reduce(0) { $0 + $1.value } / Double(line.count)
        var slopes: [Double] = []
        slopes.reserveCapacity(line.count * max(0, line.count - 1) / 2)
        var score = 0
        for later in line.indices {
            for earlier in 0..<later {
                let rise = line[later].value - line[earlier].value
                slopes.append(rise / (line[later].time - line[earlier].time))
                score += rise > 0 ? 1 : rise < 0 ? -1 : 0
            }
        }
        slopes.sort()
        slope = Self.median(slopes)
        guard line.count >= Self.leastPoints else {
            bounds = nil
            confidence = nil
            return
        }
        let deviation = Self.variance(line.map(\.value)).squareRoot()
        bounds = Self.bounds(slopes, deviation: deviation)
        confidence = Self.confidence(score: score, deviation: deviation)
    }

    private static func median(_ sorted: [Double]) -> Double {
        guard let last = sorted.last else { return 0 }
        let middle = sorted.count / 2
        if sorted.count == 1 { return last }
        return sorted.count % 2 == 1
            ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    /// The variance of Mann and Kendall's score without a trend, less what ties take from it.
    private static func variance(_ values: [Double]) -> Double {
        func term(_ count: Int) -> Double {
            let count = Double(count)
            return count * (count - 1) * (2 * count + 5)
        }
        var ties = 0.0
        var run = 0
        var previous: Double?
        for value in values.sorted() {
            if value != previous {
                ties += term(run)
                run = 0
            }
            run += 1
            previous = value
        }
        ties += term(run)
        return (term(values.count) - ties) / 18
    }

    /// Sen's bounds: so many places from the middle of the sorted slopes, between two where the
    /// place is no whole number.
    private static func bounds(_ sorted: [Double], deviation: Double) -> ClosedRange<Double> {
        let count = Double(sorted.count)
        let reach = normal95 * deviation
        let low = slope(sorted, atRank: (count - reach) / 2)
        let high = slope(sorted, atRank: (count + reach) / 2 + 1)
        return min(low, high)...max(low, high)
    }

    /// - Parameter rank: from 1 on.
    private static func slope(_ sorted: [Double], atRank rank: Double) -> Double {
        let place = min(max(rank - 1, 0), Double(sorted.count - 1))
        let below = Int(place)
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (sorted[above] - sorted[below]) * (place - Double(below))
    }

    private static func confidence(score: Int, deviation: Double) -> Double {
        guard score != 0, deviation > 0 else { return 0 }
        // One less: the score moves in steps of two, the normal distribution does not.
        let distance = (Double(abs(score)) - 1) / deviation
        return errorFunction(distance / 2.0.squareRoot())
    }

    /// erf(x) for x >= 0 by its series, which is exact to nine digits up to 4; beyond that it is 1.
    static func errorFunction(_ x: Double) -> Double {
        if x > 4 { return 1 }
        var term = x
        var sum = x
        var index = 0.0
        while abs(term) > 1e-12 {
            index += 1
            term *= -x * x / index
            sum += term / (2 * index + 1)
        }
        return min(1, sum * 2 / Double.pi.squareRoot())
    }
}
