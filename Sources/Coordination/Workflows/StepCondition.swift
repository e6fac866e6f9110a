import JSON

/// A step's `when`, checked for what it may refer to: `input...` and `steps.ID.output...`.
public struct StepCondition: Sendable {
    private let condition: Condition
    /// The step whose own output `output...` means; `nil`: it means nothing.
    private let own: String?
    /// Whether it refers to the run's input.
    public let usesInput: Bool
    /// How many places in the documents it looks at.
    let paths: Int
    /// The steps whose outputs it refers to, each once.
    public let stepIDs: [String]

    /// Parses a condition; the failure says where and what would be right.
    static func parse(_ text: String, own: String? = nil) -> Result<
        StepCondition, InputTemplate.ParseFailure
    > {
        let condition: Condition
        do throws(ConditionError) {
            condition = try Condition(parsing: text)
        } catch {
            return .failure(InputTemplate.ParseFailure(message: "is no condition: \(error)"))
        }
        var usesInput = false
        var stepIDs: [String] = []
        let paths = condition.paths
        for path in paths {
            switch Self.split(path, own)?.source {
            case .input: usesInput = true
            case .output(let step) where step == own: break
            case .output(let step): if !stepIDs.contains(step) { stepIDs.append(step) }
            case nil:
                return .failure(
                    InputTemplate.ParseFailure(
                        message: "\(path) refers to nothing; write input... or "
                            + "steps.ID.output..." + (own == nil ? "" : " or output...")))
            }
        }
        return .success(
            StepCondition(
                condition: condition, own: own, usesInput: usesInput, paths: paths.count,
                stepIDs: stepIDs))
    }

    /// Whether it holds; an absent value makes comparisons unknown, which is not enough.
    func holds(_ documents: [PayloadSource: JSONDocument]) -> Bool {
        var scope = Scope(lookups: documents.mapValues { JSONLookup($0) }, own: own)
        return condition.holds(in: &scope)
    }

    private static func split(
        _ path: JSONPathExpression, _ own: String?
    ) -> (source: PayloadSource, rest: ArraySlice<JSONPathExpression.Step>)? {
        if let own, path.root == "output" {
            return (.output(step: own), path.steps.dropFirst())
        }
        return InputTemplate.split(path)
    }

    private struct Scope: ConditionScope {
        var lookups: [PayloadSource: JSONLookup]
        let own: String?

        mutating func value(at path: JSONPathExpression) -> ConditionValue? {
            guard let (source, rest) = StepCondition.split(path, own) else { return nil }
            return lookups[source]?.at(rest).map(ConditionValue.init)
        }
    }
}
