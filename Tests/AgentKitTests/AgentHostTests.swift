import AgentKit
import Coordination
import JSON
import Testing
import Threads

/// Stands for the engine: remembers who joined and what was finished, and lets a test wait.
private final class Sink: AssignmentSink {
    private struct State {
        var joined: [AgentRegistration] = []
        var left: [AgentID] = []
        var results: [AssignmentToken: AssignmentResult] = [:]
        var batches: [Int] = []
        var heartbeats: [AssignmentHeartbeat] = []
        var waiters: [AssignmentToken: CheckedContinuation<AssignmentResult, Never>] = [:]
    }

    private let state = Locked(State())

    var joined: [AgentRegistration] { state.withLock { $0.joined } }
    var left: [AgentID] { state.withLock { $0.left } }
    var batches: [Int] { state.withLock { $0.batches } }

    func agentsJoined(_ agents: [AgentRegistration], port: any AssignmentPort) {
        state.withLock { $0.joined += agents }
    }

    func agentsLeft(_ agents: [AgentID]) {
        state.withLock { $0.left += agents }
    }

    func finished(_ results: [AssignmentResult]) {
        let woken = state.withLock { state in
            state.batches.append(results.count)
            for result in results { state.results[result.token] = result }
            return results.compactMap { result in
                state.waiters.removeValue(forKey: result.token).map { ($0, result) }
            }
        }
        for (waiter, result) in woken { waiter.resume(returning: result) }
    }

    func heartbeat(_ heartbeats: [AssignmentHeartbeat]) {
        state.withLock { $0.heartbeats += heartbeats }
    }

    var heartbeats: [AssignmentHeartbeat] { state.withLock { $0.heartbeats } }

    func result(_ token: AssignmentToken) async -> AssignmentResult {
        await withCheckedContinuation { continuation in
            let known = state.withLock { state in
                if let result = state.results[token] { return result as AssignmentResult? }
                state.waiters[token] = continuation
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }
}

private struct Sum: Codable, Sendable { let a: Int, b: Int }

/// Adds, fails on request, waits until it is cancelled, and counts on a thread of its own.
private struct Adder: Agent {
    static let type = "adder"
    var execution: AgentExecution = .inline

    var operations: [AgentOperation] {
        [
            AgentOperation("add", "Adds.", isIdempotent: true) { (sum: Sum, _) in sum.a + sum.b },
            AgentOperation("yield", "Suspends, then adds.") { (sum: Sum, _) in
                await Task.yield()
                return sum.a + sum.b
            },
            AgentOperation("resume", "Goes on from the last heartbeat.") {
                (_: Sum, context) -> String in
                context.heartbeat(Payload(bytes: Array("half".utf8)))
                return String(decoding: context.lastHeartbeat?.bytes ?? [], as: UTF8.self)
            },
            AgentOperation("refuse", "Fails.") { (_: Sum, context) -> Int in
                throw StepFailure(
                    type: "refused", message: "attempt \(context.attempt)", retryable: true,
                    retryAfterMillis: 7)
            },
            AgentOperation("hang", "Waits until cancelled.") { (_: Sum, _) -> Int in
                let (endless, hold) = AsyncStream.makeStream(of: Int.self)
                for await _ in endless {}
                hold.finish()
                try Task.checkCancellation()
                return 0
            },
        ]
    }

    func health() async throws -> AgentHealth {
        AgentHealth(state: .degraded, detail: "slow today")
    }
}

struct AgentHostTests {
    private func assignment(
        _ number: UInt64, _ operation: String, agent: String = "adder/1",
        payload: String = #"{"a": 2, "b": 40}"#, extras: AssignmentExtras? = nil
    ) -> Assignment {
        Assignment(
            token: AssignmentToken(serial: Serial(rawValue: number)), agent: AgentID(agent),
            operation: operation, payload: Payload(bytes: Array(payload.utf8)),
            deadlineNanos: nil, attempt: 3, namespace: .default, origin: nil, extras: extras)
    }

    private func outcome(
        _ operation: String, _ agent: Adder = Adder(), payload: String = #"{"a": 2, "b": 40}"#
    ) async throws -> AssignmentOutcome {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        try host.add(agent)
        let work = assignment(1, operation, payload: payload)
        host.dispatch([work])
        let result = await sink.result(work.token)
        host.leave()
        return result.outcome
    }

    private func text(_ outcome: AssignmentOutcome) -> String {
        switch outcome {
        case .success(let payload): String(decoding: payload.bytes, as: UTF8.self)
        case .failure(let failure): "\(failure.type): \(failure.message)"
        }
    }

    @Test func `instances join under type and number, and leave with their host`() throws {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        try host.add(Adder(), instances: 3, slots: 5)
        #expect(sink.joined.map(\.id.name) == ["adder/1", "adder/2", "adder/3"])
        #expect(sink.joined.allSatisfy { $0.slots == 5 && $0.type == "adder" })
        #expect(
            sink.joined[0].operations.map(\.name) == ["add", "yield", "resume", "refuse", "hang"])
        host.leave()
        #expect(Set(sink.left.map(\.name)) == ["adder/1", "adder/2", "adder/3"])
    }

    @Test(arguments: ["add", "yield"], [AgentExecution.inline, .ownThread])
    func `typed input becomes typed output`(operation: String, execution: AgentExecution)
        async throws
    {
        let outcome = try await outcome(operation, Adder(execution: execution))
        #expect(text(outcome) == "42")
    }

    @Test func `an operation hears the last heartbeat and sends its own`() async throws {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        try host.add(Adder())
        let work = assignment(
            1, "resume",
            extras: AssignmentExtras(lastHeartbeat: Payload(bytes: Array("7".utf8))))
        host.dispatch([work])
        #expect(text(await sink.result(work.token).outcome) == #""7""#)
        #expect(sink.heartbeats.map(\.token) == [work.token])
        #expect(sink.heartbeats.first?.details.bytes == Array("half".utf8))
        host.leave()
    }

    @Test func `an inline agent that does not suspend finishes inside the dispatch`() throws {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        try host.add(Adder())
        host.dispatch((1...10).map { assignment($0, "add") })
        #expect(sink.batches == [10], "one batch a tick, before dispatch returns")
        host.leave()
    }

    @Test func `input that does not fit is a failure that names the path and is not retried`()
        async throws
    {
        let outcome = try await outcome("add", payload: #"{"a": 2, "b": "forty"}"#)
        guard case .failure(let failure) = outcome else {
            Issue.record("it succeeded")
            return
        }
        #expect(failure.type == "invalid_input")
        #expect(failure.message.contains("b"))
        #expect(!failure.retryable)
    }

    @Test func `a step failure keeps its kind, its wish and the attempt`() async throws {
        guard case .failure(let failure) = try await outcome("refuse") else {
            Issue.record("it succeeded")
            return
        }
        #expect(
            failure
                == StepFailure(
                    type: "refused", message: "attempt 3", retryable: true, retryAfterMillis: 7))
    }

    @Test func `an unknown operation names the known ones`() async throws {
        let text = text(try await outcome("subtract"))
        #expect(
            text.contains("unknown_operation") && text.contains("add, hang, refuse, resume, yield"))
    }

    @Test func `health is asked through the reserved operation`() async throws {
        let report = text(try await outcome(Assignment.healthOperation))
        #expect(report == #"{"state":"degraded","detail":"slow today"}"#)
    }

    @Test func `one of several instances is retired, and the others work on`() async throws {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        try host.add(Adder(execution: .ownThread), instances: 2)
        host.arrange([.retire(AgentID("adder/1"))])
        #expect(sink.left.map(\.name) == ["adder/1"])
        let gone = assignment(1, "add")
        let work = assignment(2, "add", agent: "adder/2")
        host.dispatch([gone, work])
        #expect(text(await sink.result(gone.token).outcome).hasPrefix("agent_left"))
        #expect(text(await sink.result(work.token).outcome) == "42")
        host.leave()
    }

    @Test func `a cancelled assignment ends as cancelled`() async throws {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        try host.add(Adder())
        let work = assignment(9, "hang")
        host.dispatch([work])
        host.cancel([work.token])
        #expect(text(await sink.result(work.token).outcome).hasPrefix("cancelled"))
        host.leave()
    }

    @Test func `work for an instance that is not here is answered, and can be retried`()
        async throws
    {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        let work = assignment(5, "add", agent: "nobody/1")
        host.dispatch([work])
        guard case .failure(let failure) = await sink.result(work.token).outcome else {
            Issue.record("it succeeded")
            return
        }
        #expect(failure.type == "agent_left" && failure.retryable)
        host.leave()
    }

    @Test func `a thousand suspending assignments all report exactly once`() async throws {
        let sink = Sink()
        let host = try AgentHost(sink: sink)
        try host.add(Adder())
        let works = (1...1_000).map { assignment($0, "yield") }
        host.dispatch(works)
        for work in works { #expect(text(await sink.result(work.token).outcome) == "42") }
        #expect(sink.batches.reduce(0, +) == 1_000)
        host.leave()
    }
}
