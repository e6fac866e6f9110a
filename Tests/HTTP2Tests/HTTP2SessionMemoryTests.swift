import HTTP2
import Testing

@Suite struct HTTP2SessionMemoryTests {
    @Test func `sessions of one pool serve calls of every size, one after the other`() throws {
        let pool = HTTP2SessionPool()
        for round in 0..<3 {
            let pair = try SessionPair(pool: pool)
            for call in 0..<40 {
                let value = String(repeating: "v", count: call * 97 + round)
                let fields = HTTP2Fields([("x-a", value), ("x-\(call)", "\(round)")])
                let stream = try #require(pair.client.request(head: requestHead, fields: fields))
                pair.client.finishSending(on: stream)
                let asked = pair.run(step: 1 + call * 13)
                #expect(
                    asked.server.headers.first?.suffix(2) == ["x-a=\(value)", "x-\(call)=\(round)"])
                let called = try #require(asked.server.streams.first)
                pair.server.respondOnly(on: called, head: okHead)
                #expect(pair.run().client.closed == [.noError])
            }
        }
    }

    @Test func `a header block that comes again in a batch is told at the same place`() throws {
        let pair = try SessionPair()
        _ = pair.run()
        let values = ["one", "one", "two", "two", "one", "three"]
        for value in values {
            let fields = HTTP2Fields([("x-a", value)])
            let stream = try #require(pair.client.request(head: requestHead, fields: fields))
            pair.client.finishSending(on: stream)
        }
        var told = SessionPair.Told()
        let bytes = SessionPair.output(of: pair.client, &told)
        var events = HTTP2Events()
        pair.server.receive(bytes.span.bytes, now: pair.now, into: &events)
        let places = events.events.compactMap { event -> Range<Int>? in
            guard case .headers(_, let fields, _) = event else { return nil }
            return fields
        }
        #expect(
            places.map { events.fields.text(in: events.fields.fields[$0.upperBound - 1].value) }
                == values)
        #expect(places[0] == places[1] && places[2] == places[3])
        #expect(events.fields.count == 4 * places[0].count)
    }

    @Test func `objects are found by slot and nowhere else`() {
        final class Thing {}
        let table = HTTP2SessionObjects<Thing>()
        let things = (0..<100).map { _ in Thing() }
        #expect(table[0] == nil && table[-1] == nil)
        for (slot, thing) in things.enumerated() { table[Int32(slot)] = thing }
        #expect(things.indices.allSatisfy { table[Int32($0)] === things[$0] })
        table[7] = nil
        var found = 0
        table.forEach { _ in found += 1 }
        #expect(found == 99 && table[7] == nil && table[1_000] == nil)
    }
}
