import JSON

/// A condition over runs: the filter of lists and counts.
///
/// Fields are `id` (the workflow id), `run_id`, `type` (the definition's name), `status` (a word such
/// as `timed_out`), `start` and `close` (timestamps; an open run has no `close`), and `attributes.NAME`
/// (what its start gave it; one that has no such attribute has no value there).
public struct RunFilter: Sendable {
    /// What must hold.
    public let condition: Condition
    /// Set when only runs of this definition can fit: a store has an index for that.
    public let definition: String?
    /// Whether only open runs can fit.
    public let isOpenOnly: Bool

    /// Whether it asks for attributes, which no column holds.
    public let usesAttributes: Bool

    /// The fields that a condition may ask for, beside `attributes.NAME`.
    public static let fields = ["id", "run_id", "type", "status", "start", "close"]

    /// Reads a filter; empty text means every run.
    ///
    /// - Throws: ``ParseFailure`` that says what is wrong and where.
    public static func parse(_ text: String) throws(ParseFailure) -> RunFilter? {
        if text.allSatisfy(\.isWhitespace) { return nil }
        do throws(ConditionError) {
            return try RunFilter(Condition(parsing: text))
        } catch {
            throw ParseFailure(message: error.description)
        }
    }

    /// Why a text is no filter.
    public struct ParseFailure: Error, Sendable, Hashable {
        /// What is wrong and what would be right.
        public let message: String
    }

    private init(_ condition: Condition) throws(ConditionError) {
        var usesAttributes = false
        for path in condition.paths {
            if path.attribute != nil {
                usesAttributes = true
            } else if path.steps.count != 1 || !Self.fields.contains(path.root ?? "") {
                throw ConditionError(
                    at: 1,
                    "\(path) is no field of runs; those are "
                        + Self.fields.joined(separator: ", ") + ", attributes.NAME")
            }
        }
        self.usesAttributes = usesAttributes
        try Self.checkStatusWords(condition.root)
        self.condition = condition
        let parts = if case .all(let parts) = condition.root { parts } else { [condition.root] }
        definition = parts.lazy.compactMap { $0.text(equalTo: "type") }.first
        let isRunning = parts.contains { $0.text(equalTo: "status") == RunStatus.running.word }
        isOpenOnly = isRunning || parts.contains { $0.asksForOpen }
    }

    /// Whether a run fits.
    public func fits(_ run: RunColumns) -> Bool {
        var scope = run
        return condition.holds(in: &scope)
    }

    /// A word that no status is would silently find nothing.
    private static func checkStatusWords(_ node: Condition.Node) throws(ConditionError) {
        switch node {
        case .all(let parts), .any(let parts):
            for part in parts { try checkStatusWords(part) }
        case .not(let part): try checkStatusWords(part)
        case .compare(let left, let comparison, let right)
        where comparison == .equal || comparison == .notEqual:
            try checkStatusWord(left, right)
            try checkStatusWord(right, left)
        case .isIn(let operand, let choices):
            for choice in choices { try checkStatusWord(operand, choice) }
        default: break
        }
    }

    private static func checkStatusWord(
        _ field: Condition.Operand, _ word: Condition.Operand
    ) throws(ConditionError) {
        guard case .path(let path) = field, path.root == "status", case .literal(let value) = word,
            value != .null
        else { return }
        let words = RunStatus.allCases.map(\.word)
        if case .string(let text) = value, words.contains(text) { return }
        throw ConditionError(
            at: 1, "\(value) is no status; those are \(words.joined(separator: ", "))")
    }
}

/// What lists know of a run without reading its state.
public struct RunColumns: ConditionScope, Sendable {
    /// The run.
    public var run: RunID
    /// The caller's name for it.
    public var workflowID: String
    /// Name of its definition.
    public var definition: String
    /// Where it stands; `nil`: a status that this build does not know.
    public var status: RunStatus?
    /// When it started.
    public var startedMillis: Int64
    /// When it ended; `nil` while it is open.
    public var closedMillis: Int64?
    /// Its attributes, if the filter asks for any.
    public var attributes: [RunAttribute]

    /// Combines the columns.
    public init(
        run: RunID, workflowID: String, definition: String, status: RunStatus?,
        startedMillis: Int64, closedMillis: Int64?, attributes: [RunAttribute] = []
    ) {
        self.run = run
        self.workflowID = workflowID
        self.definition = definition
        self.status = status
        self.startedMillis = startedMillis
        self.closedMillis = closedMillis
        self.attributes = attributes
    }

    /// The value of one of ``RunFilter/fields``, or of an attribute.
    public func value(at path: JSONPathExpression) -> ConditionValue? {
        if let name = path.attribute {
            return attributes.first { $0.name == name }.map { ConditionValue($0.value) }
        }
        return switch path.root {
        case "id": .string(workflowID)
        case "run_id": .string(run.description)
        case "type": .string(definition)
        case "status": status.map { .string($0.word) }
        case "start": .timestamp(Timestamp(millis: startedMillis))
        case "close": closedMillis.map { .timestamp(Timestamp(millis: $0)) }
        default: nil
        }
    }
}

extension JSONPathExpression {
    /// The attribute that `attributes.NAME` means.
    fileprivate var attribute: String? {
        guard steps.count == 2, root == "attributes", case .name(let name) = steps[1] else {
            return nil
        }
        return name
    }
}

extension ConditionValue {
    fileprivate init(_ value: RunAttribute.Value) {
        switch value {
        case .text(let text): self = .string(text)
        case .flag(let flag): self = .bool(flag)
        case .number(let number):
            self = Int64(exactly: number).map(ConditionValue.integer) ?? .double(number)
        }
    }
}

extension Condition.Node {
    /// The text that a field must equal for this part to hold.
    fileprivate func text(equalTo field: String) -> String? {
        guard case .compare(let left, .equal, let right) = self else { return nil }
        for (path, literal) in [(left, right), (right, left)] {
            if case .path(let path) = path, path.root == field,
                case .literal(.string(let text)) =
                    literal
            {
                return text
            }
        }
        return nil
    }

    /// Whether it is `close = null` or `NOT EXISTS close`.
    fileprivate var asksForOpen: Bool {
        let close = JSONPathExpression(steps: [.name("close")])
        switch self {
        case .not(.exists(close)): return true
        case .compare(.path(close), .equal, .literal(.null)),
            .compare(.literal(.null), .equal, .path(close)):
            return true
        default: return false
        }
    }
}
