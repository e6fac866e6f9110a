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
    /// How often each of ``references`` stands in the template, in the same order.
    public let occurrences: [Int]
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
        occurrences = compiler.references.map { compiler.occurrences[$0, default: 0] }
        if case .reference(let whole)? = strings[0]?.first, strings[0]?.count == 1 {
            wholeReference = whole
        } else {
            wholeReference = nil
        }
    }

    /// Fills the holes.
    ///
    /// - Parameters:
    ///   - maxBytes: the longest result. A short template can name a large value many times, so
    ///     whoever renders templates of others sets it; the work stops where it is passed.
    ///   - resolve: the value of a reference, `nil` when there is none; asked once for each of
    ///     ``references``.
    /// - Returns: a compact JSON text; the text as given when there are no references.
    /// - Throws: ``TemplateRenderingError``.
    public func render(
        maxBytes: Int = .max, _ resolve: (JSONPathExpression) -> JSONView?
    ) throws(TemplateRenderingError) -> [UInt8] {
        if strings.isEmpty {
            if document.bytes.count > maxBytes { throw .tooLarge(maxBytes: maxBytes) }
            return document.bytes
        }
        var values: [JSONPathExpression: JSONView] = [:]
        var missing: [JSONPathExpression] = []
        for reference in references {
            values[reference] = resolve(reference)
            if values[reference] == nil { missing.append(reference) }
        }
        if !missing.isEmpty { throw .unresolved(missing) }
        var rendering = TemplateRendering(
            strings: strings, values: values, maxBytes: maxBytes,
            reservedBytes: document.bytes.count)
        try rendering.write(document.root)
        return rendering.finish()
    }
}

/// Why a text is no template.
public struct JSONTemplateError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Every problem with its place: of the text (`position`) or of a string in it (`path`).
    public let problems: [JSONError]

    /// All problems in one line.
    public var description: String { problems.map(\.description).joined(separator: "; ") }
}

/// Why a template could not be filled in.
public enum TemplateRenderingError: Error, Sendable, Hashable, CustomStringConvertible {
    /// These references have no value: all of them, in the order of the template.
    case unresolved([JSONPathExpression])
    /// The result would have more bytes than the caller allowed.
    case tooLarge(maxBytes: Int)

    /// What is wrong, in one sentence.
    public var description: String {
        switch self {
        case .unresolved(let references):
            "no value for " + references.map { "${\($0)}" }.joined(separator: ", ")
        case .tooLarge(let maxBytes): "the result has more than \(maxBytes) bytes"
        }
    }
}
