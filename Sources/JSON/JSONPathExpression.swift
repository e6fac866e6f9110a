/// A way from a value to one inside it: dotted names and element numbers, such as
/// `fetch.output.items[0].x`.
///
/// A name is one or more characters other than `.`, `[`, `]`, `{`, `}`, `"`, `$`, whitespace and
/// control characters; any other name is written in brackets as a JSON string: `a["b.c"][2]`.
/// The first step may stand in brackets too. There are no wildcards and no functions.
public struct JSONPathExpression: Sendable, Hashable, CustomStringConvertible {
    /// One step of the way. Names that only look alike are two names: their bytes count.
    public enum Step: Sendable, Hashable {
        /// The member of that name.
        case name(String)
        /// The element at that place, from 0.
        case index(Int)

        /// Byte for byte, as names of members are looked up.
        public static func == (one: Step, other: Step) -> Bool {
            switch (one, other) {
            case (.name(let one), .name(let other)): one.hasSameBytes(as: other)
            case (.index(let one), .index(let other)): one == other
            case (.name, .index), (.index, .name): false
            }
        }

        /// Of a name's bytes: its own hash is one for all names that look alike.
        public func hash(into hasher: inout Hasher) {
            switch self {
            case .name(let name): hasher.combine(name.nameBytes)
            case .index(let index): hasher.combine(index)
            }
        }
    }

    /// The steps, at least one when parsed.
    public let steps: [Step]

    /// A path of these steps; no steps mean the value itself.
    public init(steps: [Step]) {
        self.steps = steps
    }

    /// Parses a path.
    ///
    /// - Throws: ``JSONError`` with code `syntax` that quotes the path and says what is wrong.
    public init(parsing text: String) throws(JSONError) {
        var parser = PathParser(text)
        steps = try parser.parse()
    }

    /// The path as text that parses to the same path (empty for no steps).
    public var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .index(let index): text += "[\(index)]"
            case .name(let name) where !name.isEmpty && name.unicodeScalars.allSatisfy(isNamePart):
                text += text.isEmpty ? name : "." + name
            case .name(let name):
                var quoted: [UInt8] = []
                quoted.appendQuoted(name)
                text += "[\(String(decoding: quoted, as: UTF8.self))]"
            }
        }
        return text
    }

    /// The first step's name: in templates it says whose value is meant (`input`, `steps`).
    public var root: String? {
        if case .name(let name) = steps.first { return name }
        return nil
    }
}

extension JSONView {
    /// The value at the end of a path, or `nil` when a step is not there.
    public func at(_ path: JSONPathExpression) -> JSONView? { at(path.steps[...]) }

    /// The value at the end of the remaining steps, or `nil` when one is not there.
    public func at(_ steps: ArraySlice<JSONPathExpression.Step>) -> JSONView? {
        var view = self
        for step in steps {
            let inner =
                switch step {
                case .name(let name): view[name]
                case .index(let index): view[index]
                }
            guard let inner else { return nil }
            view = inner
        }
        return view
    }

    /// The value at the end of a path given as text; `nil` also when the text is no path, so use
    /// ``JSONPathExpression`` for paths that come from outside.
    public func at(_ path: String) -> JSONView? {
        guard let path = try? JSONPathExpression(parsing: path) else { return nil }
        return at(path)
    }
}

private func isNamePart(_ scalar: UnicodeScalar) -> Bool {
    switch scalar {
    case ".", "[", "]", "{", "}", "\"", "$": false
    default: !scalar.properties.isWhitespace && scalar.value >= 0x20 && scalar.value != 0x7F
    }
}

/// Reads a path from left to right.
private struct PathParser {
    private let text: String
    private var rest: Substring.UnicodeScalarView
    private var steps: [JSONPathExpression.Step] = []

    init(_ text: String) {
        self.text = text
        rest = text[...].unicodeScalars
    }

    mutating func parse() throws(JSONError) -> [JSONPathExpression.Step] {
        repeat {
            if rest.first == "[" {
                try bracket()
            } else {
                if !steps.isEmpty { try expect(".", "expected '.' or '['") }
                try name()
            }
        } while !rest.isEmpty
        return steps
    }

    private mutating func expect(
        _ scalar: UnicodeScalar, _ message: String
    ) throws(JSONError) {
        guard rest.first == scalar else { throw failure(message) }
        rest = rest.dropFirst()
    }

    private mutating func name() throws(JSONError) {
        let name = rest.prefix(while: isNamePart)
        if name.isEmpty { throw failure("expected a name") }
        steps.append(.name(String(name)))
        rest = rest.dropFirst(name.count)
    }

    private mutating func bracket() throws(JSONError) {
        rest = rest.dropFirst()
        if rest.first == "\"" {
            steps.append(.name(try quotedName()))
        } else {
            steps.append(.index(try elementNumber()))
        }
        try expect("]", "expected ']'")
    }

    private mutating func elementNumber() throws(JSONError) -> Int {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        guard let index = Int(String(digits)) else {
            throw failure("expected an element number or a quoted name after '['")
        }
        rest = rest.dropFirst(digits.count)
        return index
    }

    /// A JSON string, escapes and all: found by its closing quote, then read by the scanner.
    private mutating func quotedName() throws(JSONError) -> String {
        var isEscaped = true
        var length = 0
        for scalar in rest {
            length += 1
            if scalar == "\"" && !isEscaped { break }
            isEscaped = scalar == "\\" && !isEscaped
        }
        let quoted = String(rest.prefix(length))
        guard let name = try? JSONDocument(parsing: quoted).root.string else {
            throw failure("a quoted name is not a JSON string")
        }
        rest = rest.dropFirst(length)
        return name
    }

    private func failure(_ message: String) -> JSONError {
        let place = text.unicodeScalars.count - rest.count + 1
        return JSONError(.syntax, "path \"\(text)\", character \(place): \(message)")
    }
}
