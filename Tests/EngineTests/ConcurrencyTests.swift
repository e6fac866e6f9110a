import Coordination
import Engine
import Store
import Testing
import Threads

@Suite struct ConcurrencyTests {
    /// Counts answers and opens a latch when all have come.
    final class Counter: ReplyPort {
        private let state: Locked<(left: Int, bad: Int)>
        let isDone = Latch()

        init(_ expected: Int) { state = Locked((expected, 0)) }

        var bad: Int { state.withLock { $0.bad } }

        func deliver(_ replies: [Reply]) {
            let bad = replies.count { reply in
                switch reply.answer {
                case .invoked, .started: false
                default: true
                }
            }
            let left = state.withLock { state in
                state.left -= replies.count
                state.bad += bad
                return state.left
            }
            if left == 0 { isDone.open() }
        }
    }

    /// Gives results from a thread of its own, as agents that block do.
    final class SlowAgents: AssignmentPort {
        private let host: Locked<EngineHost?>
        private let work: Mailbox<Assignment>

        init(_ host: EngineHost) throws {
            let shared = Locked<EngineHost?>(host)
            let work = Mailbox<Assignment>(capacity: 100_000)
            self.host = shared
            self.work = work
            _ = try NamedThread.start(name: "agents") {
                var batch: [Assignment] = []
                while work.waitAndDrain(into: &batch) == .drained {
                    let results = batch.map {
                        AssignmentResult(
                            token: $0.token, outcome: .success($0.payload), startedNanos: 0,
                            endedNanos: 1)
                    }
                    shared.snapshot?.finished(results)
                }
            }
        }

        func dispatch(_ assignments: [Assignment]) {
            _ = work.post(contentsOf: assignments, lane: .vital)
        }

        func cancel(_ tokens: [AssignmentToken]) {}

        func end() {
            work.close()
            host.withLock { $0 = nil }
        }
    }

    @Test func `many threads at once lose no command and no answer`() async throws {
        let server = try await TestServer(store: InMemoryStore())
        let agents = try SlowAgents(server.host)
        let operation = OperationDescriptor(name: "work", summary: "", isIdempotent: true)
        server.host.agentsJoined(
            (1...3).map {
                AgentRegistration(
                    id: AgentID("echo/\($0)"), type: "echo", operations: [operation], slots: 4)
            }, port: agents)
        _ = await server.put(.chain(2))
        let threads = 4
        let each = 300
        let counter = Counter(threads * each * 2)
        let port = server.host.attach(port: counter)
        let workers = try (0..<threads).map { thread in
            try NamedThread.start(name: "poster-\(thread)") { [host = server.host] in
                for call in 0..<each {
                    let number = UInt64(thread * each + call) * 2
                    let start = StartRun(
                        namespace: .default, definition: "chain", workflowID: "",
                        input: Payload(bytes: [0x31]), requestID: "", conflict: .fail)
                    host.post([
                        .invoke(
                            RejectionTests.invoke("echo"), ReplyTicket(port: port, call: number)),
                        .startRun(start, ReplyTicket(port: port, call: number + 1)),
                    ])
                }
            }
        }
        await withCheckedContinuation { continuation in
            // A thread of our own waits, so that none of the pool's has to.
            let waiting = try? NamedThread.start(name: "waiter") {
                counter.isDone.wait(timeout: .seconds(60))
                for worker in workers { worker.join() }
                continuation.resume()
            }
            if waiting == nil { continuation.resume() }
        }
        #expect(counter.isDone.isOpen)
        #expect(counter.bad == 0)
        let answer = await server.ask { .snapshot($0) }
        if case .snapshot(let snapshot) = answer { #expect(snapshot.openInvokes == 0) }
        await server.close()
        agents.end()
    }
}
