import Coordination
import Store
import Testing

@testable import Engine

/// Repeated changes of subscriptions, and names that look alike.
@Suite struct SubscriptionRequestTests {
    private var bench = EngineBench()

    private func by(_ requestID: String) -> Signature {
        Signature(actor: "ann", requestID: requestID)
    }

    private mutating func put(_ name: String, _ pattern: String, _ requestID: String) -> Answer? {
        let definition = SubscriptionDefinition(
            name: name, patterns: [pattern].compactMap { TopicPattern($0) })
        let by = by(requestID)
        return bench.ask { .event(.subscription(.put(.default, definition, by: by)), $0) }
    }

    private mutating func delete(_ name: String, _ requestID: String) -> Answer? {
        let by = by(requestID)
        let name = SubscriptionName(namespace: .default, name: name)
        return bench.ask { .event(.subscription(.delete(name, by: by)), $0) }
    }

    private mutating func patterns(_ name: String) -> [String]? {
        let name = SubscriptionName(namespace: .default, name: name)
        let answer = bench.ask { .event(.subscription(.get(name)), $0) }
        guard case .event(.subscription(.one(let view))) = answer else { return nil }
        return view.definition.patterns.map(\.text)
    }

    @Test mutating func `a repeated deletion deletes nothing more, over a restart too`() throws {
        _ = put("s", "a", "")
        for _ in 1...2 {
            guard case .event(.subscription(.deleted)) = delete("s", "d") else {
                return #expect(Bool(false))
            }
            try bench.restart()
        }
        _ = put("s", "b", "")
        guard case .event(.subscription(.deleted)) = delete("s", "d") else {
            return #expect(Bool(false))
        }
        #expect(patterns("s") == ["b"])
        #expect(delete("t", "d")?.rejection?.reason == "REQUEST_ID_REUSED")
        #expect(delete("t", "e")?.rejection?.code == .notFound)
    }

    @Test mutating func `a repeated put undoes no newer one, and has its own answer`() throws {
        guard case .event(.subscription(.put(let first, changed: true))) = put("s", "a", "1") else {
            return #expect(Bool(false))
        }
        _ = put("s", "b", "2")
        try bench.restart(after: 50)
        guard case .event(.subscription(.put(let again, changed: true))) = put("s", "a", "1") else {
            return #expect(Bool(false))
        }
        #expect(again.definition == first.definition)
        #expect(again.createdMillis == first.createdMillis)
        #expect(patterns("s") == ["b"])
        #expect(put("s", "c", "1")?.rejection?.reason == "REQUEST_ID_REUSED")
        // One whose content is there has its targets too.
        guard case .event(.subscription(.put(let newest, changed: true))) = put("s", "b", "2")
        else {
            return #expect(Bool(false))
        }
        #expect(newest.targets.count == 1)
    }

    @Test mutating func `a put that changes nothing is remembered too`() {
        _ = put("s", "a", "")
        guard case .event(.subscription(.put(_, changed: false))) = put("s", "a", "1") else {
            return #expect(Bool(false))
        }
        _ = put("s", "b", "")
        guard case .event(.subscription(.put(_, changed: false))) = put("s", "a", "1") else {
            return #expect(Bool(false))
        }
        #expect(patterns("s") == ["b"])
        _ = delete("s", "")
        guard case .event(.subscription(.put(_, changed: false))) = put("s", "a", "1") else {
            return #expect(Bool(false))
        }
        #expect(patterns("s") == nil)
    }

    @Test mutating func `names that look alike are two, over a restart too`() throws {
        let one = "caf\u{e9}"
        let other = "cafe\u{301}"
        #expect(one == other)
        // In one batch as well.
        let definitions = [(one, "a"), (other, "b")].map { name, pattern in
            SubscriptionDefinition(
                name: name, patterns: [pattern].compactMap { TopicPattern($0) })
        }
        bench.post(
            .event(
                .subscription(.put(.default, definitions[0], by: .nobody)),
                ReplyTicket(port: 0, call: 900)),
            .event(
                .subscription(.put(.default, definitions[1], by: .nobody)),
                ReplyTicket(port: 0, call: 901)))
        _ = bench.publish("a", "{}")
        let ack = SubscriptionName(namespace: .default, name: one)
        bench.send { .event(.subscription(.acknowledge(ack, sequence: 1)), $0) }
        for _ in 1...2 {
            #expect(patterns(one) == ["a"] && patterns(other) == ["b"])
            #expect(bench.status(one)?.state.acknowledged == 1)
            #expect(bench.status(other)?.state.acknowledged == 0)
            try bench.restart()
        }
        _ = delete(one, "")
        #expect(patterns(one) == nil && patterns(other) == ["b"])
    }
}
