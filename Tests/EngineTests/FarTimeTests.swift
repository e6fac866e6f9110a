import Coordination
import Store
import Testing

@testable import Engine

@Suite struct FarTimeTests {
    @Test func `every stored instant has a monotonic one, however far away`() {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        _ = engine.turn(EngineTime(monotonicNanos: 5, wallMillis: 1_000), random: 0)
        #expect(engine.monotonicNanos(atWallMillis: .max) == .max)
        #expect(engine.monotonicNanos(atWallMillis: .max / 1_000) == .max)
        #expect(engine.monotonicNanos(atWallMillis: .min) == EngineTime.earliestNanos)
        #expect(engine.monotonicNanos(atWallMillis: .min / 1_000) == EngineTime.earliestNanos)
        #expect(engine.monotonicNanos(atWallMillis: 1_000) == 5)
        #expect(engine.monotonicNanos(atWallMillis: 998) == -1_999_995, "in order, though past")
        #expect(engine.monotonicNanos(atWallMillis: 1_002) == 2_000_005)
        #expect(engine.monotonicNanos(inMillis: .max) == .max)
    }

    @Test func `an agent that asks for an endless wait harms only its own step`() async throws {
        let store = try InMemoryStore()
        let server = try await TestServer(store: store)
        let failure = StepFailure(
            type: "later", message: "m", retryable: true, retryAfterMillis: .max)
        FakeAgents { _ in .failure(failure) }.join(server.host, type: "echo")
        _ = await server.put(.chain(1))
        guard case .started(let run, _) = await server.start("chain"),
            // A turn gives its answers before it tells the agents: this one is of a later turn.
            case .snapshot = await server.ask({ .snapshot($0) }),
            case .run(let summary, _) = await server.ask({ .getRun(.run(.default, run), $0) })
        else {
            Issue.record("not started")
            return
        }
        #expect(summary.status == .running)
        let kept = summary.steps[0].failure?.retryAfterMillis
        #expect(kept == StepFailure.maxRetryAfterMillis)
        await server.close()
        // What was stored can be taken up again.
        let again = try await TestServer(store: store)
        guard case .run(let same, _) = await again.ask({ .getRun(.run(.default, run), $0) }) else {
            Issue.record("the run is gone")
            return
        }
        #expect(same.status == .running)
        await again.close()
    }
}
