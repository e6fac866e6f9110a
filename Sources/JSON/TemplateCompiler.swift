/// A piece of a template's string.
enum TemplateSegment: Sendable {
    case literal(String)
    case reference(JSONPathExpression)

    /// The segment as part of a longer string.
    func text(with values: [JSONPathExpression: JSONView]) -> String {
        switch self {
        case .literal(let text): text
        case .reference(let path): values[path].map { $0.string ?? $0.rawText } ?? ""
        }
    }
}

/// Finds the references of a template and everything that is wrong with them.
struct TemplateCompiler {
    private(set) var strings: [Int: [TemplateSegment]] = [:]
    private(set) var references: [JSONPathExpression] = []
    private(set) var problems: [JSONError] = []
    /// How often each reference stands in the template.
    private(set) var occurrences: [JSONPathExpression: Int] = [:]

    /// Recursion is bounded by the depth limit the document was checked with.
    mutating func visit(_ view: JSONView, at place: CodingPlace) {
        switch view.kind {
        case .object:
            let container = CodingPlace.Container(place)
            for member in view.members {
                let place = container.place(of: PlaceKey(stringValue: member.name))
                if member.name.utf8.contains(dollarBrace) {
                    problems.append(place.error(.template, "a member name must not refer"))
                }
                visit(member.value, at: place)
            }
        case .array:
            let container = CodingPlace.Container(place)
            for (index, element) in view.elements.enumerated() {
                visit(element, at: container.place(at: index))
            }
        case .string:
            compile(view, at: place)
        case .null, .bool, .number:
            return
        }
    }

    private mutating func compile(_ view: JSONView, at place: CodingPlace) {
        guard let text = view.string, text.utf8.contains(dollarBrace) else { return }
        do throws(JSONError) {
            let segments = try segments(of: text)
            strings[view.index] = segments
            for case .reference(let path) in segments {
                if occurrences[path] == nil { references.append(path) }
                occurrences[path, default: 0] += 1
            }
        } catch {
            problems.append(place.error(.template, error.message))
        }
    }
}

/// The two characters that open a reference.
private let dollarBrace = Array("${".utf8)

/// Cuts a string at its references.
private func segments(of text: String) throws(JSONError) -> [TemplateSegment] {
    var segments: [TemplateSegment] = []
    var literal = ""
    var rest = text[...].unicodeScalars
    while let scalar = rest.popFirst() {
        if scalar == "$", rest.starts(with: "${".unicodeScalars) {
            literal += "${"
            rest = rest.dropFirst(2)
        } else if scalar == "$", rest.first == "{" {
            rest = rest.dropFirst()
            if !literal.isEmpty { segments.append(.literal(literal)) }
            literal = ""
            segments.append(.reference(try takeReference(&rest)))
        } else {
            literal.unicodeScalars.append(scalar)
        }
    }
    if !literal.isEmpty { segments.append(.literal(literal)) }
    return segments
}

/// Reads up to the closing brace, which inside a quoted name is part of the name.
private func takeReference(
    _ rest: inout Substring.UnicodeScalarView
) throws(JSONError) -> JSONPathExpression {
    var path = ""
    var isQuoted = false
    var isEscaped = false
    while let scalar = rest.popFirst() {
        if scalar == "}" && !isQuoted { return try JSONPathExpression(parsing: path) }
        if scalar == "\"" && !isEscaped { isQuoted.toggle() }
        isEscaped = scalar == "\\" && !isEscaped
        path.unicodeScalars.append(scalar)
    }
    throw JSONError(.template, "\"${\(path)\" is not closed by '}'")
}
