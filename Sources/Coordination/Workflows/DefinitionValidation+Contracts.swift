import JSON

/// Conditions of steps, what they do by mode, and the contracts of inputs and outputs.
extension DefinitionValidation {
    mutating func condition(
        _ text: String?, _ field: String, _ reachable: StepSet?, _ step: String,
        own: String? = nil
    ) -> StepCondition? {
        guard let text else { return nil }
        switch StepCondition.parse(text, own: own) {
        case .failure(let error):
            fault(field, error.message)
            return nil
        case .success(let condition):
            for id in condition.stepIDs { checkReference(id, field, reachable, step) }
            return condition
        }
    }

    mutating func checkModes(_ step: StepDefinition, _ field: String) {
        if step.modes == .run { return }
        switch step.kind {
        case .wait, .approval:
            fault("\(field).modes", "is for steps that do something, and this one waits")
        case .invoke: break
        case .fanOut, .publish, .child, .continueAsNew, .ballot:
            for (name, behavior) in step.modes.all where behavior == .cached {
                fault(
                    "\(field).modes.\(name)",
                    "is cached, which is for steps that call an operation once")
            }
        }
    }

    mutating func contract(_ text: String?, _ field: String) -> JSONSchema? {
        guard let text else { return nil }
        guard isStored || text.utf8.count <= Self.maxTemplateBytes else {
            fault(field, "has \(text.utf8.count) bytes; give at most \(Self.maxTemplateBytes)")
            return nil
        }
        do throws(JSONSchemaError) {
            return try JSONSchema(parsing: Array(text.utf8))
        } catch {
            for one in error.faults.prefix(10) { fault(field, one.description) }
            return nil
        }
    }
}
