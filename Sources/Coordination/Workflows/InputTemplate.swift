import JSON

/// Where a value in a template comes from.
public enum PayloadSource: Sendable, Hashable {
    /// `${input...}`: the run's input.
    case input
    /// `${steps.ID.output...}`: what a step returned.
    case output(step: String)
}

/// A JSON template of a definition, checked for what it may refer to: `${input...}` and
/// `${steps.ID.output...}`.
public struct InputTemplate: Sendable {
    private let template: JSONTemplate
    /// Set when the template is nothing but one whole source, so that the payload's id is shared.
    public let whole: PayloadSource?
    /// Whether it refers to the run's input.
    public let usesInput: Bool
    /// The steps whose outputs it refers to, each once.
    public let stepIDs: [String]
    /// The most references one template may hold, repeated ones counted each time: it bounds the
    /// work of filling it in.
    public static let maxReferences = 1_000
    /// How often it refers into each source.
    let uses: [PayloadSource: Int]
    /// The bytes of its own text.
    var textBytes: Int { template.document.bytes.count }

    /// Why a text is no template.
    public struct ParseFailure: Error, Sendable, Hashable {
        /// What is wrong, where, and what would be right.
        public let message: String
    }

    /// Parses a template; the failure says where and what would be right.
    public static func parse(_ text: String) -> Result<InputTemplate, ParseFailure> {
        let template: JSONTemplate
        do {
            template = try JSONTemplate(parsing: Self.quotedIfBare(text))
        } catch {
            return .failure(ParseFailure(message: "is no template: \(summary(of: error))"))
        }
        let count = template.occurrences.reduce(0, +)
        guard count <= maxReferences else {
            return .failure(
                ParseFailure(
                    message: "holds \(count) references; give at most \(maxReferences), or hand "
                        + "on a larger value whole"))
        }
        var uses: [PayloadSource: Int] = [:]
        var stepIDs: [String] = []
        for (reference, count) in zip(template.references, template.occurrences) {
            guard let source = split(reference)?.source else {
                return .failure(
                    ParseFailure(
                        message: "${\(reference)} refers to nothing; "
                            + "write ${input...} or ${steps.ID.output...}"))
            }
            if case .output(let step) = source, uses[source] == nil { stepIDs.append(step) }
            uses[source, default: 0] += count
        }
        return .success(
            InputTemplate(
                template: template, whole: wholeSource(template),
                usesInput: uses[.input] != nil, stepIDs: stepIDs, uses: uses))
    }

    /// The first problems: a text of many bad strings must not answer with many times its length.
    private static func summary(of error: JSONTemplateError) -> String {
        let rest = error.problems.count - 10
        return error.problems.prefix(10).map(\.description).joined(separator: "; ")
            + (rest > 0 ? "; and \(rest) more" : "")
    }

    /// Fills the template in. References into absent sources, and absent members, are `null`.
    func render(
        _ documents: [PayloadSource: JSONDocument], for purpose: PayloadPurpose
    ) -> Result<[UInt8], StepFailure> {
        do {
            let null = try JSONDocument(parsing: Array("null".utf8)).root
            var lookups = documents.mapValues { JSONLookup($0) }
            let bytes = try template.render(maxBytes: purpose.maxBytes) { reference in
                guard let (source, path) = Self.split(reference) else { return nil }
                return lookups[source]?.at(path) ?? null
            }
            return .success(bytes)
        } catch TemplateRenderingError.tooLarge {
            return .failure(purpose.tooLarge)
        } catch {
            return .failure(
                StepFailure(
                    type: "bad_template", message: "the template cannot be filled in: \(error)",
                    retryable: false))
        }
    }

    /// A template that is one reference may be written without the quotes of a JSON string.
    private static func quotedIfBare(_ text: String) -> [UInt8] {
        let isBlank = { (character: Character) in character.isWhitespace }
        let bare = text.drop(while: isBlank)
        guard bare.hasPrefix("${") else { return Array(text.utf8) }
        let end = bare.lastIndex { !$0.isWhitespace } ?? bare.startIndex
        var writer = JSONWriter()
        writer.string(String(bare[...end]))
        return writer.finish()
    }

    private static func wholeSource(_ template: JSONTemplate) -> PayloadSource? {
        guard let reference = template.wholeReference, let (source, path) = split(reference),
            path.isEmpty
        else { return nil }
        return source
    }

    /// The source that a path begins with, and the way on inside it.
    static func split(
        _ path: JSONPathExpression
    ) -> (source: PayloadSource, rest: ArraySlice<JSONPathExpression.Step>)? {
        switch path.steps.first {
        case .name("input"): return (.input, path.steps.dropFirst())
        case .name("steps"):
            guard path.steps.count >= 3, case .name(let step) = path.steps[1],
                path.steps[2] == .name("output")
            else { return nil }
            return (.output(step: step), path.steps.dropFirst(3))
        default: return nil
        }
    }
}
