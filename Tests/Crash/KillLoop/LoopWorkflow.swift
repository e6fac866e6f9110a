import Messages

/// What the loop runs: a diamond of short waits behind a signal, so that kills fall between and
/// inside steps.
enum LoopWorkflow {
    static let name = "kill-loop"
    static let steps = ["first", "signal", "left", "right", "last"]
    /// What the second step waits for.
    static let signal = "go"

    static var definition: WorkflowDefinition {
        var waiting = StepDefinition(id: "signal", dependsOn: ["first"])
        waiting.kind = .wait(WaitStep(signal: signal))
        return WorkflowDefinition(
            name: name, version: "1",
            steps: [
                step("first", []), waiting, step("left", ["signal"]), step("right", ["signal"]),
                step("last", ["left", "right"]),
            ])
    }

    private static func step(_ id: String, _ dependsOn: [String]) -> StepDefinition {
        StepDefinition(
            id: id, agentType: "echo", operation: "wait", dependsOn: dependsOn,
            inputTemplate: #"{"millis": "${input.millis}"}"#)
    }
}
