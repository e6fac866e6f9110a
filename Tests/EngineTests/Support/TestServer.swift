import Coordination
import Engine
import Store
import Threads

/// A host on a store in memory, with one reply port and calls as async functions.
struct TestServer {
    let host: EngineHost
    let replies = Replies()
    let port: Int
    private let calls = Locked<UInt64>(0)

    init(
        store: any Store, configuration: EngineConfiguration = .defaults,
        observer: any EngineObserver = NoObserver(),
        onFatal: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws {
        host = try await EngineHost.start(
            store: store, configuration: configuration, observer: observer, onFatal: onFatal)
        port = host.attach(port: replies)
    }

    func ticket() -> ReplyTicket {
        ReplyTicket(
            port: port,
            call: calls.withLock { calls in
                calls += 1
                return calls
            })
    }

    /// Posts one command and gives its first answer.
    func ask(_ command: (ReplyTicket) -> Command) async -> Answer {
        let ticket = ticket()
        host.post([command(ticket)])
        return await replies.next(ticket.call)
    }

    func put(_ definition: WorkflowDefinition) async -> Answer {
        await ask {
            .putDefinition(PutDefinition(namespace: .default, definition: definition), $0)
        }
    }

    func start(
        _ definition: String, workflowID: String = "", input: String = "{}",
        requestID: String = "", conflict: StartRun.ConflictPolicy = .fail
    ) async -> Answer {
        await ask {
            .startRun(
                StartRun(
                    namespace: .default, definition: definition, workflowID: workflowID,
                    input: Payload(bytes: Array(input.utf8)), requestID: requestID,
                    conflict: conflict), $0)
        }
    }

    /// Starts a run and waits for its end.
    func run(_ definition: String, input: String = "{}") async -> (RunSummary, Payload?)? {
        guard case .started(let id, _) = await start(definition, input: input),
            case .runClosed(let summary, let result) = await ask({
                .awaitRun(.run(.default, id), $0)
            })
        else { return nil }
        return (summary, result)
    }

    func history(_ run: RunID) async -> [HistoryEvent] {
        await withCheckedContinuation { continuation in
            host.history(run: run, from: 1, limit: 10_000) {
                continuation.resume(returning: (try? $0.get()) ?? [])
            }
        }
    }

    func close() async {
        await host.drain(deadlineNanos: SystemClock.monotonicNanos() + 2_000_000_000)
        host.close()
    }
}

extension WorkflowDefinition {
    /// A chain of steps `s1`, `s2`, ... of one agent type; each gets the output before it.
    static func chain(_ count: Int, type: String = "echo", name: String = "chain") -> Self {
        WorkflowDefinition(
            name: name, version: "1",
            steps: (1...count).map { number in
                StepDefinition(
                    id: "s\(number)", agentType: type, operation: "work",
                    dependsOn: number == 1 ? [] : ["s\(number - 1)"],
                    inputTemplate: number == 1 ? nil : "${steps.s\(number - 1).output}")
            }, resultTemplate: "${steps.s\(count).output}")
    }
}

extension Payload {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}
