import JSON

/// Reads tokens by recursive descent; depth and size are bounded as it goes.
struct ConditionParser {
    private var lexer: ConditionLexer
    private var token: ConditionToken
    /// Where the token begins.
    private var start: Int
    private let limits: Condition.Limits
    private var parts = 0

    init(_ text: String, limits: Condition.Limits) throws(ConditionError) {
        guard text.utf8.count <= limits.maxBytes else {
            throw ConditionError(
                at: 1, "the condition has \(text.utf8.count) bytes; at most \(limits.maxBytes)")
        }
        self.limits = limits
        lexer = ConditionLexer(text)
        (token, start) = try lexer.next()
    }

    mutating func parse() throws(ConditionError) -> Condition.Node {
        let node = try disjunction(depth: 0)
        guard case .end = token else { throw expected("AND, OR or the end") }
        return node
    }

    // MARK: Operators

    private mutating func disjunction(depth: Int) throws(ConditionError) -> Condition.Node {
        var alternatives: [Condition.Node] = []
        repeat {
            let part = try conjunction(depth: depth)
            if case .any(let inner) = part { alternatives += inner } else { alternatives += [part] }
        } while try accept(.or)
        return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
    }

    private mutating func conjunction(depth: Int) throws(ConditionError) -> Condition.Node {
        var conjuncts: [Condition.Node] = []
        repeat {
            let part = try negation(depth: depth)
            if case .all(let inner) = part { conjuncts += inner } else { conjuncts += [part] }
        } while try accept(.and)
        return conjuncts.count == 1 ? conjuncts[0] : .all(conjuncts)
    }

    private mutating func negation(depth: Int) throws(ConditionError) -> Condition.Node {
        guard depth <= limits.maxDepth else {
            throw ConditionError(at: start + 1, "nested deeper than \(limits.maxDepth) levels")
        }
        if try accept(.not) {
            try count()
            return .not(try negation(depth: depth + 1))
        }
        return try predicate(depth: depth)
    }

    private mutating func predicate(depth: Int) throws(ConditionError) -> Condition.Node {
        try count()
        switch token {
        case .open:
            try advance()
            let inner = try disjunction(depth: depth + 1)
            try close()
            return inner
        case .word(.exists):
            try advance()
            return .exists(try pathInParenthesesOrNot())
        default: return try comparison(try operand())
        }
    }

    /// What follows an operand, if anything.
    private mutating func comparison(
        _ left: Condition.Operand
    ) throws(ConditionError) -> Condition.Node {
        if case .comparison(let comparison) = token {
            try advance()
            return .compare(left, comparison, try operand())
        }
        let isNegated = try accept(.not)
        let node: Condition.Node
        if try accept(.isIn) {
            node = .isIn(left, try choices())
        } else if try accept(.between) {
            let low = try operand()
            guard try accept(.and) else { throw expected("AND and the upper bound of BETWEEN") }
            node = .between(left, low: low, high: try operand())
        } else if try accept(.startsWith) {
            node = .startsWith(left, try operand())
        } else if isNegated {
            throw expected("IN, BETWEEN or STARTS_WITH after NOT")
        } else {
            return try alone(left)
        }
        return isNegated ? .not(node) : node
    }

    /// An operand that nothing is compared with: fine for paths and booleans.
    private func alone(_ operand: Condition.Operand) throws(ConditionError) -> Condition.Node {
        switch operand {
        case .path, .literal(.bool): return .truth(operand)
        case .literal:
            throw expected("a comparison (= != < <= > >= IN BETWEEN STARTS_WITH) of the literal")
        }
    }

    // MARK: Operands

    private mutating func operand() throws(ConditionError) -> Condition.Operand {
        let operand: Condition.Operand
        switch token {
        case .path(let path): operand = .path(path)
        case .literal(let value): operand = .literal(value)
        case .word(.yes): operand = .literal(.bool(true))
        case .word(.no): operand = .literal(.bool(false))
        case .word(.null): operand = .literal(.null)
        default: throw expected("a path or a literal")
        }
        try count()
        try advance()
        return operand
    }

    private mutating func choices() throws(ConditionError) -> [Condition.Operand] {
        guard case .open = token else { throw expected("'(' after IN") }
        var choices: [Condition.Operand] = []
        repeat {
            try advance()
            choices.append(try operand())
        } while isComma
        guard case .close = token else { throw expected("',' or ')'") }
        try advance()
        return choices
    }

    private mutating func pathInParenthesesOrNot() throws(ConditionError) -> JSONPathExpression {
        let isOpen = if case .open = token { true } else { false }
        if isOpen { try advance() }
        guard case .path(let path) = token else { throw expected("a path after EXISTS") }
        try advance()
        if isOpen { try close() }
        return path
    }

    // MARK: Tokens

    private var isComma: Bool { if case .comma = token { true } else { false } }

    private mutating func accept(_ word: ConditionWord) throws(ConditionError) -> Bool {
        guard case .word(word) = token else { return false }
        try advance()
        return true
    }

    private mutating func close() throws(ConditionError) {
        guard case .close = token else { throw expected("')'") }
        try advance()
    }

    private mutating func advance() throws(ConditionError) {
        (token, start) = try lexer.next()
    }

    private mutating func count() throws(ConditionError) {
        parts += 1
        guard parts <= limits.maxParts else {
            throw ConditionError(
                at: start + 1, "more than \(limits.maxParts) operators and operands")
        }
    }

    private func expected(_ what: String) -> ConditionError {
        ConditionError(at: start + 1, "expected \(what), found \(lexer.excerpt(from: start))")
    }
}
