import Coordination
import JSON
import Store
import Testing

@testable import Engine

@Suite struct BatchEngineTests {
    static let by = Signature(actor: "ann")

    static func definition(
        items: Int = 3, delay: Int64 = 100, inFlight: Int = 1, waiting: Int = 10,
        _ onFailure: BatchDefinition.FailurePolicy = .fail
    ) -> BatchDefinition {
        BatchDefinition(
            operation: "sum", agentType: "adder", agentOperation: "work", maxItems: items,
            maxDelayMillis: delay, maxInFlight: inFlight, maxWaiting: waiting,
            timeoutMillis: 1_000, onFailure: onFailure)
    }

    static func bench(_ definition: BatchDefinition = definition()) -> EngineBench {
        var bench = EngineBench()
        bench.join("a", type: "adder")
        let answer = bench.ask { .items(.configure(.default, definition, by: by), $0) }
        guard case .items(.configured) = answer else {
            Issue.record("\(String(describing: answer))")
            return bench
        }
        return bench
    }

    static func items(_ texts: [String], ids: [String] = []) -> SubmitItems {
        SubmitItems(
            namespace: .default, operation: "sum",
            items: texts.enumerated().map {
                SubmitItems.Item(
                    payload: Payload(bytes: Array($1.utf8)),
                    requestID: ids.isEmpty ? "" : ids[$0])
            })
    }

    static func submit(_ bench: inout EngineBench, _ texts: String...) -> UInt64 {
        bench.send { .items(.submit(items(texts)), $0) }
    }

    static func submitDurable(_ bench: inout EngineBench, _ text: String, id: String) -> UInt64 {
        bench.send { .items(.submitDurable(items([text], ids: [id])), $0) }
    }

    static func outcomes(_ bench: EngineBench, _ call: UInt64) -> [ItemOutcome] {
        guard case .items(.settled(let outcomes)) = bench.answers[call]?.last else { return [] }
        return outcomes
    }

    /// What became of the items of a call: values as they are, failures by their types.
    static func results(_ bench: EngineBench, _ call: UInt64) -> [String]? {
        guard case .items(.settled(let outcomes)) = bench.answers[call]?.last else { return nil }
        return outcomes.map {
            switch $0.outcome {
            case .success(let payload): String(decoding: payload.bytes, as: UTF8.self)
            case .failure(let failure): "!" + failure.type
            }
        }
    }

    static func asked(_ bench: EngineBench) -> String? {
        bench.dispatches.last.map { String(decoding: $0.payload.bytes, as: UTF8.self) }
    }

    static func answer(_ bench: inout EngineBench, _ results: String) {
        bench.finishLast(.success(Payload(bytes: Array(#"{"results":[\#(results)]}"#.utf8))))
    }

    static func stats(_ bench: inout EngineBench) -> BatchStats? {
        let answer = bench.ask { .items(.stats(.default, operation: "sum"), $0) }
        guard case .items(.stats(let stats)) = answer else { return nil }
        return stats.first
    }

    @Test func `items of several callers go together, and each gets its own result`() {
        var bench = Self.bench()
        let first = Self.submit(&bench, "1")
        let second = Self.submit(&bench, "2")
        #expect(bench.dispatches.isEmpty)
        let third = Self.submit(&bench, "3")
        #expect(Self.asked(bench) == #"{"items":[1,2,3]}"#)
        Self.answer(
            &bench, #"{"value":10},{"failure":{"type":"odd","message":"no"}},{"value":30}"#)
        #expect(Self.results(bench, first) == ["10"])
        #expect(Self.results(bench, second) == ["!odd"])
        #expect(Self.results(bench, third) == ["30"])
        let stats = Self.stats(&bench)
        #expect(stats?.counts.succeeded == 2 && stats?.counts.failed == 1)
        #expect(stats?.counts.left == [.items: 1] && stats?.counts.itemsLeft == 3)
        #expect(bench.engine.items.bytes == 0 && bench.engine.openInvokeCount == 0)
        #expect(bench.engine.nextDeadlineNanos == nil, "no timer is left")
    }

    @Test func `a lone item leaves when its delay ends`() {
        var bench = Self.bench()
        let call = Self.submit(&bench, "7")
        bench.pass(millis: 99)
        #expect(bench.dispatches.isEmpty)
        bench.pass(millis: 1)
        #expect(Self.asked(bench) == #"{"items":[7]}"#)
        Self.answer(&bench, #"{"value":8}"#)
        #expect(Self.results(bench, call) == ["8"])
    }

    @Test func `a flush does not wait for the delay`() {
        var bench = Self.bench()
        _ = Self.submit(&bench, "7")
        let answer = bench.ask { .items(.flush(.default, operation: "sum"), $0) }
        guard case .items(.flushed(1)) = answer else {
            Issue.record("\(String(describing: answer))")
            return
        }
        #expect(bench.dispatches.count == 1)
    }

    @Test func `what waits is bounded, and a full line pushes back`() {
        var bench = Self.bench(Self.definition(items: 2, waiting: 2))
        _ = Self.submit(&bench, "1", "2")
        _ = Self.submit(&bench, "3", "4")
        #expect(bench.dispatches.count == 1, "one batch in flight")
        let refused = bench.ask { .items(.submit(Self.items(["5"])), $0) }?.rejection
        #expect(refused?.code == .overloaded && refused?.retryAfterMillis ?? 0 > 0)
        Self.answer(&bench, #"{"value":1},{"value":2}"#)
        #expect(bench.dispatches.count == 2)
        #expect(Self.stats(&bench)?.counts.refused == 1)
    }

    @Test func `durable items that come at once are bounded too`() throws {
        var bench = Self.bench(Self.definition(items: 100, waiting: 5))
        for number in 1...40 {
            bench.engine.submit(
                .items(
                    .submitDurable(Self.items(["1"], ids: ["\(number)"])),
                    ReplyTicket(port: 0, call: 900 + UInt64(number))))
        }
        bench.drive()
        let refused = (901...940).filter { bench.answers[$0]?.last?.rejection != nil }
        #expect(refused.count == 35)
        #expect(Self.stats(&bench)?.waitingItems == 5 && Self.stats(&bench)?.counts.refused == 35)
        bench.pass(millis: 100)
        #expect(bench.dispatches.count == 1)
        _ = Self.submitDurable(&bench, "1", id: "x")
        #expect(Self.stats(&bench)?.waitingItems == 1, "there is room again")
        try bench.restart()
        let cells = bench.engine.items.cells
        #expect(cells.indices.map { cells[$0].unstored } == [0])
    }

    @Test func `a batch that fails is tried item by item, and one bad item fails alone`() {
        var bench = Self.bench(Self.definition(.retryItems(attempts: 2, millis: 10)))
        let calls = ["1", "2", "3"].map { Self.submit(&bench, $0) }
        bench.finishLast(EngineBench.trouble)
        var alone: Set<String> = []
        for _ in 1...3 {
            bench.pass(millis: 10)
            let asked = Self.asked(bench) ?? ""
            alone.insert(asked)
            if asked == #"{"items":[2]}"# {
                bench.finishLast(EngineBench.trouble)
            } else {
                Self.answer(&bench, #"{"value":\#(asked.filter(\.isNumber))}"#)
            }
        }
        #expect(alone == Set([1, 2, 3].map { #"{"items":[\#($0)]}"# }))
        #expect(bench.dispatches.map(\.attempt) == [1, 2, 2, 2])
        #expect(calls.map { Self.results(bench, $0) } == [["1"], ["!unreachable"], ["3"]])
    }

    @Test func `an answer that does not fit its items fails them all`() {
        var bench = Self.bench()
        let call = Self.submit(&bench, "1", "2", "3")
        Self.answer(&bench, #"{"value":1}"#)
        #expect(
            Self.results(bench, call)
                == Array(repeating: "!batch_answer_invalid", count: 3))
    }

    @Test func `an agent that is silent too long fails the batch`() {
        var bench = Self.bench()
        let call = Self.submit(&bench, "1", "2", "3")
        bench.pass(millis: 1_000)
        #expect(Self.results(bench, call)?.first == "!batch_timeout")
        let failure = Self.outcomes(bench, call).first?.failure
        #expect(failure?.message.contains("timeout_millis of 1000") == true)
        #expect(bench.engine.openInvokeCount == 0)
    }

    @Test func `an item that no agent was given has no attempt and was in no batch`() {
        var bench = Self.bench()
        bench.post(.agentsLeft([AgentID("a")]))
        let call = Self.submit(&bench, "1")
        bench.pass(millis: 100)
        let outcome = Self.outcomes(bench, call).first
        #expect(outcome?.failure != nil && outcome?.agent == nil)
        #expect(outcome?.attempts == 0 && outcome?.batchItems == 0)
    }

    @Test func `each item whose name another one has is named`() {
        var bench = Self.bench()
        _ = bench.send { .items(.submit(Self.items(["1"], ids: ["x"])), $0) }
        let items = [("0", "y"), ("2", "x")].enumerated().map { place, item in
            SubmitItems.Item(
                payload: Payload(bytes: Array(item.0.utf8)), requestID: item.1,
                path: "items[\(place)].")
        }
        let many = SubmitItems(namespace: .default, operation: "sum", items: items)
        let rejection = bench.ask { .items(.submit(many), $0) }?.rejection
        #expect(rejection?.reason == "REQUEST_ID_REUSED")
        #expect(rejection?.fields.map(\.field) == ["items[1].request_id"])
    }

    @Test func `who leaves takes the items along that have not left`() {
        var bench = Self.bench()
        let call = Self.submit(&bench, "1", "2")
        bench.post(.abandon(ReplyTicket(port: 0, call: call)))
        #expect(bench.engine.items.items.isEmpty && bench.engine.items.bytes == 0)
        #expect(bench.engine.nextDeadlineNanos == nil)
        #expect(Self.stats(&bench)?.counts.abandoned == 2)
        let next = Self.submit(&bench, "3")
        bench.pass(millis: 100)
        #expect(Self.asked(bench) == #"{"items":[3]}"#)
        bench.post(.abandon(ReplyTicket(port: 0, call: next)))
        Self.answer(&bench, #"{"value":1}"#)
        #expect(bench.engine.items.items.isEmpty)
    }

    @Test func `the same name joins the open item, then gets its result`() {
        var bench = Self.bench()
        let named = Self.items(["1"], ids: ["x"])
        let first = bench.send { .items(.submit(named), $0) }
        let second = bench.send { .items(.submit(named), $0) }
        #expect(Self.stats(&bench)?.waitingItems == 1)
        let other = bench.ask { .items(.submit(Self.items(["2"], ids: ["x"])), $0) }?.rejection
        #expect(other?.reason == "REQUEST_ID_REUSED")
        bench.pass(millis: 100)
        Self.answer(&bench, #"{"value":5}"#)
        let third = bench.send { .items(.submit(named), $0) }
        for call in [first, second, third] { #expect(Self.results(bench, call) == ["5"]) }
        #expect(bench.dispatches.count == 1)
        bench.pass(millis: 3_600_001)
        _ = bench.send { .items(.submit(named), $0) }
        bench.pass(millis: 100)
        #expect(bench.dispatches.count == 2, "after an hour it is a new item")
    }

    @Test func `a durable item survives, waits for its agent, and its result is found again`()
        throws
    {
        var bench = Self.bench()
        _ = Self.submitDurable(&bench, "1", id: "d")
        #expect(bench.storedKinds.sorted() == [43, 44])
        try bench.restart(after: 50)
        #expect(bench.engine.items.openCount == 1)
        // Its agent is not there yet: it is not the item's fault.
        bench.pass(millis: 5_000)
        let again = Self.submitDurable(&bench, "1", id: "d")
        bench.join("a", type: "adder")
        for _ in 0..<100 where bench.dispatches.isEmpty { bench.pass(millis: 100) }
        #expect(Self.asked(bench) == #"{"items":[1]}"#)
        Self.answer(&bench, #"{"value":2}"#)
        #expect(Self.results(bench, again) == ["2"])
        try bench.restart(after: 1_000)
        let late = Self.submitDurable(&bench, "1", id: "d")
        #expect(Self.results(bench, late) == ["2"])
        #expect(bench.dispatches.count == 1)
        bench.pass(millis: 3_600_001)
        bench.join("a", type: "adder")
        _ = Self.submit(&bench, "9")
        #expect(bench.storedKinds == [43], "the result is forgotten on disk too")
    }

    @Test func `a durable item goes on when its caller is gone`() {
        var bench = Self.bench()
        let call = Self.submitDurable(&bench, "1", id: "d")
        bench.post(.abandon(ReplyTicket(port: 0, call: call)))
        bench.pass(millis: 100)
        #expect(bench.dispatches.count == 1)
    }

    @Test func `definitions change, persist, and go only when they are empty`() throws {
        var bench = Self.bench()
        let unknown = BatchDefinition(operation: "x", agentType: "nobody")
        #expect(
            bench.ask { .items(.configure(.default, unknown, by: Self.by), $0) }?.rejection?.reason
                == "AGENT_TYPE_NOT_FOUND")
        let wrong = BatchDefinition(operation: "x", agentType: "adder")
        #expect(
            bench.ask { .items(.configure(.default, wrong, by: Self.by), $0) }?.rejection?.reason
                == "OPERATION_NOT_FOUND")
        _ = Self.submit(&bench, "1")
        func delete(_ bench: inout EngineBench) -> Answer? {
            bench.ask { .items(.delete(.default, operation: "sum", by: Self.by), $0) }
        }
        #expect(delete(&bench)?.rejection?.reason == "BATCH_IN_USE")
        // A smaller batch: what waits leaves at once.
        let small = Self.definition(items: 1)
        _ = bench.ask { .items(.configure(.default, small, by: Self.by), $0) }
        Self.answer(&bench, #"{"value":1}"#)
        try bench.restart()
        #expect(Self.stats(&bench)?.definition == small)
        guard case .items(.deleted) = delete(&bench) else {
            Issue.record("not deleted")
            return
        }
        #expect(delete(&bench)?.rejection?.reason == "BATCH_NOT_FOUND")
        #expect(
            bench.ask { .items(.submit(Self.items(["1"])), $0) }?.rejection?.reason
                == "BATCH_NOT_FOUND")
        #expect(
            bench.audits.map(\.action) == ["ConfigureBatch", "ConfigureBatch", "DeleteBatch"])
    }

    @Test func `a durable item loses no attempt to a server that goes down`() throws {
        var bench = Self.bench(
            Self.definition(items: 1, .retryItems(attempts: 2, millis: 3_000)))
        let call = Self.submitDurable(&bench, "1", id: "d")
        bench.finishLast(EngineBench.trouble)
        let written = Self.submitDurable(&bench, "2", id: "e")
        #expect(bench.dispatches.count == 2)
        bench.engine.beginDraining()
        bench.drive()
        let refusal = bench.answers[call]?.last?.rejection
        #expect(refusal?.reason == "SERVER_DRAINING" && refusal?.code == .unavailable)
        #expect(bench.answers[written] == nil, "it may still be answered")
        bench.finishLast(EngineBench.trouble)
        #expect(bench.answers[written]?.last?.rejection?.reason == "SERVER_DRAINING")
        bench.pass(millis: 60_000)
        #expect(bench.dispatches.count == 2 && Self.stats(&bench)?.waitingItems == 2)
        try bench.restart()
        bench.join("a", type: "adder")
        let again = Self.submitDurable(&bench, "1", id: "d")
        for _ in 0..<100 where bench.answers[again] == nil {
            bench.pass(millis: 100)
            Self.answer(&bench, #"{"value":7}"#)
        }
        #expect(Self.results(bench, again) == ["7"])
    }

    @Test func `a volatile item that fails in a server that goes down is told so`() {
        var bench = Self.bench(
            Self.definition(items: 1, .retryItems(attempts: 50, millis: 3_000)))
        let call = Self.submit(&bench, "1")
        bench.finishLast(EngineBench.trouble)
        bench.engine.beginDraining()
        bench.drive()
        #expect(bench.dispatches.count == 2, "one more try, at once")
        bench.finishLast(EngineBench.trouble)
        #expect(Self.results(bench, call) == ["!unreachable"])
        #expect(bench.dispatches.count == 2 && bench.engine.openItemCount == 0)
    }

    @Test func `a server that goes down lets leave what it has taken`() {
        var bench = Self.bench(Self.definition(delay: 3_600_000))
        let call = Self.submit(&bench, "1")
        bench.engine.beginDraining()
        bench.drive()
        #expect(bench.engine.openItemCount == 1)
        Self.answer(&bench, #"{"value":1}"#)
        #expect(Self.results(bench, call) == ["1"] && bench.engine.openItemCount == 0)
        #expect(
            bench.ask { .items(.submit(Self.items(["1"])), $0) }?.rejection?.reason
                == "SERVER_DRAINING")
    }
}

extension ItemOutcome {
    fileprivate var failure: StepFailure? {
        if case .failure(let failure) = outcome { failure } else { nil }
    }
}
