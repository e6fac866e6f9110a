import Coordination
import Store
import Testing

@testable import Engine

/// Runs that steps start or feed: how many in one turn, and how many in all.
@Suite struct StartsTests {
    /// An engine of these limits in which `tree` starts itself three times.
    static func engine(_ change: (inout EngineLimits) -> Void) -> CoordinationEngine {
        var limits = EngineLimits()
        change(&limits)
        var engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        let steps = (0..<3).map { number in
            var step = StepDefinition(id: "s\(number)", agentType: "", operation: "")
            step.kind = .child(ChildSpec(workflow: "tree"))
            step.retry.maxAttempts = 1
            return step
        }
        engine.submit(
            .putDefinition(
                PutDefinition(
                    namespace: .default,
                    definition: WorkflowDefinition(name: "tree", version: "1", steps: steps)),
                ReplyTicket(port: 0, call: 1)))
        engine.submit(
            .startRun(
                StartRun(
                    namespace: .default, definition: "tree", workflowID: "",
                    input: Payload(bytes: Array("{}".utf8)), requestID: "", conflict: .fail),
                ReplyTicket(port: 0, call: 2)))
        return engine
    }

    static let now = EngineTime(monotonicNanos: 1_000_000_000, wallMillis: 1_700_000_000_000)

    @Test func `a workflow that starts itself gets so many runs in a batch, and no more`() {
        var engine = Self.engine { $0.maxStartsPerBatch = 10 }
        _ = engine.turn(Self.now, random: 1)
        #expect(engine.openRunCount == 11)
        // Nothing more before the batch is sealed; then as many again.
        _ = engine.turn(Self.now, random: 2)
        #expect(engine.openRunCount == 11)
        #expect(engine.seal()?.runs.count == 11)
        let hasWork = engine.hasWork(atNanos: Self.now.monotonicNanos)
        #expect(hasWork)
        _ = engine.turn(Self.now, random: 3)
        #expect(engine.openRunCount == 21)
    }

    @Test func `those that descend from one run are bounded, and leave no trace`() {
        var engine = Self.engine { $0.maxDescendants = 300 }
        var most = 0
        var turns = 0
        repeat {
            turns += 1
            _ = engine.turn(Self.now, random: UInt64(turns))
            most = max(most, engine.openRunCount)
            if let batch = engine.seal() {
                _ = engine.batchCommitted(batch.number, at: Self.now)
            }
        } while engine.hasWork(atNanos: Self.now.monotonicNanos) && turns < 10_000
        // The first step that may not start another fails its run, and so it goes up to the root.
        #expect(most > 200 && most <= 301)
        #expect(engine.openRunCount == 0)
        #expect(engine.descendants.isEmpty && engine.waitingParts.isEmpty)
    }

    @Test func `an event that would be stored too often fails its step`() throws {
        var bench = EngineBench()
        var limits = EngineLimits()
        limits.maxReceivedBytes = 20
        bench.engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        func step(_ kind: StepKind) -> StepDefinition {
            var step = StepDefinition(id: "s", agentType: "", operation: "")
            step.kind = kind
            return step
        }
        func put(_ name: String, _ kind: StepKind) {
            let definition = WorkflowDefinition(name: name, version: "1", steps: [step(kind)])
            bench.send {
                .putDefinition(PutDefinition(namespace: .default, definition: definition), $0)
            }
        }
        func start(_ name: String, _ id: String, _ input: String) {
            bench.send {
                .startRun(
                    StartRun(
                        namespace: .default, definition: name, workflowID: id,
                        input: Payload(bytes: Array(input.utf8)), requestID: "", conflict: .fail),
                    $0)
            }
        }
        put("listener", .wait(WaitSpec(eventType: "e")))
        put("source", .publish(eventType: "e"))
        for id in ["a", "b"] { start("listener", id, "{}") }
        let small = "[1]"
        let large = "[\"0123456789\"]"
        let call = bench.send {
            .startRun(
                StartRun(
                    namespace: .default, definition: "source", workflowID: "large",
                    input: Payload(bytes: Array(large.utf8)), requestID: "", conflict: .fail), $0)
        }
        guard case .started = bench.answers[call]?.first else {
            Issue.record("it was not started")
            return
        }
        #expect(bench.engine.openRunCount == 2)
        start("source", "small", small)
        #expect(bench.engine.openRunCount == 0)
    }
}
