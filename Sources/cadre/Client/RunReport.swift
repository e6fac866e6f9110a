import JSON
import Messages

/// A run as a person or a program reads it.
enum RunReport {
    static func show(_ run: Run, _ result: Payload?, _ format: OutputFormat) {
        switch format {
        case .json: printJSON { $0.members(of: run, result: result) }
        case .table: printVisible(text(run, result))
        }
    }

    /// How long a run took, or that it goes on.
    static func duration(_ run: Run) -> String {
        guard run.closedUnixMillis > 0 else { return "open" }
        return "\(run.closedUnixMillis - run.startedUnixMillis) ms"
    }

    private static func text(_ run: Run, _ result: Payload?) -> String {
        var lines = [
            "\(run.workflow) \(run.version)  run \(run.runID)  \(run.status.word)  "
                + duration(run)
        ]
        let undone = run.compensation.word
        if !undone.isEmpty { lines.append("compensation: \(undone)") }
        if !run.parentRunID.isEmpty { lines.append("child of run \(run.parentRunID)") }
        if !run.continuedFrom.isEmpty { lines.append("continues run \(run.continuedFrom)") }
        if !run.continuedAs.isEmpty { lines.append("continued as run \(run.continuedAs)") }
        if run.nearLimits { lines.append("near its limits: go on in a new run") }
        if !run.attributes.isEmpty {
            lines.append(run.attributes.map(\.shown).joined(separator: "  "))
        }
        if !run.reason.isEmpty { lines.append("reason: \(run.reason.visible)") }
        if let failure = run.failure { lines.append(failure.line) }
        lines.append(steps(run.steps))
        if run.omittedSteps > 0 { lines.append("and \(run.omittedSteps) more steps") }
        if let result { lines.append(Self.result(result)) }
        return lines.joined(separator: "\n")
    }

    private static func steps(_ steps: [StepRun]) -> String {
        var table = TextTable("STEP", "AGENT", "STATE", "ATTEMPTS", "TOOK", "FAILURE")
        for step in steps {
            let took =
                step.endedUnixMillis > 0 && step.startedUnixMillis > 0
                ? "\(step.endedUnixMillis - step.startedUnixMillis) ms" : ""
            table.add(
                step.id, work(step), step.state.word,
                "\(step.attempts)", took, step.failure?.message ?? "")
        }
        return table.text
    }

    /// What does the step.
    private static func work(_ step: StepRun) -> String {
        if !step.childRunID.isEmpty { return "child \(step.childRunID)" }
        return step.agentType.isEmpty
            ? step.kind.word : "\(step.agentType).\(step.operation)"
    }

    private static func result(_ payload: Payload) -> String {
        guard let document = try? JSONDocument(parsing: payload.data) else {
            return "\(payload.data.count) bytes of \(payload.contentType)"
        }
        return String(decoding: document.root.formatted(.indented), as: UTF8.self)
    }
}

extension Failure {
    /// What failed and why, on one line.
    fileprivate var line: String { "failed: \(type): \(message)".visible }
}
