import GRPC
import Messages
import Stubs
import Testing

/// Graphs as they change.
struct GraphWatchTests {
    /// A graph put together from what a stream tells.
    private struct Told {
        var states: [String: StepState] = [:]
        var progress = 0.0
        var status = RunStatus.unspecified
        /// Whether it never fell.
        var isRising = true

        mutating func take(_ update: WatchGraphsResponse.Update?) {
            switch update {
            case .graph(let graph): note(graph.nodes, graph.progress, graph.status)
            case .delta(let delta):
                for step in delta.removedSteps { states[step] = nil }
                note(delta.nodes, delta.progress, delta.status)
            default: break
            }
        }

        private mutating func note(
            _ nodes: [GraphNode], _ progress: Double, _ status: RunStatus
        ) {
            for node in nodes { states[node.step?.id ?? ""] = node.step?.state }
            isRising = isRising && progress >= self.progress
            self.progress = progress
            self.status = status
        }
    }

    private static var definition: WorkflowDefinition {
        let list = StepDefinition(
            id: "list", agentType: "probe", operation: "say", inputTemplate: "\"${input}\"",
            kind: .fanOut(FanOutStep(concurrency: 2)))
        var wait = StepDefinition()
        wait.id = "wait"
        wait.dependsOn = ["list"]
        wait.kind = .wait(WaitStep(signal: "go"))
        return WorkflowDefinition(name: "l", version: "1", steps: [list, wait])
    }

    @Test func `what is told of a list adds up to the graph, also when its elements are gone`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            _ = try await workflows.putDefinition(
                PutDefinitionRequest(definition: Self.definition))
            let stream = try await workflows.watchGraphs(WatchGraphsRequest())
            var updates = stream.makeAsyncIterator()
            #expect(try await updates.next()?.update == .ready(true))
            let started = try await workflows.startRun(
                StartRunRequest(workflow: "l", input: Payload(data: Array("[1,2,3,4,5]".utf8))))
            let run = RunReference(by: .runID(started.runID))
            var told = Told()
            var seen: Set<String> = []
            while told.states["wait"] != .waiting {
                guard let update = try await updates.next() else { break }
                told.take(update.update)
                seen.formUnion(told.states.keys)
            }
            let asked = try await workflows.getGraph(GetGraphRequest(run: run))
            let graph = try #require(asked.graph)
            let states = Dictionary(
                graph.nodes.map { ($0.step?.id ?? "", $0.step?.state) },
                uniquingKeysWith: { $1 })
            #expect(told.states == states.compactMapValues { $0 })
            #expect(Set(told.states.keys) == ["list", "wait"] && seen.count > 2)
            #expect(told.progress == 0.5 && graph.progress == 0.5)
            _ = try await workflows.signalRun(SignalRunRequest(run: run, signal: "go"))
            while told.status != .completed {
                guard let update = try await updates.next() else { break }
                told.take(update.update)
            }
            #expect(told.isRising && told.progress == 1)
        }
    }
}
