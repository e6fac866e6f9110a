public import JSON

/// A validated definition made ready to run: names turned into indices, templates parsed.
///
/// Immutable and shared by all runs of the definition.
public final class WorkflowPlan: Sendable {
    /// What it was made from.
    public let definition: WorkflowDefinition
    /// The definition's steps in its order, then one for each compensation.
    public let steps: [PlannedStep]
    /// The parsed result template; `nil`: an object of all outputs.
    public let result: InputTemplate?
    /// What inputs of runs must fit; `nil`: anything.
    public let inputContract: JSONSchema?

    /// Validates a definition and makes it ready.
    ///
    /// - Throws: the faults of the definition, see ``DefinitionFaults``.
    public convenience init(_ definition: WorkflowDefinition) throws(DefinitionFaults) {
        try self.init(DefinitionValidation(definition, isStored: false))
    }

    /// Makes a definition ready that was valid for the build that stored it. What this build would
    /// refuse to take (ranges, lengths, combinations) still runs: a server must be able to start
    /// on what its predecessor promised.
    ///
    /// - Throws: what no run could go on with: unknown steps, cycles, texts that do not parse.
    public convenience init(stored definition: WorkflowDefinition) throws(DefinitionFaults) {
        try self.init(DefinitionValidation(definition, isStored: true))
    }

    private init(_ unchecked: DefinitionValidation) throws(DefinitionFaults) {
        var validation = unchecked
        let definition = validation.definition
        let checked = validation.run()
        guard validation.faults.isEmpty else { throw DefinitionFaults(faults: validation.faults) }
        self.definition = definition
        var dependents = [[Int]](repeating: [], count: definition.steps.count)
        for (index, dependencies) in checked.dependencies.enumerated() {
            for dependency in dependencies { dependents[dependency].append(index) }
        }
        var compensations: [PlannedStep] = []
        var steps: [PlannedStep] = []
        for (index, step) in definition.steps.enumerated() {
            let parts = checked.parts[index]
            var place: Int?
            if let compensation = step.compensation {
                place = definition.steps.count + compensations.count
                compensations.append(
                    PlannedStep(
                        compensation.definition(named: step.id + ".compensation"),
                        input: parts.compensation, role: .compensation(of: index)))
            }
            steps.append(
                PlannedStep(
                    step, dependencies: checked.dependencies[index], dependents: dependents[index],
                    parts: parts, compensation: place))
        }
        self.steps = steps + compensations
        result = checked.result
        inputContract = checked.inputContract
    }

    private init() {
        definition = WorkflowDefinition(name: "", version: "", steps: [])
        steps = []
        result = nil
        inputContract = nil
    }

    /// A plan of nothing, for places where no run is.
    public static let nothing = WorkflowPlan()

    /// How many of ``steps`` stand in the definition.
    public var ownSteps: Int { definition.steps.count }

    /// The index of the step with this id.
    public func index(of id: String) -> Int? { steps.firstIndex { $0.definition.id == id } }
}

/// What is wrong with a definition, in the order of its text: everything up to 100 faults, then how
/// many more there are.
public struct DefinitionFaults: Error, Sendable, Hashable {
    /// In the order of the text, at least one.
    public let faults: [FieldFault]

    /// Wraps the faults, at least one.
    public init(faults: [FieldFault]) { self.faults = faults }
}
