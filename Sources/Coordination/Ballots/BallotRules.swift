/// How a ballot is decided.
public struct BallotRules: Sendable, Hashable {
    /// How the answers become one.
    public enum Method: UInt8, Sendable, Hashable, CaseIterable {
        /// One voter, one vote; the largest group of equal answers wins.
        case majority = 1
        /// As majority, each vote by its voter's weight.
        case weighted = 2
        /// All that answered must agree.
        case unanimous = 3
        /// Options in order; the one that beats each other one wins.
        case ranked = 4
        /// The middle number.
        case median = 5
        /// The mean of the numbers without a share at either end.
        case trimmedMean = 6

        /// Whether answers must be numbers, of which a new one is made.
        public var isNumeric: Bool { self == .median || self == .trimmedMean }
        /// Whether voters count by their weights; else each counts once.
        public var usesWeights: Bool { self == .weighted || self == .ranked }
    }

    /// The share of all weight that must answer, over 0 to 1.
    public var quorum: Double
    /// The share of the answered weight that the winner must have, over 0 to 1; `nil`: more than
    /// half, or none for numeric methods.
    public var support: Double?
    public var method: Method
    public var equivalence: AnswerEquivalence
    /// The share of the answers that the trimmed mean cuts off at either end, over 0 to under 0.5.
    public var trim: Double
    /// Whether weights come from what the series has learnt.
    public var weighsByAccuracy: Bool
    /// Where a record of the decision is left; empty: nowhere.
    public var series: String
    /// Whether all voters are heard although the outcome is certain.
    public var hearsAll: Bool

    /// Combines the parts; what is left out has its default.
    public init(
        quorum: Double = 0.6, support: Double? = nil, method: Method = .majority,
        equivalence: AnswerEquivalence = AnswerEquivalence(), trim: Double = 0.2,
        weighsByAccuracy: Bool = false, series: String = "", hearsAll: Bool = false
    ) {
        self.quorum = quorum
        self.support = support
        self.method = method
        self.equivalence = equivalence
        self.trim = trim
        self.weighsByAccuracy = weighsByAccuracy
        self.series = series
        self.hearsAll = hearsAll
    }

    /// Everything that is wrong with it; `prefix` is where it stands in the request.
    public func faults(_ prefix: String) -> [FieldFault] {
        var faults: [FieldFault] = []
        func check(_ isRight: Bool, _ field: String, _ description: String) {
            if isRight { return }
            faults.append(FieldFault(field: prefix + field, description: description))
        }
        check(quorum > 0 && quorum <= 1, "quorum", "is \(quorum); over 0 to 1")
        if let support {
            check(support > 0 && support <= 1, "support", "is \(support); over 0 to 1")
            check(method != .unanimous, "support", "is not for UNANIMOUS; leave it out")
        }
        check(trim > 0 && trim < 0.5, "trim", "is \(trim); over 0 to under 0.5")
        check(
            !weighsByAccuracy || method.usesWeights, "weights",
            "ACCURACY is for WEIGHTED and RANKED")
        check(!weighsByAccuracy || !series.isEmpty, "weights", "ACCURACY needs a series")
        check(series.utf8.count <= 256, "series", "is over 256 bytes")
        return faults + equivalence.faults(prefix + "equivalence.", method)
    }
}

/// Weight and shares in whole numbers, so that ties are ties: sums of doubles would break them.
enum BallotArithmetic {
    /// The weight of 1.
    static let one: Int64 = 1_000_000

    /// A weight of over 0 to 10,000, in millionths, never less than one.
    static func weight(_ value: Double) -> Int64 {
        max(1, Int64((min(max(value, 0), 10_000) * Double(one)).rounded()))
    }

    /// Whether `part` is at least the share of `whole`; a share that is `nil` means more than half.
    ///
    /// Two of three are two thirds, though no double is: a share may be missed by what computing it
    /// loses, and by nothing that anybody would write down.
    static func isMet(_ share: Double?, _ part: Int64, of whole: Int64) -> Bool {
        guard let share else { return part > whole - part }
        // 100 voters of 10,000 are 10^12 millionths, which doubles hold to the last one.
        return Double(part) >= (share - lost) * Double(whole)
    }

    /// What computing a share may lose.
    static let lost = 1e-9

    static func ratio(_ part: Int64, _ whole: Int64) -> Double {
        whole == 0 ? 0 : Double(part) / Double(whole)
    }
}
