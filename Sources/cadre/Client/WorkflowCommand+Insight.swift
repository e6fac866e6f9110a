import ArgumentParser
import JSON
import Messages
import Stubs

extension WorkflowCommand {
    /// Says why a run does not move.
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say why a run does not move, step by step.")

        @OptionGroup var named: NamedRunOptions

        func run() async throws {
            try await named.ask { workflows, run in
                try await workflows.explainRun(
                    ExplainRunRequest(run: run), options: named.callOptions)
            } show: {
                show($0)
            }
        }

        private func show(_ response: ExplainRunResponse) {
            if named.server.output == .json {
                return printJSON { $0.member("causes", response.causes) { $0.cause($1) } }
            }
            if response.causes.isEmpty {
                return printVisible("the run is \(response.run?.status.word ?? "unknown")")
            }
            var table = TextTable("RUN", "STEP", "WHY", "UNTIL")
            for cause in response.causes {
                table.add(
                    cause.runID, cause.step, cause.message,
                    Instant.textOrNothing(cause.untilUnixMillis))
            }
            printVisible(table.text)
        }
    }

    /// Shows a run as a graph.
    struct Graph: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a run as a graph: its steps, how they stand, what they wait for.")

        @OptionGroup var named: NamedRunOptions

        func run() async throws {
            try await named.ask { workflows, run in
                try await workflows.getGraph(
                    GetGraphRequest(run: run), options: named.callOptions)
            } show: {
                show($0.graph ?? Messages.Graph())
            }
        }

        private func show(_ graph: Messages.Graph) {
            if named.server.output == .json { return printJSON { $0.graph(graph) } }
            printVisible(
                "\(graph.workflow) \(graph.version), run \(graph.runID): \(graph.status.word), "
                    + "\(Int(graph.progress * 100)) %")
            var table = TextTable("STEP", "STATE", "ATTEMPTS", "SECONDS", "AFTER")
            for node in graph.nodes {
                guard let step = node.step else { continue }
                let open = graph.edges.filter { $0.to == step.id && !$0.passed }.map(\.from)
                let passed = graph.edges.filter { $0.to == step.id && $0.passed }.map(\.from)
                let seconds = Double(node.durationMillis) / 1_000
                table.add(
                    step.id, step.state.word, "\(step.attempts)",
                    node.durationMillis == 0 ? "" : "\(seconds)",
                    (open + passed.map { "(\($0))" }).joined(separator: " "))
            }
            printVisible(table.text)
        }
    }
}

extension JSONWriter {
    fileprivate mutating func cause(_ cause: RunCause) {
        beginObject()
        member("run_id", cause.runID)
        if !cause.step.isEmpty { member("step", cause.step) }
        member("kind", cause.kind.word)
        member("message", cause.message)
        if cause.untilUnixMillis > 0 { member("until", Instant.text(cause.untilUnixMillis)) }
        if !cause.waitsFor.isEmpty { member("waits_for", cause.waitsFor) }
        if cause.position >= 0 { member("position", cause.position) }
        endObject()
    }

    fileprivate mutating func graph(_ graph: Graph) {
        member("run_id", graph.runID)
        member("workflow_id", graph.workflowID)
        member("workflow", graph.workflow)
        member("version", graph.version)
        member("status", graph.status.word)
        key("progress")
        double(graph.progress)
        member("nodes", graph.nodes) { $0.node($1) }
        member("edges", graph.edges) { $0.edge($1) }
    }

    private mutating func node(_ node: GraphNode) {
        beginObject()
        member("id", node.step?.id ?? "")
        member("kind", node.step?.kind.word ?? "")
        member("state", node.step?.state.word ?? "")
        member("attempts", node.step?.attempts ?? 0)
        member("duration_millis", node.durationMillis)
        endObject()
    }

    private mutating func edge(_ edge: GraphEdge) {
        beginObject()
        member("from", edge.from)
        member("to", edge.to)
        member("passed", edge.passed)
        endObject()
    }
}
