import Messages
import Stubs
import Testing

/// A crash in the middle of a run, on the real binary.
struct CrashTests {
    private func define(_ workflows: WorkflowServiceClient) async throws {
        var definition = WorkflowDefinition(name: "slow", version: "1")
        definition.steps = ["first", "second", "third"].map { id in
            StepDefinition(id: id, agentType: "echo", operation: "wait")
        }
        definition.steps[0].inputTemplate = #"{"millis": 5}"#
        definition.steps[1].dependsOn = ["first"]
        // So long that it still runs when it is killed, however busy the machine.
        definition.steps[1].inputTemplate = #"{"millis": 60000, "again_millis": 5}"#
        definition.steps[2].dependsOn = ["second"]
        definition.steps[2].inputTemplate = #""${steps.first.output}""#
        _ = try await workflows.putDefinition(PutDefinitionRequest(definition: definition))
    }

    /// Starts a run and follows it until its second step has begun.
    private func startUntilSecondStep(_ server: RunningServer) async throws -> String {
        try await server.withClient { client in
            let workflows = WorkflowServiceClient(client: client)
            try await define(workflows)
            let run = try await workflows.startRun(StartRunRequest(workflow: "slow")).runID
            let watch = WatchRunRequest(run: RunReference(by: .runID(run)))
            for try await update in try await workflows.watchRun(watch) {
                if case .event(let event) = update.update, event.type == .stepStarted,
                    event.step == "second"
                {
                    return run
                }
            }
            Issue.record("the run ended before it could be killed")
            return run
        }
    }

    @Test func `a run killed in the middle completes after a restart, committed steps stay done`()
        async throws
    {
        let directory = try TemporaryDirectory()
        let first = try await RunningServer.start(directory, ["--with-echo"])
        let run = try await startUntilSecondStep(first)
        first.kill()
        _ = await first.command.ended()

        let second = try await RunningServer.start(directory, ["--with-echo"])
        try await second.withClient { client in
            let workflows = WorkflowServiceClient(client: client)
            let reference = RunReference(by: .runID(run))
            let ended = try await workflows.awaitRun(AwaitRunRequest(run: reference))
            #expect(ended.run?.status == .completed)
            var request = GetHistoryRequest()
            request.run = reference
            let events = try await workflows.getHistory(request).events
            #expect(events.map(\.sequence) == Array(1...Int64(events.count)))
            let starts = events.filter { $0.type == .stepStarted }
            #expect(starts.filter { $0.step == "first" }.count == 1, "a committed step ran again")
            #expect(starts.filter { $0.step == "second" }.map(\.attempt) == [1, 2])
            #expect(zip(starts, starts.dropFirst()).allSatisfy { $0.token < $1.token })
        }
        #expect(await second.terminate() == 0)
    }
}
