/// How far several observers agree beyond chance, over several units.
public enum Agreement {
    /// How far apart two values are.
    public enum Metric: Sendable, Hashable {
        /// Values are names: the same or not.
        case nominal
        /// Values are numbers: the square of their difference.
        case interval
    }

    /// Krippendorff's alpha: 1 - observed over expected disagreement; 1 is full agreement, 0 is
    /// what chance gives. Units with fewer than two values say nothing.
    ///
    /// Hayes and Krippendorff, "Answering the Call for a Standard Reliability Measure for Coding
    /// Data", 2007.
    ///
    /// - Parameter units: the values that observers gave each unit; numbers stand for names when the
    ///   metric is nominal.
    /// - Returns: `nil` when no unit has two values, or all values are the same: then nothing is
    ///   known about disagreement.
    public static func alpha(_ units: [[Double]], _ metric: Metric) -> Double? {
        let pairable = units.filter { $0.count > 1 }
        let values = pairable.flatMap { $0 }
        guard !values.isEmpty else { return nil }
        let count = Double(values.count)
        let observed =
            pairable.reduce(0) { $0 + disagreement($1, metric) / Double($1.count - 1) } / count
        let expected = disagreement(values, metric) / (count * (count - 1))
        guard expected > 0, expected.isFinite, observed.isFinite else { return nil }
        return 1 - observed / expected
    }

    /// The sum over all ordered pairs of values of how far they are apart.
    private static func disagreement(_ values: [Double], _ metric: Metric) -> Double {
        let count = Double(values.count)
        switch metric {
        case .nominal:
            var times: [Double: Double] = [:]
            for value in values { times[value, default: 0] += 1 }
            return count * count - times.values.reduce(0) { $0 + $1 * $1 }
        case .interval:
            // 2 n sum of squares about the mean, which loses fewer digits than sums of squares.
            let mean = values.reduce(0) { $0 + $1 / count }
            return 2 * count * values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        }
    }

    /// Fleiss' kappa: as alpha for names, of units that all have the same number of values.
    ///
    /// - Parameter units: how often each category was given to each unit.
    /// - Returns: `nil` when the numbers differ, are under two, or chance alone gives agreement.
    public static func kappa(_ units: [[Int]]) -> Double? {
        guard let raters = units.first?.reduce(0, +), raters > 1,
            units.allSatisfy({ $0.reduce(0, +) == raters })
        else { return nil }
        let width = units.map(\.count).max() ?? 0
        let all = Double(units.count * raters)
        var totals = [Double](repeating: 0, count: width)
        var observed = 0.0
        for unit in units {
            var same = 0
            for (category, times) in unit.enumerated() {
                totals[category] += Double(times)
                same += times * (times - 1)
            }
            observed += Double(same) / Double(raters * (raters - 1))
        }
        observed /= Double(units.count)
        let expected = totals.reduce(0) { $0 + ($1 / all) * ($1 / all) }
        return expected < 1 ? (observed - expected) / (1 - expected) : nil
    }
}
