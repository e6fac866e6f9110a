/// A JSON text with holes: strings in it refer to values that are known later.
///
/// - A string that is one reference, `"${steps.fetch.output.items}"`, becomes the value itself,
///   of whatever kind.
/// - A reference inside a longer string, `"pair ${input.symbol}"`, becomes text: a string's
///   characters, or the JSON text of any other value.
/// - `$${` stands for the characters `${`; any other `$` for itself.
/// - Member names are literal; one that contains `${` is refused.
///
/// What a reference means is up to the resolver; the paths are those of ``JSONPathExpression``.
/// A template is immutable; any thread may render it.
public struct JSONTemplate: Sendable {
    /// The template's own text.
    public let document: JSONDocument
    /// Every reference, once, in the order of first appearance: for validation before use.
    public let references: [JSONPathExpression]
    /// The reference this template consists of, if it is `"${…}"` and nothing else: the result
    /// is then the referred value unchanged, so that its stored payload can be shared.
    public let wholeReference: JSONPathExpression?

    /// Strings with references, by their place in the document's index.
    private let strings: [Int: [TemplateSegment]]

    /// Checks a text as JSON and all its references.
    ///
    /// - Throws: ``JSONTemplateError`` with every bad string, or with what is wrong with the text.
    public init(
        parsing bytes: [UInt8], limits: JSONLimits = .defaults
    ) throws(JSONTemplateError) {
        do throws(JSONError) {
            document = try JSONDocument(parsing: bytes, limits: limits)
        } catch {
            throw JSONTemplateError(problems: [error])
        }
        var compiler = TemplateCompiler()
        compiler.visit(document.root, at: .root)
        if !compiler.problems.isEmpty { throw JSONTemplateError(problems: compiler.problems) }
        strings = compiler.strings
        references = compiler.references
        if case .reference(let whole)? = strings[0]?.first, strings[0]?.count == 1 {
            wholeReference = whole
        } else {
            wholeReference = nil
        }
    }

    /// Fills the holes.
    ///
    /// - Parameter resolve: the value of a reference, `nil` when there is none; asked once for
    ///   each of ``references``.
    /// - Returns: a compact JSON text; the text as given when there are no references.
    /// - Throws: ``UnresolvedReferences`` naming every reference without a value.
    public func render(
        _ resolve: (JSONPathExpression) -> JSONView?
    ) throws(UnresolvedReferences) -> [UInt8] {
        if strings.isEmpty { return document.bytes }
        var values: [JSONPathExpression: JSONView] = [:]
        var missing: [JSONPathExpression] = []
        for reference in references {
            values[reference] = resolve(reference)
            if values[reference] == nil { missing.append(reference) }
        }
        if !missing.isEmpty { throw UnresolvedReferences(references: missing) }
        var writer = JSONWriter(reservedBytes: document.bytes.count)
        write(document.root, with: values, to: &writer)
        return writer.finish()
    }

    /// Recursion is bounded by the depth limit the template was checked with.
    private func write(
        _ view: JSONView, with values: [JSONPathExpression: JSONView], to writer: inout JSONWriter
    ) {
        switch view.kind {
        case .object:
            writer.beginObject()
            for member in view.members {
                writer.key(member.name)
                write(member.value, with: values, to: &writer)
            }
            writer.endObject()
        case .array:
            writer.beginArray()
            for element in view.elements { write(element, with: values, to: &writer) }
            writer.endArray()
        case .string:
            write(strings[view.index] ?? [], insteadOf: view, with: values, to: &writer)
        case .null, .bool, .number:
            writer.value(view)
        }
    }

    private func write(
        _ segments: [TemplateSegment], insteadOf view: JSONView,
        with values: [JSONPathExpression: JSONView], to writer: inout JSONWriter
    ) {
        if segments.isEmpty { return writer.value(view) }
        if segments.count == 1, case .reference(let only) = segments[0], let value = values[only] {
            return writer.value(value)
        }
        writer.string(segments.map { $0.text(with: values) }.joined())
    }
}

/// Why a text is no template.
public struct JSONTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Every problem with its place: of the text (`position`) or of a string in it (`path`).
    public let problems: [JSONError]

    /// All problems in one line.
    public var description: String { problems.map(\.description).joined(separator: "; ") }
}

/// References of a template that had no value when it was rendered.
public struct UnresolvedReferences: Error, Sendable, Hashable, CustomStringConvertible {
    /// All of them, in the order of the template.
    public let references: [JSONPathExpression]

    /// All of them in one sentence.
    public var description: String {
        "no value for " + references.map { "${\($0)}" }.joined(separator: ", ")
    }
}
