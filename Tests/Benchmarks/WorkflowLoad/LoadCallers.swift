import GRPC
import LoadKit
import Messages
import NIOPosix
import Stubs
import Threads

/// The callers and the connections they share.
///
/// One thread carries all connections: the client is there to put on load, not to be measured,
/// and must leave the server's core alone.
struct LoadCallers: Sendable {
    private let arguments: LoadArguments
    private let clients: [GRPCClient]

    init(_ arguments: LoadArguments) {
        self.arguments = arguments
        // Ends with the process.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        clients = (0..<min(arguments.connections, arguments.callers)).map { _ in
            GRPCClient(host: "127.0.0.1", port: arguments.port, group: group)
        }
    }

    /// Waits for the server and stores the workflow.
    func prepare() async throws {
        let waiting = CallOptions(timeout: .seconds(30), waitForReady: true)
        for client in clients {
            _ = try await AdminServiceClient(client: client).getInfo(
                GetInfoRequest(), options: waiting)
        }
        guard let definition else { return }
        let request = PutDefinitionRequest(definition: definition)
        _ = try await WorkflowServiceClient(client: clients[0]).putDefinition(
            request, options: waiting)
    }

    /// Makes `count` calls, as evenly as it goes over the callers.
    func call(_ count: Int) async -> LoadTally {
        await LoadTally.gather(count, callers: arguments.callers) { await self.caller($0, $1) }
    }

    func close() async {
        for client in clients { await client.close() }
    }

    /// Runs on the loop that its connection is on.
    private func caller(_ number: Int, _ count: Int) async -> LoadTally {
        let client = clients[number % clients.count]
        return await withTaskExecutorPreference(client.executor) {
            await self.calls(client, count)
        }
    }

    private func calls(_ client: GRPCClient, _ count: Int) async -> LoadTally {
        var tally = LoadTally()
        tally.micros.reserveCapacity(count)
        for _ in 0..<count {
            let began = SystemClock.monotonicNanos()
            if let fault = await once(client) {
                tally.errors[fault, default: 0] += 1
            } else {
                tally.micros.append((SystemClock.monotonicNanos() - began) / 1_000)
            }
        }
        return tally
    }

    /// One call; what went wrong with it, or nil.
    private func once(_ client: GRPCClient) async -> String? {
        do throws(GRPCStatus) {
            switch arguments.work {
            case .runs(let steps): return try await execute(client, steps)
            case .invokes: return try await invoke(client)
            case .checks: return try await check(client)
            case .parkedRuns(let wait): return try await park(client, wait)
            case .fanOut: return "subscribers are served by LoadFanOut"
            }
        } catch {
            return "\(error.code): \(error.message)"
        }
    }

    private static let options = CallOptions(timeout: .seconds(60))
    private static let input = Payload(data: Array(#"{"symbol":"NEWUSDT"}"#.utf8))

    private func execute(_ client: GRPCClient, _ steps: Int) async throws(GRPCStatus) -> String? {
        let start = StartRunRequest(workflow: name(steps), input: Self.input)
        let ended = try await WorkflowServiceClient(client: client).executeRun(
            ExecuteRunRequest(start: start), options: Self.options)
        guard ended.run?.status == .completed, let result = ended.result else {
            return "a run ended as \(ended.run?.status ?? .unspecified)"
        }
        return result.data.isEmpty ? "a result is empty" : nil
    }

    private func invoke(_ client: GRPCClient) async throws(GRPCStatus) -> String? {
        let request = InvokeRequest(
            agentType: arguments.agent, operation: "say", payload: Self.input)
        let answer = try await AgentServiceClient(client: client).invoke(
            request, options: Self.options)
        return answer.success ? nil : "an invoke failed"
    }

    private func check(_ client: GRPCClient) async throws(GRPCStatus) -> String? {
        let answer = try await GrpcHealthV1.HealthClient(client: client).check(
            GrpcHealthV1.HealthCheckRequest(), options: Self.options)
        return answer.status == .serving ? nil : "the server is not serving"
    }

    private func park(
        _ client: GRPCClient, _ wait: LoadWork.Wait
    ) async throws(GRPCStatus) -> String? {
        let started = try await WorkflowServiceClient(client: client).startRun(
            StartRunRequest(workflow: Self.parked(wait).name, input: Self.input),
            options: Self.options)
        return started.runID.isEmpty ? "a run has no id" : nil
    }

    /// The workflow that the work needs.
    private var definition: WorkflowDefinition? {
        switch arguments.work {
        case .runs(let steps): chain(steps)
        case .invokes, .checks, .fanOut: nil
        case .parkedRuns(let wait): Self.parked(wait)
        }
    }

    /// One step, for which nothing comes within a day.
    private static func parked(_ wait: LoadWork.Wait) -> WorkflowDefinition {
        var step = StepDefinition(id: "wait")
        switch wait {
        case .agent:
            step.agentType = "nobody"
            step.operation = "nothing"
            step.startToCloseMillis = 86_400_000
        case .timer: step.kind = .wait(WaitStep(millis: 86_400_000))
        case .signal: step.kind = .wait(WaitStep(signal: "go"))
        }
        return WorkflowDefinition(
            name: "load-parked-\(wait.rawValue)", version: "1", steps: [step])
    }

    private func name(_ steps: Int) -> String { "load-\(arguments.agent)-\(steps)" }

    /// A chain of steps, each of which hands the output of the one before on.
    private func chain(_ steps: Int) -> WorkflowDefinition {
        WorkflowDefinition(
            name: name(steps), version: "1",
            steps: (0..<steps).map { number in
                var step = StepDefinition(
                    id: "s\(number)", agentType: arguments.agent, operation: "say")
                if number > 0 {
                    step.dependsOn = ["s\(number - 1)"]
                    step.inputTemplate = "\"${steps.s\(number - 1).output}\""
                }
                return step
            }, resultTemplate: "\"${steps.s\(steps - 1).output}\"")
    }
}
