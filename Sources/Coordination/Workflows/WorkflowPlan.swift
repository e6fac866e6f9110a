/// A validated definition made ready to run: names turned into indices, templates parsed.
///
/// Immutable and shared by all runs of the definition.
public final class WorkflowPlan: Sendable {
    public let definition: WorkflowDefinition
    public let steps: [Step]
    /// The parsed result template; `nil`: an object of all outputs.
    public let result: InputTemplate?

    /// What a run needs to know of one step.
    public struct Step: Sendable {
        public let definition: StepDefinition
        /// Indices of the steps it waits for.
        public let dependencies: [Int]
        /// Indices of the steps that wait for it.
        public let dependents: [Int]
        /// The parsed input template; `nil`: the run's input.
        public let input: InputTemplate?
    }

    /// Validates a definition and makes it ready.
    ///
    /// - Throws: the faults of the definition, see ``DefinitionFaults``.
    public init(_ definition: WorkflowDefinition) throws(DefinitionFaults) {
        var validation = DefinitionValidation(definition)
        let checked = validation.run()
        guard validation.faults.isEmpty else { throw DefinitionFaults(faults: validation.faults) }
        self.definition = definition
        var dependents = [[Int]](repeating: [], count: definition.steps.count)
        for (index, dependencies) in checked.dependencies.enumerated() {
            for dependency in dependencies { dependents[dependency].append(index) }
        }
        steps = definition.steps.indices.map { index in
            Step(
                definition: definition.steps[index], dependencies: checked.dependencies[index],
                dependents: dependents[index], input: checked.inputs[index])
        }
        result = checked.result
    }

    private init() {
        definition = WorkflowDefinition(name: "", version: "", steps: [])
        steps = []
        result = nil
    }

    /// A plan of nothing, for places where no run is.
    public static let nothing = WorkflowPlan()

    /// The index of the step with this id.
    public func index(of id: String) -> Int? { steps.firstIndex { $0.definition.id == id } }
}

/// What is wrong with a definition, in the order of its text: everything up to 100 faults, then how
/// many more there are.
public struct DefinitionFaults: Error, Sendable, Hashable {
    public let faults: [FieldFault]

    /// Wraps the faults, at least one.
    public init(faults: [FieldFault]) { self.faults = faults }
}
