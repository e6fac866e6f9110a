import Coordination
import Engine
import Store
import Testing
import Threads

@Suite struct StoreTroubleTests {
    @Test(arguments: [CommitOutcome.fenced, .unknown("the disk went away")])
    func `a store that cannot be trusted ends everything`(outcome: CommitOutcome) async throws {
        let isBroken = Locked(false)
        let fatal = Locked<[String]>([])
        let store = ScriptedStore(base: try InMemoryStore()) {
            isBroken.snapshot ? outcome : nil
        }
        let server = try await TestServer(store: store) { reason in
            fatal.withLock { $0.append(reason) }
        }
        FakeAgents { _ in nil }.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        guard case .started(let run, _) = await server.start("chain") else {
            Issue.record("not started")
            return
        }
        let waiting = server.ticket()
        let invoke = server.ticket()
        server.host.post([
            .awaitRun(.run(.default, run), waiting), .invoke(RejectionTests.invoke("echo"), invoke),
        ])
        isBroken.withLock { $0 = true }
        var answers = [await server.start("chain")]
        answers.append(await server.replies.next(waiting.call))
        answers.append(await server.replies.next(invoke.call))
        answers.append(await server.start("chain"))
        for answer in answers {
            #expect(RejectionTests.rejection(answer)?.reason == "STORE_FAILED")
            #expect(RejectionTests.rejection(answer)?.code == .unavailable)
        }
        #expect(fatal.snapshot.count == 1)
        await server.close()
    }

    @Test func `a full disk refuses new work while completions wait, then goes on`() async throws {
        let isFull = Locked(false)
        let (refusals, refused) = AsyncStream.makeStream(of: Void.self)
        let store = ScriptedStore(base: try InMemoryStore()) {
            guard isFull.snapshot else { return nil }
            refused.yield()
            return .full
        }
        var configuration = EngineConfiguration.defaults
        configuration.fullRetryMillis = 5
        let server = try await TestServer(store: store, configuration: configuration)
        let agents = FakeAgents { _ in nil }
        agents.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        guard case .started(let run, _) = await server.start("chain") else {
            Issue.record("not started")
            return
        }
        let waiting = server.ticket()
        server.host.post([.awaitRun(.run(.default, run), waiting)])
        // The start may be told before its step is handed out.
        while agents.dispatched.isEmpty {
            _ = await server.ask { .getRun(.run(.default, run), $0) }
        }
        let token = agents.dispatched[0].token
        isFull.withLock { $0 = true }
        server.host.finished([
            AssignmentResult(
                token: token, outcome: .success(Payload(bytes: [0x31])), startedNanos: 0,
                endedNanos: 1)
        ])
        // The second try of the batch comes after the engine has heard of the first one's end; what
        // comes before that waits with the batch.
        var tries = refusals.makeAsyncIterator()
        for _ in 0..<2 { await tries.next() }
        let refusal = RejectionTests.rejection(await server.start("chain"))
        #expect(refusal?.reason == "DISK_FULL")
        #expect(refusal?.code == .overloaded)
        isFull.withLock { $0 = false }
        guard case .runClosed(let summary, _) = await server.replies.next(waiting.call) else {
            Issue.record("not closed")
            return
        }
        #expect(summary.status == .completed)
        guard case .started = await server.start("chain") else {
            Issue.record("new work must be taken again")
            return
        }
        server.host.close()
    }
}
