public import JSON

/// What a run needs to know of one step of its plan. Immutable and shared by all runs.
public final class PlannedStep: Sendable {
    /// Why the step is there.
    public enum Role: Sendable, Hashable {
        /// The author put it into the definition.
        case own
        /// Undoes the step with this index.
        case compensation(of: Int)
        /// Stands in for a step, or works on one element of its list.
        case part
    }

    /// What it says, and why it is there.
    public let definition: StepDefinition
    public let role: Role
    /// Indices of the steps it waits for.
    public let dependencies: [Int]
    /// Indices of the steps that wait for it.
    public let dependents: [Int]
    /// The parsed input template; `nil`: the run's input.
    public let input: InputTemplate?
    /// What must hold for it to run; `nil`: nothing.
    public let condition: StepCondition?
    /// What must hold for its child not to run again; `nil`: it runs once.
    public let until: StepCondition?
    /// What its output must fit; `nil`: anything.
    public let outputContract: JSONSchema?
    /// What takes its place when its attempts are used up.
    public let fallback: PlannedStep?
    /// What is done for each element, for a `fan_out` step.
    public let item: PlannedStep?
    /// The index of the step that undoes it.
    public let compensation: Int?

    /// A step of a definition.
    init(
        _ definition: StepDefinition, dependencies: [Int], dependents: [Int],
        parts: DefinitionValidation.Parts, compensation: Int?
    ) {
        self.definition = definition
        self.dependencies = dependencies
        self.dependents = dependents
        self.compensation = compensation
        role = .own
        input = parts.input
        condition = parts.condition
        until = parts.until
        outputContract = parts.outputContract
        fallback = definition.fallback.map {
            PlannedStep($0.definition(named: definition.id), input: parts.fallback, role: .part)
        }
        item = Self.item(of: definition)
    }

    /// A part of a step.
    init(_ definition: StepDefinition, input: InputTemplate?, role: Role) {
        self.definition = definition
        self.role = role
        self.input = input
        condition = nil
        until = nil
        outputContract = nil
        dependencies = []
        dependents = []
        fallback = nil
        item = nil
        compensation = nil
    }

    private static func item(of definition: StepDefinition) -> PlannedStep? {
        guard case .fanOut = definition.kind else { return nil }
        var item = definition
        item.kind = .invoke
        item.fallback = nil
        item.compensation = nil
        item.onExhausted = .fail
        item.isRequired = false
        item.dependsOn = []
        return PlannedStep(item, input: nil, role: .part)
    }
}

extension StepWork {
    /// The work as a step of its own.
    func definition(named id: String) -> StepDefinition {
        StepDefinition(
            id: id, agentType: agentType, operation: operation, inputTemplate: inputTemplate,
            isRequired: false, startToCloseMillis: startToCloseMillis, retry: retry)
    }
}
