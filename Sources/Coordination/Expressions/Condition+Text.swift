import JSON

extension Condition: CustomStringConvertible {
    /// The condition in its one canonical form, which parses to the same condition.
    public var description: String { root.text(inside: .any) }
}

extension Condition.Node {
    /// How tightly a part binds; a part inside a tighter one needs parentheses.
    fileprivate enum Binding: Int {
        case any, all, not
    }

    fileprivate func text(inside outer: Binding) -> String {
        switch self {
        case .any(let parts):
            let text = parts.map { $0.text(inside: .all) }.joined(separator: " OR ")
            return outer == .any ? text : "(\(text))"
        case .all(let parts):
            let text = parts.map { $0.text(inside: .not) }.joined(separator: " AND ")
            return outer == .not ? "(\(text))" : text
        case .not(let part): return "NOT " + part.text(inside: .not)
        case .compare(let left, let comparison, let right):
            return "\(left) \(comparison.rawValue) \(right)"
        case .isIn(let operand, let choices):
            return "\(operand) IN (" + choices.map(\.description).joined(separator: ", ") + ")"
        case .between(let operand, let low, let high):
            return "\(operand) BETWEEN \(low) AND \(high)"
        case .startsWith(let operand, let prefix): return "\(operand) STARTS_WITH \(prefix)"
        case .exists(let path): return "EXISTS \(path.conditionText)"
        case .truth(let operand): return operand.description
        }
    }
}

extension Condition.Operand: CustomStringConvertible {
    /// The operand as a condition's text has it.
    public var description: String {
        switch self {
        case .path(let path): path.conditionText
        case .literal(let value): value.description
        }
    }
}

extension JSONPathExpression {
    /// The path as a condition's text has it: names that could be read as something else stand in
    /// brackets.
    fileprivate var conditionText: String {
        var text = ""
        for step in steps {
            switch step {
            case .index(let index): text += "[\(index)]"
            case .name(let name) where isBare(name, first: text.isEmpty):
                text += text.isEmpty ? name : "." + name
            case .name(let name): text += "[\(ConditionValue.string(name))]"
            }
        }
        return text
    }

    private func isBare(_ name: String, first: Bool) -> Bool {
        guard let start = name.unicodeScalars.first else { return false }
        guard name.unicodeScalars.allSatisfy(ConditionLexer.isNamePart) else { return false }
        return !first || (ConditionLexer.isNameStart(start) && ConditionWord(name) == nil)
    }
}
