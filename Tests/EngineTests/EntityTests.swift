import Coordination
import Store
import Testing

@testable import Engine

/// Entities and audit lines on their way into a batch.
@Suite struct EntityTests {
    private func entity(_ key: String, _ blob: [UInt8]?) -> EntityRow {
        EntityRow(kind: .breaker, namespace: "shop", key: key, blob: blob)
    }

    @Test func `the last write to an entity in a batch is the one stored`() throws {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        let number = engine.put(entity("a", [1]))
        engine.put(entity("b", [2]))
        engine.put(entity("a", nil))
        let sealed = engine.seal()
        let batch = try #require(sealed)
        #expect(batch.number == number)
        #expect(batch.entities == [entity("a", nil), entity("b", [2])])
        engine.put(entity("a", [3]))
        let time = EngineTime(monotonicNanos: 0, wallMillis: 0)
        _ = engine.batchCommitted(batch.number, at: time)
        let second = engine.seal()
        #expect(second?.entities == [entity("a", [3])])
    }

    @Test func `audit lines bear the turn's time and long texts are cut`() throws {
        var limits = EngineLimits.defaults
        limits.maxAuditText = 8
        var engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        _ = engine.turn(EngineTime(monotonicNanos: 0, wallMillis: 55), random: 0)
        engine.audit(
            namespace: Namespace("shop"), actor: "ann", action: "Force", subject: "12345678",
            before: "123456789", after: "1234ööö", requestID: "q")
        let sealed = engine.seal()
        let batch = try #require(sealed)
        #expect(
            batch.audits == [
                AuditRow(
                    atMillis: 55, namespace: "shop", actor: "ann", action: "Force",
                    subject: "12345678", before: "12345...", after: "1234...", requestID: "q")
            ])
    }
}
