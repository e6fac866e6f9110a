import Coordination
import Store
import Testing

@testable import Engine

/// Pausing keys, and who is told to hold them.
@Suite struct KeyPauseTests {
    static let name = KeyName(namespace: .default, name: "exchange")

    static func pause(
        _ bench: inout EngineBench, forMillis millis: Int64, reason: String = "maintenance"
    ) -> KeyView? {
        let order = PauseKey(
            name: name, untilMillis: bench.now.wallMillis + millis,
            signature: Signature(actor: "ann", reason: reason, requestID: "r"))
        guard case .keys(.paused(let view))? = bench.ask({ .keys(.pause(order), $0) }) else {
            return nil
        }
        return view
    }

    static func list(_ bench: inout EngineBench, after: String? = nil, limit: Int = 10) -> [KeyView]
    {
        guard
            case .keys(.list(let views, _))? = bench.ask({
                .keys(.list(.default, after: after, limit: limit), $0)
            })
        else { return [] }
        return views
    }

    @Test func `a paused key lets nothing begin, over a restart too, and goes on by itself`() throws
    {
        let definition = KeyEngineTests.keyed("w")
        var bench = KeyEngineTests.bench(definition)
        let view = Self.pause(&bench, forMillis: 10_000)
        #expect(view?.pause?.reason == "maintenance" && view?.pause?.actor == "ann")
        _ = bench.start("w")
        #expect(bench.dispatches.isEmpty)
        try bench.restart(after: 4_000)
        bench.join("e/1", type: "echo")
        bench.put(definition)
        _ = bench.start("w")
        bench.pass(millis: 5_990)
        #expect(bench.dispatches.isEmpty)
        bench.pass(millis: 20)
        #expect(bench.dispatches.count == 1)
        #expect(Self.list(&bench).first?.pause == nil)
        #expect(bench.storedKinds.allSatisfy { $0 != EntityKind.pausedKey.rawValue })
    }

    @Test func `a pause can be ended early, and what works meanwhile goes on`() {
        var bench = KeyEngineTests.bench(KeyEngineTests.keyed("w"))
        let first = bench.start("w")
        _ = Self.pause(&bench, forMillis: 60_000)
        let second = bench.start("w")
        bench.finishLast(EngineBench.success)
        #expect(bench.state(first) == nil, "it has ended")
        #expect(bench.dispatches.count == 1)
        let resumed = Self.pause(&bench, forMillis: 0, reason: "done")
        #expect(resumed?.pause == nil)
        #expect(bench.dispatches.last?.origin?.run == second)
        #expect(bench.audits.map(\.action) == ["PauseKey", "PauseKey"])
        #expect(bench.audits.last?.subject == "key/exchange")
        #expect(bench.audits.last?.after == "goes on: done")
        _ = Self.pause(&bench, forMillis: 0)
        #expect(bench.audits.count == 2, "nothing was paused any more")
    }

    @Test func `a longer pause takes the place of a shorter one`() {
        var bench = KeyEngineTests.bench(KeyEngineTests.keyed("w"))
        for millis: Int64 in [1_000, 5_000] { _ = Self.pause(&bench, forMillis: millis) }
        _ = bench.start("w")
        bench.pass(millis: 4_990)
        #expect(bench.dispatches.isEmpty)
        bench.pass(millis: 20)
        #expect(bench.dispatches.count == 1)
    }

    @Test func `keys are listed with who holds them and who waits, page by page`() {
        var paced = KeyEngineTests.keyed("paced")
        paced.steps[0].concurrency = nil
        paced.steps[0].rate = RateKey(key: "orders", limit: 1, perMillis: 60_000)
        var bench = KeyEngineTests.bench(KeyEngineTests.keyed("w"), paced)
        let runs = (1...3).map { _ in bench.start("w") }
        _ = bench.start("paced")
        let waits = bench.start("paced")
        let views = Self.list(&bench)
        #expect(views.map(\.name) == ["exchange", "orders"])
        #expect(views.first?.holders.map(\.run) == [runs[0]])
        #expect(views.first?.waiters.map(\.run) == [runs[1], runs[2]])
        #expect(views.last?.waiters.map(\.run) == [waits] && views.last?.holderCount == 0)
        #expect(views.last?.nextBeginMillis == bench.now.wallMillis + 60_000)
        #expect(Self.list(&bench, limit: 1).map(\.name) == ["exchange"])
        #expect(Self.list(&bench, after: "exchange").map(\.name) == ["orders"])
    }

    @Test func `the audit log tells instants as people read them, and a reason if there is one`() {
        var bench = EngineBench()
        let until = Timestamp(millis: bench.now.wallMillis + 60_000)
        _ = Self.pause(&bench, forMillis: 60_000)
        _ = Self.pause(&bench, forMillis: 0, reason: "")
        #expect(bench.audits.map(\.before) == ["", "paused until \(until)"])
        #expect(bench.audits.map(\.after) == ["paused until \(until): maintenance", "goes on"])
    }

    @Test func `pauses are bounded`() {
        var bench = EngineBench()
        var limits = EngineLimits()
        limits.maxPausedKeys = 1
        bench.engine = CoordinationEngine(
            shard: .only, epoch: Epoch(rawValue: 1), limits: limits)
        #expect(Self.pause(&bench, forMillis: 1_000) != nil)
        let other = PauseKey(
            name: KeyName(namespace: .default, name: "other"),
            untilMillis: bench.now.wallMillis + 1_000, signature: Signature(actor: "ann"))
        let refusal = bench.ask { .keys(.pause(other), $0) }?.rejection
        #expect(refusal?.reason == "TOO_MANY_PAUSED_KEYS" && refusal?.code == .overloaded)
    }
}
