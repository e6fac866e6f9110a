import GRPC
import Messages
import Stubs
import Testing

struct WorkflowServiceTests {
    /// Puts a chain of echo steps and runs it to its end.
    private func finishedRun(
        _ workflows: WorkflowServiceClient, steps: Int, input: [UInt8] = Array(#"{"a":1}"#.utf8)
    ) async throws -> Run {
        var definition = WorkflowDefinition(name: "chain", version: "1")
        for index in 0..<steps {
            definition.steps.append(
                StepDefinition(
                    id: "s\(index)", agentType: "probe", operation: "say",
                    dependsOn: index == 0 ? [] : ["s\(index - 1)"]))
        }
        _ = try await workflows.putDefinition(PutDefinitionRequest(definition: definition))
        let start = StartRunRequest(workflow: "chain", input: Payload(data: input))
        let ended = try await workflows.executeRun(ExecuteRunRequest(start: start))
        return try #require(ended.run)
    }

    @Test func `history comes by page, without gap or repetition, with payloads when asked`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            let run = try await finishedRun(workflows, steps: 5)
            var request = GetHistoryRequest(
                run: RunReference(by: .runID(run.runID)), pageSize: 4, includePayloads: true)
            var events: [HistoryEvent] = []
            repeat {
                let page = try await workflows.getHistory(request)
                #expect(page.events.count <= 4)
                events += page.events
                request.fromSequence = page.nextSequence
            } while request.fromSequence > 0
            #expect(events.map(\.sequence) == Array(1...run.lastSequence))
            let outputs = events.filter { $0.type == .stepCompleted }.map { $0.payload?.data }
            #expect(outputs == Array(repeating: Array(#"{"a":1}"#.utf8), count: 5))
        }
    }

    @Test(arguments: [1, 7] as [Int64])
    func `a watch begins at the sequence asked for and ends with the run`(from: Int64)
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            let run = try await finishedRun(workflows, steps: 3)
            var seen: [Int64] = []
            var closed: RunClosed?
            let watch = WatchRunRequest(
                run: RunReference(by: .runID(run.runID)), fromSequence: from)
            for try await update in try await workflows.watchRun(watch) {
                switch update.update {
                case .event(let event): seen.append(event.sequence)
                case .closed(let end): closed = end
                case .continuedRunID, nil: Issue.record("an update without content")
                }
            }
            #expect(seen == Array(from...run.lastSequence))
            #expect(closed?.run?.status == .completed && closed?.result != nil)
        }
    }

    @Test func `a watch from the start of an open run joins store and live events at one place`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            _ = try await finishedRun(workflows, steps: 40)
            for _ in 0..<20 {
                let run = try await workflows.startRun(StartRunRequest(workflow: "chain")).runID
                var seen: [Int64] = []
                let watch = WatchRunRequest(run: RunReference(by: .runID(run)))
                for try await update in try await workflows.watchRun(watch) {
                    if case .event(let event) = update.update { seen.append(event.sequence) }
                }
                #expect(seen == Array(1...Int64(seen.count)) && seen.count == 122)
            }
        }
    }

    @Test func `a watch of a reader that takes one event at a time reads page after page`()
        async throws
    {
        try await ServerUnderTest.with({ $0.limits.sendHighWatermarkBytes = 2 }) { server in
            let workflows = WorkflowServiceClient(client: server.client)
            let run = try await finishedRun(workflows, steps: 180)
            #expect(run.lastSequence > 500, "more than one page")
            var seen: [Int64] = []
            let watch = WatchRunRequest(run: RunReference(by: .runID(run.runID)))
            for try await update in try await workflows.watchRun(watch) {
                if case .event(let event) = update.update { seen.append(event.sequence) }
            }
            #expect(seen == Array(1...run.lastSequence))
        }
    }

    @Test func `a page of large payloads ends before it is too large to be received`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            let input = Array(("\"" + String(repeating: "x", count: 900_000) + "\"").utf8)
            let run = try await finishedRun(workflows, steps: 6, input: input)
            var request = GetHistoryRequest(
                run: RunReference(by: .runID(run.runID)), includePayloads: true)
            var events: [HistoryEvent] = []
            var pages = 0
            repeat {
                let page = try await workflows.getHistory(request)
                events += page.events
                pages += 1
                request.fromSequence = page.nextSequence
            } while request.fromSequence > 0
            #expect(pages > 1)
            #expect(events.map(\.sequence) == Array(1...run.lastSequence))
            #expect(events.filter { $0.payload?.data == input }.count >= 6)
        }
    }

    @Test func `a definition's name is bounded, and short in what is said of it`() async throws {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            for (count, code) in [(256, GRPCStatusCode.notFound), (257, .invalidArgument)] {
                let name = String(repeating: "n", count: count)
                do {
                    _ = try await workflows.getDefinition(GetDefinitionRequest(name: name))
                    Issue.record("there is such a definition")
                } catch {
                    let status = try #require(error as? GRPCStatus)
                    #expect(status.code == code && status.message.utf8.count < 200)
                }
            }
        }
    }

    @Test func `runs come by page, newest first`() async throws {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            var started: [String] = []
            for _ in 0..<5 { started.append(try await finishedRun(workflows, steps: 1).runID) }
            var request = ListRunsRequest(pageSize: 2)
            var listed: [String] = []
            repeat {
                let page = try await workflows.listRuns(request)
                listed += page.runs.map(\.runID)
                request.pageToken = page.nextPageToken
            } while !request.pageToken.isEmpty
            #expect(listed == started.reversed())
        }
    }

    /// Goes on with what its input holds as `more`, as long as there is any.
    private static let unrolling: WorkflowDefinition = {
        let say = StepDefinition(id: "say", agentType: "probe", operation: "say")
        let next = StepDefinition(
            id: "next", dependsOn: ["say"], inputTemplate: #""${input.more}""#,
            kind: .continueAsNew(ContinueStep()), when: "EXISTS input.more")
        return WorkflowDefinition(
            name: "unroll", version: "1", steps: [say, next],
            resultTemplate: #""${steps.say.output}""#)
    }()

    @Test func `a run that continues as new is followed by its workflow id, and on request`()
        async throws
    {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            _ = try await workflows.putDefinition(
                PutDefinitionRequest(definition: Self.unrolling))
            let kept = try await workflows.getDefinition(GetDefinitionRequest(name: "unroll"))
            #expect(
                kept.definition?.steps[1].kind
                    == .continueAsNew(ContinueStep(version: .current)))
            let start = StartRunRequest(
                workflow: "unroll", workflowID: "chain",
                input: Payload(data: Array(#"{"more":{"last":true}}"#.utf8)))
            let ended = try await workflows.executeRun(ExecuteRunRequest(start: start))
            let last = try #require(ended.run)
            #expect(last.status == .completed && last.continuedAs.isEmpty)
            #expect(ended.result?.data == Array(#"{"last":true}"#.utf8))
            let first = RunReference(by: .runID(last.continuedFrom))
            let itself = try await workflows.awaitRun(AwaitRunRequest(run: first))
            #expect(itself.run?.status == .continuedAsNew && itself.result == nil)
            #expect(itself.run?.continuedAs == last.runID)
            for request in [
                AwaitRunRequest(run: first, follow: true),
                AwaitRunRequest(run: RunReference(by: .workflowID("chain"))),
            ] {
                #expect(try await workflows.awaitRun(request).run?.runID == last.runID)
            }
            let counts = try await workflows.countRuns(
                CountRunsRequest(filter: #"status = "continued_as_new""#)
            ).counts
            #expect(counts.map(\.count) == [1])
        }
    }

    @Test(arguments: [true, false])
    func `a watch goes on with the successor when it follows`(follows: Bool) async throws {
        try await ServerUnderTest.with { server in
            let workflows = WorkflowServiceClient(client: server.client)
            _ = try await workflows.putDefinition(
                PutDefinitionRequest(definition: Self.unrolling))
            let first = try await workflows.startRun(
                StartRunRequest(
                    workflow: "unroll",
                    input: Payload(data: Array(#"{"more":{"last":true}}"#.utf8)))
            ).runID
            var sequences: [String: [Int64]] = [:]
            var current = first
            var told: [String] = []
            var closed: Run?
            let watch = WatchRunRequest(run: RunReference(by: .runID(first)), follow: follows)
            for try await update in try await workflows.watchRun(watch) {
                switch update.update {
                case .event(let event):
                    sequences[current, default: []].append(event.sequence)
                    if !event.continuedRunID.isEmpty { told.append(event.continuedRunID) }
                case .continuedRunID(let run): current = run
                case .closed(let end): closed = end.run
                case nil: Issue.record("an update without content")
                }
            }
            #expect(sequences.count == (follows ? 2 : 1))
            for numbers in sequences.values {
                #expect(numbers == Array(1...Int64(numbers.count)))
            }
            let end = try #require(closed)
            #expect(end.status == (follows ? .completed : .continuedAsNew))
            #expect(told == (follows ? [current, first] : [end.continuedAs]))
        }
    }

    @Test func `a refused definition's fields are named as in the request`() async throws {
        try await ServerUnderTest.with { server in
            var step = StepDefinition(
                id: "a", agentType: "probe", operation: "say", inputTemplate: "{not json",
                startToCloseMillis: -1)
            step.retry = RetryPolicy(initialMillis: -1)
            // A hundred times its first wait would be over the longest wait there is.
            var patient = StepDefinition(id: "b", agentType: "probe", operation: "say")
            patient.retry = RetryPolicy(initialMillis: 10 * 86_400_000)
            let definition = WorkflowDefinition(
                name: "faulty", version: "1", steps: [step, patient], runTimeoutMillis: -1)
            let expected: Set = [
                "definition.run_timeout_millis", "definition.steps[0].input_template",
                "definition.steps[0].start_to_close_millis",
                "definition.steps[0].retry.initial_millis",
            ]
            do throws(GRPCStatus) {
                _ = try await WorkflowServiceClient(client: server.client).putDefinition(
                    PutDefinitionRequest(definition: definition))
                Issue.record("the definition was taken")
            } catch {
                #expect(Set(error.badFields.map(\.path)) == expected)
                for field in ["run_timeout_millis is -1", "steps[0].start_to_close_millis is -1"] {
                    #expect(error.message.contains(" definition.\(field)"), "\(error)")
                }
            }
        }
    }
}
