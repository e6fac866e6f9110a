import JSON

/// When two answers are the same one.
public struct AnswerEquivalence: Sendable, Hashable {
    /// What is compared.
    public enum Rule: UInt8, Sendable, Hashable, CaseIterable {
        /// Byte for byte.
        case bytes = 1
        /// The same JSON value.
        case json = 2
        /// Numbers within the tolerance of each other.
        case number = 3
    }

    /// By what answers are compared.
    public var rule: Rule
    /// A path to what counts of an answer; empty: all of it.
    public var field: String
    /// 0 or more.
    public var absoluteTolerance: Double
    /// A share of the larger number's size, 0 to under 1.
    public var relativeTolerance: Double

    /// Combines the parts.
    public init(
        rule: Rule = .json, field: String = "", absoluteTolerance: Double = 0,
        relativeTolerance: Double = 0
    ) {
        self.rule = rule
        self.field = field
        self.absoluteTolerance = absoluteTolerance
        self.relativeTolerance = relativeTolerance
    }

    /// Whether numbers that differ may be the same answer.
    public var isTolerant: Bool { absoluteTolerance > 0 || relativeTolerance > 0 }

    /// Whether two numbers are the same answer.
    public func isSame(_ first: Double, _ second: Double) -> Bool {
        let size = max(first.magnitude, second.magnitude)
        return (first - second).magnitude <= max(absoluteTolerance, relativeTolerance * size)
    }

    func faults(_ prefix: String, _ method: BallotRules.Method) -> [FieldFault] {
        var faults: [FieldFault] = []
        func check(_ isRight: Bool, _ field: String, _ description: String) {
            if isRight { return }
            faults.append(FieldFault(field: prefix + field, description: description))
        }
        check(
            rule == .number || !method.isNumeric, "rule", "MEDIAN and TRIMMED_MEAN need NUMBER")
        check(rule == .json || method != .ranked, "rule", "RANKED needs JSON")
        check(field.utf8.count <= 256, "field", "is over 256 bytes")
        check(rule != .bytes || field.isEmpty, "field", "is not for BYTES: it is no JSON")
        do throws(JSONError) {
            if !field.isEmpty { _ = try JSONPathExpression(parsing: field) }
        } catch {
            check(false, "field", error.message)
        }
        check(
            absoluteTolerance >= 0 && absoluteTolerance.isFinite, "absolute_tolerance",
            "is \(absoluteTolerance); 0 or more")
        check(
            relativeTolerance >= 0 && relativeTolerance < 1, "relative_tolerance",
            "is \(relativeTolerance); 0 to under 1")
        for (tolerance, field) in [
            (absoluteTolerance, "absolute_tolerance"), (relativeTolerance, "relative_tolerance"),
        ] {
            check(rule == .number || tolerance == 0, field, "is for NUMBER")
        }
        return faults
    }
}
