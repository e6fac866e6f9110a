import Messages

/// What the loop runs: a diamond of short waits, so that kills fall between and inside steps.
enum LoopWorkflow {
    static let name = "kill-loop"
    static let steps = ["first", "left", "right", "last"]

    static var definition: WorkflowDefinition {
        WorkflowDefinition(
            name: name, version: "1",
            steps: [
                step("first", []), step("left", ["first"]), step("right", ["first"]),
                step("last", ["left", "right"]),
            ])
    }

    private static func step(_ id: String, _ dependsOn: [String]) -> StepDefinition {
        StepDefinition(
            id: id, agentType: "echo", operation: "wait", dependsOn: dependsOn,
            inputTemplate: #"{"millis": "${input.millis}"}"#)
    }
}
