import JSON

/// Cuts a condition's text into tokens, from left to right.
struct ConditionLexer {
    private let scalars: [UnicodeScalar]
    private(set) var position = 0

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    static func isNameStart(_ scalar: UnicodeScalar) -> Bool {
        scalar == "_" || scalar.properties.isAlphabetic
    }

    static func isNamePart(_ scalar: UnicodeScalar) -> Bool {
        isNameStart(scalar) || scalar == "-" || ("0"..."9").contains(scalar)
    }

    /// The next token and where it begins.
    mutating func next() throws(ConditionError) -> (token: ConditionToken, start: Int) {
        while let scalar = peek, scalar.properties.isWhitespace { position += 1 }
        let start = position
        guard let scalar = peek else { return (.end, start) }
        let token: ConditionToken
        switch scalar {
        case "\"", "'": token = .literal(.string(try string(closedBy: scalar)))
        case "0"..."9": token = .literal(try numberOrTimestamp())
        case "-": token = .literal(try number())
        case "[": token = .path(try path(from: []))
        case _ where Self.isNameStart(scalar): token = try wordOrPath()
        default: token = try symbol(scalar)
        }
        return (token, start)
    }

    /// What stands at a place, for messages: cut short, so that no error repeats a long text.
    func excerpt(from start: Int) -> String {
        if start >= scalars.count { return "the end" }
        var shown = String.UnicodeScalarView()
        for scalar in scalars[start...].prefix(24) {
            if scalar.properties.isWhitespace && !shown.isEmpty { break }
            shown.append(scalar)
        }
        return "'\(String(shown))'"
    }

    // MARK: Words and paths

    private var peek: UnicodeScalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func wordOrPath() throws(ConditionError) -> ConditionToken {
        let name = self.name()
        if peek != ".", let word = ConditionWord(name) { return .word(word) }
        return .path(try path(from: [.name(name)]))
    }

    /// The rest of a path.
    private mutating func path(
        from first: [JSONPathExpression.Step]
    ) throws(ConditionError) -> JSONPathExpression {
        var steps = first
        while true {
            if peek == "[" {
                steps.append(try bracket())
            } else if peek == "." {
                position += 1
                let name = self.name()
                if name.isEmpty { throw failure("expected a name after '.'") }
                steps.append(.name(name))
            } else {
                return JSONPathExpression(steps: steps)
            }
        }
    }

    private mutating func name() -> String {
        var name = String.UnicodeScalarView()
        while let scalar = peek, Self.isNamePart(scalar) {
            name.append(scalar)
            position += 1
        }
        return String(name)
    }

    private mutating func bracket() throws(ConditionError) -> JSONPathExpression.Step {
        position += 1
        let step: JSONPathExpression.Step
        if let quote = peek, quote == "\"" || quote == "'" {
            step = .name(try string(closedBy: quote))
        } else {
            guard let index = Int(digits()) else {
                throw failure("expected an element number or a quoted name after '['")
            }
            step = .index(index)
        }
        guard peek == "]" else { throw failure("expected ']'") }
        position += 1
        return step
    }

    // MARK: Literals

    /// The content of a string; in single quotes, `\'` stands for the quote too.
    private mutating func string(closedBy quote: UnicodeScalar) throws(ConditionError) -> String {
        let start = position
        position += 1
        var quoted = "\"".unicodeScalars
        while let scalar = peek, scalar != quote {
            position += 1
            switch scalar {
            case "\\":
                guard let escaped = peek else { break }
                position += 1
                if escaped != "'" || quote != "'" { quoted.append("\\") }
                quoted.append(escaped)
            case "\"": quoted.append(contentsOf: "\\\"".unicodeScalars)
            default: quoted.append(scalar)
            }
        }
        guard peek != nil else {
            throw ConditionError(at: start + 1, "a string that is not closed; expected \(quote)")
        }
        position += 1
        quoted.append("\"")
        do {
            return try JSONDocument(parsing: String(quoted)).root.string ?? ""
        } catch {
            throw ConditionError(
                at: start + 1,
                "a string that is not one of JSON: write control characters and backslashes as "
                    + "escapes, such as \\n and \\\\")
        }
    }

    private mutating func digits() -> String {
        var digits = ""
        while let scalar = peek, ("0"..."9").contains(scalar) {
            digits.unicodeScalars.append(scalar)
            position += 1
        }
        return digits
    }

    private mutating func numberOrTimestamp() throws(ConditionError) -> ConditionValue {
        let year = scalars[position...].prefix { ("0"..."9").contains($0) }
        let isYear =
            year.count == 4 && year.endIndex < scalars.count && scalars[year.endIndex] == "-"
        return isYear ? try timestamp() : try number()
    }

    private mutating func timestamp() throws(ConditionError) -> ConditionValue {
        let text = take { Self.isNamePart($0) || ":.+".unicodeScalars.contains($0) }
        guard let timestamp = Timestamp(rfc3339: text) else {
            throw ConditionError(
                at: position - text.unicodeScalars.count + 1,
                "expected a timestamp of RFC 3339, such as 2026-01-31T12:00:00Z, found "
                    + excerpt(from: position - text.unicodeScalars.count))
        }
        return .timestamp(timestamp)
    }

    private mutating func number() throws(ConditionError) -> ConditionValue {
        let start = position
        let text = take { Self.isNamePart($0) || $0 == "." || $0 == "+" }
        guard let view = try? JSONDocument(parsing: text).root, view.kind == .number else {
            throw ConditionError(
                at: start + 1, "expected a number, such as -1.5e3, found \(excerpt(from: start))")
        }
        guard view.int64 != nil || view.double != nil else {
            throw ConditionError(at: start + 1, "a number that no double can hold")
        }
        return ConditionValue(view)
    }

    private mutating func take(while belongs: (UnicodeScalar) -> Bool) -> String {
        var taken = String.UnicodeScalarView()
        while let scalar = peek, belongs(scalar) {
            taken.append(scalar)
            position += 1
        }
        return String(taken)
    }

    // MARK: Symbols

    private mutating func symbol(_ scalar: UnicodeScalar) throws(ConditionError) -> ConditionToken {
        let following = position + 1 < scalars.count ? scalars[position + 1] : nil
        if let hint = Self.hint(scalar, following) { throw failure(hint) }
        position += 1
        let hasEqual = following == "="
        switch scalar {
        case "(": return .open
        case ")": return .close
        case ",": return .comma
        case "=": return .comparison(.equal)
        case "<", ">", "!":
            if hasEqual { position += 1 }
            if scalar == "!" { return .comparison(.notEqual) }
            let less: Condition.Comparison = hasEqual ? .lessOrEqual : .less
            let greater: Condition.Comparison = hasEqual ? .greaterOrEqual : .greater
            return .comparison(scalar == "<" ? less : greater)
        default:
            position -= 1
            throw failure("no part of a condition begins with \(excerpt(from: position))")
        }
    }

    /// What to write instead of other languages' signs.
    private static func hint(_ scalar: UnicodeScalar, _ following: UnicodeScalar?) -> String? {
        switch (scalar, following) {
        case ("=", "="): "write = for equality, not =="
        case ("<", ">"): "write != for inequality, not <>"
        case ("!", let next) where next != "=": "write NOT, or != for inequality, not !"
        case ("&", _): "write AND, not &"
        case ("|", _): "write OR, not |"
        case ("$", _): "write paths without ${ }"
        default: nil
        }
    }

    private func failure(_ message: String) -> ConditionError {
        ConditionError(at: position + 1, message)
    }
}
