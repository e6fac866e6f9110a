import JSON

extension Condition {
    /// Whether the condition is true; not when it is false or unknown.
    public func holds(in scope: inout some ConditionScope) -> Bool {
        evaluate(in: &scope) == true
    }

    /// True, false, or `nil` for unknown.
    ///
    /// Parts are looked at from left to right until the outcome is certain.
    public func evaluate(in scope: inout some ConditionScope) -> Bool? {
        root.evaluate(in: &scope)
    }
}

extension Condition.Node {
    fileprivate func evaluate(in scope: inout some ConditionScope) -> Bool? {
        switch self {
        case .all(let parts): return Self.fold(parts, decisive: false, &scope)
        case .any(let parts): return Self.fold(parts, decisive: true, &scope)
        case .not(let part): return part.evaluate(in: &scope).map { !$0 }
        case .compare(let left, let comparison, let right):
            return Self.compare(left, comparison, right, &scope)
        case .isIn(let operand, let choices):
            var outcome: Bool? = false
            for choice in choices {
                let isEqual = Self.compare(operand, .equal, choice, &scope)
                if isEqual == true { return true }
                if isEqual == nil { outcome = nil }
            }
            return outcome
        case .between(let operand, let low, let high):
            let isAbove = Self.compare(operand, .greaterOrEqual, low, &scope)
            if isAbove == false { return false }
            let isBelow = Self.compare(operand, .lessOrEqual, high, &scope)
            return isBelow == false ? false : (isAbove == nil ? nil : isBelow)
        case .startsWith(let operand, let prefix):
            guard case .string(let text) = scope[operand], case .string(let start) = scope[prefix]
            else { return nil }
            return text.utf8.starts(with: start.utf8)
        case .exists(let path): return scope[.path(path)] != .null
        case .truth(let operand):
            guard case .bool(let value) = scope[operand] else { return nil }
            return value
        }
    }

    private static func fold(
        _ parts: [Self], decisive: Bool, _ scope: inout some ConditionScope
    ) -> Bool? {
        var outcome: Bool? = !decisive
        for part in parts {
            let value = part.evaluate(in: &scope)
            if value == decisive { return decisive }
            if value == nil { outcome = nil }
        }
        return outcome
    }

    private static func compare(
        _ left: Condition.Operand, _ comparison: Condition.Comparison, _ right: Condition.Operand,
        _ scope: inout some ConditionScope
    ) -> Bool? {
        if left == .literal(.null) || right == .literal(.null) {
            let areEqual = scope[left] == .null && scope[right] == .null
            return comparison == .equal ? areEqual : (comparison == .notEqual ? !areEqual : nil)
        }
        return comparison.outcome(scope[left].relation(to: scope[right]))
    }
}

extension Condition.Comparison {
    fileprivate func outcome(_ relation: ConditionValue.Relation) -> Bool? {
        switch (self, relation) {
        case (_, .unknown): nil
        case (.equal, _): relation == .equal
        case (.notEqual, _): relation != .equal
        case (_, .different): nil
        case (.less, _): relation == .less
        case (.lessOrEqual, _): relation != .greater
        case (.greater, _): relation == .greater
        case (.greaterOrEqual, _): relation != .less
        }
    }
}

extension ConditionScope {
    fileprivate subscript(operand: Condition.Operand) -> ConditionValue {
        mutating get {
            switch operand {
            case .literal(let value): value
            case .path(let path): value(at: path) ?? .null
            }
        }
    }
}
