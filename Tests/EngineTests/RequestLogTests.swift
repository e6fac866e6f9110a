import Coordination
import Store
import Testing

@testable import Engine

/// What is remembered of requests, for how long, and how many.
@Suite struct RequestLogTests {
    private func key(
        _ id: String, namespace: String = "shop", method: String = "Start"
    ) -> RequestLog.Key {
        RequestLog.Key(namespace: Namespace(namespace), method: method, requestID: id)
    }

    private func entry(_ millis: Int64, in batch: UInt64 = 0) -> RequestLog.Entry {
        RequestLog.Entry(
            contentHash: 1, answer: [1], createdMillis: millis,
            changedIn: BatchNumber(rawValue: batch))
    }

    private func log(_ count: Int = 100, life: Int64 = 1_000) -> RequestLog {
        RequestLog(maxPerNamespace: count, lifeMillis: life, secret: 42)
    }

    @Test func `a request is known by namespace, method and id`() {
        var log = log()
        log.insert(entry(0), for: key("a"), committed: .none)
        #expect(log.entry(key("a"), nowMillis: 0) != nil)
        #expect(log.entry(key("b"), nowMillis: 0) == nil)
        #expect(log.entry(key("a", namespace: "bank"), nowMillis: 0) == nil)
        #expect(log.entry(key("a", method: "Put"), nowMillis: 0) == nil)
        #expect(log.entry(key("Starta", method: ""), nowMillis: 0) == nil)
    }

    @Test func `it is forgotten when its time is over`() {
        var log = log()
        log.insert(entry(0), for: key("a"), committed: .none)
        #expect(log.entry(key("a"), nowMillis: 999) != nil)
        #expect(log.entry(key("a"), nowMillis: 1_000) == nil)
        log.insert(entry(1_000), for: key("b"), committed: .none)
        #expect(log.count == 1)
        #expect(log.forgottenEarly == 0)
    }

    @Test func `quiet namespaces keep nothing that is too old`() {
        var log = log()
        for number in 0..<100 {
            log.insert(entry(0), for: key("a", namespace: "n\(number)"), committed: .none)
        }
        #expect(log.count == 100 && log.namespaceCount == 100)
        for number in 0..<300 {
            log.insert(entry(1_000), for: key("\(number)"), committed: .none)
        }
        #expect(log.namespaceCount == 1)
        #expect(log.count == 100, "its own limit")
    }

    @Test func `all namespaces together are bounded`() {
        var log = RequestLog(maxPerNamespace: 100, maxInAll: 150, lifeMillis: 1_000, secret: 1)
        for name in ["a", "b", "c"] {
            for number in 0..<100 {
                log.insert(entry(0), for: key("\(number)", namespace: name), committed: .none)
            }
        }
        #expect(log.count <= 151)
        #expect(log.entry(key("99", namespace: "c"), nowMillis: 0) != nil)
    }

    @Test func `an id used again after its time is remembered from then on`() {
        var log = log()
        log.insert(entry(0), for: key("a"), committed: .none)
        log.insert(entry(900), for: key("b"), committed: .none)
        log.insert(entry(1_000), for: key("a"), committed: .none)
        log.insert(entry(1_950), for: key("c"), committed: .none)
        #expect(log.entry(key("b"), nowMillis: 1_950) == nil)
        #expect(log.entry(key("a"), nowMillis: 1_950) != nil)
        #expect(log.count == 2)
    }

    @Test func `a namespace with too many loses its own oldest`() {
        var log = log(10)
        log.insert(entry(0), for: key("quiet", namespace: "bank"), committed: .none)
        for number in 0..<5_000 {
            log.insert(entry(1), for: key("\(number)"), committed: .none)
        }
        #expect(log.count == 11)
        #expect(log.forgottenEarly == 4_990)
        #expect(log.entry(key("quiet", namespace: "bank"), nowMillis: 1) != nil)
        #expect(log.entry(key("4989"), nowMillis: 1) == nil)
        for number in 4_990..<5_000 {
            #expect(log.entry(key("\(number)"), nowMillis: 1) != nil)
        }
    }

    @Test func `what is not on disk yet is not forgotten`() {
        var log = log(1)
        log.insert(entry(0, in: 5), for: key("a"), committed: BatchNumber(rawValue: 4))
        log.insert(entry(0, in: 5), for: key("b"), committed: BatchNumber(rawValue: 4))
        #expect(log.count == 2)
        log.insert(entry(0, in: 6), for: key("c"), committed: BatchNumber(rawValue: 5))
        #expect(log.count == 1)
    }

    @Test func `the pair remembers with the filling batch and finds it again after recovery`()
        throws
    {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1), secret: 7)
        let key = key("q", method: "PutBreaker")
        #expect(engine.rememberedAnswer(key, hash: 3) == .new)
        engine.remember(key, hash: 3, answer: [1, 5])
        let first = BatchNumber.none.next
        #expect(engine.rememberedAnswer(key, hash: 3) == .known([1, 5], seen: first))
        #expect(engine.rememberedAnswer(key, hash: 4) == .reused(seen: first))
        let sealed = engine.seal()
        let batch = try #require(sealed)
        #expect(batch.requests.map(\.method) == ["PutBreaker"])

        var next = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 2), secret: 8)
        for row in batch.requests { try next.restore(row) }
        #expect(next.rememberedAnswer(key, hash: 3) == .known([1, 5], seen: .none))
        #expect(next.snapshot.requestIDs == 1)
    }

    @Test func `without an id nothing is stored`() {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        engine.remember(key(""), hash: 3, answer: [1])
        #expect(engine.rememberedAnswer(key(""), hash: 3) == .new)
        let sealed = engine.seal()
        #expect(sealed == nil)
    }

    @Test func `an answer that cannot be read stops recovery`() {
        var engine = CoordinationEngine(shard: .only, epoch: Epoch(rawValue: 1))
        let row = RequestRow(
            namespace: "shop", method: StartedAnswer.method, requestID: "q", contentHash: 1,
            createdMillis: 0, answer: [99])
        #expect(throws: CodecError.self) { try engine.restore(row) }
    }
}
