/// How often a voter was right, the newest outcomes counting most.
public struct VoterAccuracy: Sendable, Hashable {
    /// Outcomes that were known, and those in which it was right.
    public private(set) var judged: Int64
    public private(set) var right: Int64
    /// The same, faded.
    private(set) var fadedRight: Double
    private(set) var fadedWrong: Double

    /// Nothing is known.
    public init() {
        judged = 0
        right = 0
        fadedRight = 0
        fadedWrong = 0
    }

    init(judged: Int64, right: Int64, fadedRight: Double, fadedWrong: Double) {
        self.judged = judged
        self.right = right
        self.fadedRight = fadedRight
        self.fadedWrong = fadedWrong
    }

    /// What an earlier outcome counts after each further one.
    private static let keep = 0.98
    /// No weight is less.
    private static let leastWeight = 0.1

    /// Another outcome is known.
    public mutating func learn(isRight: Bool) {
        judged += 1
        if isRight { right += 1 }
        fadedRight = fadedRight * Self.keep + (isRight ? 1 : 0)
        fadedWrong = fadedWrong * Self.keep + (isRight ? 0 : 1)
    }

    /// The chance that it is right: Laplace's rule over the faded counts; 0.5 when nothing is known.
    public var accuracy: Double { (fadedRight + 1) / (fadedRight + fadedWrong + 2) }

    /// The log-odds of that, which is the best weight of independent voters; at least 0.1.
    public var weight: Double {
        max(Self.leastWeight, NaturalLogarithm.of(accuracy / (1 - accuracy)))
    }

    /// What each voter counts: its own factor times its learnt weight, and none more than all others
    /// together.
    public static func weights(
        _ voters: [(factor: Double, accuracy: VoterAccuracy?)]
    ) -> [Double] {
        var weights = voters.map { $0.factor * ($0.accuracy ?? VoterAccuracy()).weight }
        guard weights.count > 1,
            let largest = weights.indices.max(by: { weights[$0] < weights[$1] })
        else { return weights }
        let others = weights.indices.reduce(0) { $1 == largest ? $0 : $0 + weights[$1] }
        weights[largest] = min(weights[largest], others)
        return weights
    }
}

/// The natural logarithm, which the standard library has only where a C library is.
enum NaturalLogarithm {
    private static let ln2 = 0.693_147_180_559_945_3

    /// For finite positive numbers; exact to some 1e-15.
    static func of(_ value: Double) -> Double {
        var exponent = Double(value.exponent)
        var part = value.significand
        if part > 1.414_213_562_373_095_1 {
            part /= 2
            exponent += 1
        }
        // ln x = 2 artanh((x - 1) / (x + 1)), whose argument is below 0.172 here.
        let step = (part - 1) / (part + 1)
        let square = step * step
        var power = step
        var sum = 0.0
        var odd = 1.0
        while odd < 24 {
            sum += power / odd
            power *= square
            odd += 2
        }
        return 2 * sum + exponent * ln2
    }
}
