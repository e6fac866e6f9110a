public import JSON

/// A condition over named values: the one expression language of `when`, list filters and
/// subscriptions. Only paths, literals and operators; no functions, no arithmetic, no patterns.
///
///     status IN ("failed", "timed_out") AND start >= 2026-01-01T00:00:00Z AND NOT attributes.vip
///
/// From the loosest to the tightest: `OR`; `AND`; `NOT`; `=` `!=` `<` `<=` `>` `>=`, `IN (...)`,
/// `BETWEEN low AND high` (both included), `STARTS_WITH`, each of the last three also after `NOT`;
/// `EXISTS path`. A path or literal alone must be a boolean. Words of the language may be written
/// in any case.
///
/// A path is `name.name[0]["any name"]`; bare names are letters, digits, `_` and `-`. Literals are
/// strings in double or single quotes with JSON's escapes, numbers, `true`, `false`, `null`, and
/// timestamps as RFC 3339 without quotes.
///
/// **What is not there.** Conditions have three values as in SQL: true, false, unknown. A missing
/// value is the same as `null`. `EXISTS x` asks whether there is one that is not null; `x = null`
/// and `x != null` (with the word itself) ask the same, and never are unknown. Any other
/// comparison with a missing value is unknown; so is an order between different kinds
/// (`"a" < 3`), while `=` between them is false and `!=` true. `NOT` of unknown is unknown; `AND`
/// is false if a part is false, `OR` true if a part is true, else unknown if a part is. A condition
/// *holds* only if it is true: neither `x = 1` nor `NOT x = 1` holds without an `x`.
public struct Condition: Sendable {
    /// A part of the condition.
    public indirect enum Node: Sendable, Hashable {
        /// True when every part is; at least two parts, none of them an `all`.
        case all([Node])
        /// True when some part is; at least two parts, none of them an `any`.
        case any([Node])
        case not(Node)
        case compare(Operand, Comparison, Operand)
        /// Equal to one of these.
        case isIn(Operand, [Operand])
        /// Both bounds included.
        case between(Operand, low: Operand, high: Operand)
        case startsWith(Operand, Operand)
        case exists(JSONPathExpression)
        /// A boolean that stands alone.
        case truth(Operand)
    }

    /// What is compared.
    public enum Operand: Sendable, Hashable {
        case path(JSONPathExpression)
        case literal(ConditionValue)
    }

    /// How two operands are compared.
    public enum Comparison: String, Sendable, Hashable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
    }

    /// What a condition may cost before it is refused.
    public struct Limits: Sendable, Hashable {
        /// The longest text in UTF-8 bytes.
        public var maxBytes: Int
        /// How deep parentheses and `NOT` may nest.
        public var maxDepth: Int
        /// The most operators and operands together, which bounds the work of an evaluation.
        public var maxParts: Int

        /// 16 KiB, 64 levels, 1,000 parts.
        public static let defaults = Limits()

        /// Limits with the default for what is left out.
        public init(maxBytes: Int = 16 * 1_024, maxDepth: Int = 64, maxParts: Int = 1_000) {
            self.maxBytes = maxBytes
            self.maxDepth = maxDepth
            self.maxParts = maxParts
        }
    }

    /// The outermost part.
    public let root: Node

    /// Parses a condition.
    ///
    /// - Throws: ``ConditionError`` for the first thing wrong: the place, what was expected there
    ///   and what was found.
    public init(parsing text: String, limits: Limits = .defaults) throws(ConditionError) {
        var parser = try ConditionParser(text, limits: limits)
        root = try parser.parse()
    }

    /// A condition made of parts that keep what ``Node`` says of each.
    public init(_ root: Node) { self.root = root }

    /// Every path in it, each once, in the order of the text: check them against the names that
    /// the place of use knows.
    public var paths: [JSONPathExpression] {
        var found: [JSONPathExpression] = []
        var seen: Set<JSONPathExpression> = []
        root.visitPaths { if seen.insert($0).inserted { found.append($0) } }
        return found
    }
}

extension Condition.Node {
    func visitPaths(_ visit: (JSONPathExpression) -> Void) {
        switch self {
        case .all(let parts), .any(let parts): for part in parts { part.visitPaths(visit) }
        case .not(let part): part.visitPaths(visit)
        case .exists(let path): visit(path)
        default:
            for case .path(let path) in operands { visit(path) }
        }
    }

    /// The operands of a comparison, in the order of the text.
    private var operands: [Condition.Operand] {
        switch self {
        case .compare(let left, _, let right), .startsWith(let left, let right): [left, right]
        case .isIn(let operand, let choices): [operand] + choices
        case .between(let operand, let low, let high): [operand, low, high]
        case .truth(let operand): [operand]
        case .all, .any, .not, .exists: []
        }
    }
}
