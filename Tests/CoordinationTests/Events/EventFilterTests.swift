import Coordination
import Testing

/// Publications, as they are stored and as filters see them.
@Suite struct EventFilterTests {
    private static let content = PublicationContent(
        topic: "pattern.detected",
        payload: Payload(bytes: Array(#"{"confidence":0.9,"pattern":{"type":"ready"}}"#.utf8)),
        key: "BTC",
        attributes: [.init(name: "venue", value: "mexc"), .init(name: "a b", value: "1")],
        publisher: "run/1/2")

    @Test(arguments: [
        ("topic = \"pattern.detected\"", true), ("topic STARTS_WITH \"risk\"", false),
        ("key = \"BTC\" AND attributes.venue = \"mexc\"", true), ("EXISTS attributes.other", false),
        ("attributes[\"a b\"] = \"1\"", true), ("publisher STARTS_WITH \"run/\"", true),
        ("payload.confidence >= 0.8 AND payload.pattern.type = \"ready\"", true),
        ("payload.confidence > 0.9", false), ("NOT payload.missing = 1", false),
    ])
    func `a filter looks at all that a publication has`(_ text: String, _ fits: Bool) throws {
        let filter = try #require(try EventFilter.parse(text))
        #expect(filter.fits(Self.content, Self.content.document()) == fits)
    }

    @Test(arguments: [
        "input.x = 1", "topic.x = 1", "attributes = 1", "attributes.a.b = 1", "x", "key =",
    ])
    func `what is no filter is refused`(_ text: String) {
        #expect(throws: EventFilter.ParseFailure.self) { try EventFilter.parse(text) }
    }

    @Test func `no text is no filter, and too much is refused`() throws {
        #expect(try EventFilter.parse("  ") == nil)
        #expect(throws: EventFilter.ParseFailure.self) {
            try EventFilter.parse("key = \"" + String(repeating: "x", count: 4_096) + "\"")
        }
    }

    @Test func `a payload that is no JSON has no paths`() throws {
        let content = PublicationContent(
            topic: "a", payload: Payload(bytes: [0xff], contentType: "image/png"))
        #expect(content.document() == nil)
        let filter = try #require(try EventFilter.parse("EXISTS payload.x OR EXISTS key"))
        #expect(!filter.fits(content, content.document()))
    }

    @Test func `the head of a publication is read back`() throws {
        let content = Self.content
        let again = try PublicationContent(
            topic: content.topic, head: content.head, bytes: content.payload.bytes)
        #expect(again.key == "BTC" && again.publisher == "run/1/2")
        #expect(again.attributes.map(\.name) == ["a b", "venue"])
        #expect(again.payload == content.payload && again.byteCount == content.byteCount)
        // Golden bytes of the first format.
        let old = try PublicationContent(
            topic: "t", head: [1, 1, 120, 1, 107, 1, 112, 1, 1, 110, 1, 118], bytes: [7])
        #expect(old.payload == Payload(bytes: [7], contentType: "x"))
        #expect(old.key == "k" && old.publisher == "p")
        #expect(old.attributes == [.init(name: "n", value: "v")])
        #expect(throws: CodecError.self) {
            try PublicationContent(topic: "t", head: [9], bytes: [])
        }
    }
}
