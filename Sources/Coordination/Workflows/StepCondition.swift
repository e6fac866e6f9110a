import JSON

/// A step's `when`, checked for what it may refer to: `input...` and `steps.ID.output...`.
public struct StepCondition: Sendable {
    private let condition: Condition
    /// Whether it refers to the run's input.
    public let usesInput: Bool
    /// How many places in the documents it looks at.
    let paths: Int
    /// The steps whose outputs it refers to, each once.
    public let stepIDs: [String]

    /// Parses a condition; the failure says where and what would be right.
    static func parse(_ text: String) -> Result<StepCondition, InputTemplate.ParseFailure> {
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
            switch InputTemplate.split(path)?.source {
            case .input: usesInput = true
            case .output(let step): if !stepIDs.contains(step) { stepIDs.append(step) }
            case nil:
                return .failure(
                    InputTemplate.ParseFailure(
                        message: "\(path) refers to nothing; write input... or "
                            + "steps.ID.output..."))
            }
        }
        return .success(
            StepCondition(
                condition: condition, usesInput: usesInput, paths: paths.count, stepIDs: stepIDs))
    }

    /// Whether it holds; an absent value makes comparisons unknown, which is not enough.
    func holds(_ documents: [PayloadSource: JSONDocument]) -> Bool {
        var scope = Scope(lookups: documents.mapValues { JSONLookup($0) })
        return condition.holds(in: &scope)
    }

    private struct Scope: ConditionScope {
        var lookups: [PayloadSource: JSONLookup]

        mutating func value(at path: JSONPathExpression) -> ConditionValue? {
            guard let (source, rest) = InputTemplate.split(path) else { return nil }
            return lookups[source]?.at(rest).map(ConditionValue.init)
        }
    }
}
