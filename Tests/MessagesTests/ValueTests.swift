import InteropMessages
import Messages
import Testing

struct ValueTests {
    @Test func `a map keeps one pair per key, in the order of first writing`() {
        var map: FieldMap<String, Int> = ["a": 1, "b": 2, "a": 3]
        #expect(map.entries.map(\.key) == ["a", "b"])
        #expect(map["a"] == 3)
        map["c"] = 4
        map["b"] = nil
        map["a"] = 5
        #expect(map.dictionary == ["a": 5, "c": 4])
        #expect(map["missing"] == nil)
    }

    @Test func `a large map with keys that come again keeps the last values`() {
        let pairs = (0..<1000).map { FieldMap<Int, Int>.Entry(key: $0 % 100, value: $0) }
        let map = FieldMap(lastWins: pairs)
        #expect(map.count == 100)
        #expect(map[7] == 907)
    }

    @Test func `maps with the same pairs are equal in any order`() {
        let one: FieldMap<String, Int> = ["a": 1, "b": 2]
        let other: FieldMap<String, Int> = ["b": 2, "a": 1]
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one != ["a": 1, "b": 3])
        #expect(one != ["a": 1])
    }

    @Test func `keys are the same when their bytes are, whatever they look like`() throws {
        let alike = ["caf\u{e9}", "cafe\u{301}", "\u{212b}", "\u{c5}", "A\u{30a}"]
        for count in [alike.count, 20] {
            var maps = Every.Maps()
            for (number, key) in alike.enumerated() { maps.text[key] = "\(number)" }
            for number in alike.count..<count { maps.text["other \(number)"] = "x" }
            #expect(maps.text.count == count)
            for (number, key) in alike.enumerated() { #expect(maps.text[key] == "\(number)") }
            let decoded = try Every.Maps.decoded(from: maps.encoded())
            #expect(decoded.text.map { Array($0.key.utf8) } == maps.text.map { Array($0.key.utf8) })
            #expect(decoded == maps)
            let again = FieldMap(lastWins: maps.text.entries + maps.text.entries)
            #expect(again == maps.text && again.count == count)
            maps.text[alike[0]] = nil
            #expect(maps.text[alike[0]] == nil && maps.text[alike[1]] == "1")
        }
        let one: FieldMap<String, Int> = [alike[0]: 1, "b": 2]
        let other: FieldMap<String, Int> = ["b": 2, alike[1]: 1]
        #expect(one != other)
        #expect(one == ["b": 2, alike[0]: 1])
    }

    @Test(.timeLimit(.minutes(1))) func `many keys that look alike do not meet`() {
        let keys = (0..<20_000).map { number -> String in
            let letters = (0..<15).map { number >> $0 & 1 == 0 ? "\u{e9}" : "e\u{301}" }
            return letters.joined()
        }
        let map = FieldMap(lastWins: keys.map { FieldMap<String, Int>.Entry(key: $0, value: 1) })
        #expect(map.count == keys.count)
        #expect(Set(keys.map(\.exact.hashValue)).count > keys.count - 10)
    }

    @Test(arguments: [("a\0b", "a\u{FFFD}b"), ("\0", "\u{FFFD}"), ("\0\0x", "\u{FFFD}\u{FFFD}x")])
    func `NUL in our own text is replaced, not cut`(text: String, sent: String) throws {
        let bytes = Every.Singular(stringField: text, requestID: "after").encoded()
        let message = try Every.Singular.decoded(from: bytes)
        #expect(message.stringField == sent)
        #expect(message.requestID == "after")
    }

    @Test func `an empty message is no bytes`() throws {
        #expect(Every.Singular().encoded().isEmpty)
        #expect(try Every.Singular.decoded(from: []) == Every.Singular())
        #expect(Every.Singular().encoded(leaving: 5) == [0, 0, 0, 0, 0])
    }

    @Test func `a message may hold one of its own kind`() {
        var node = Every.Node(value: 1)
        node.child = Every.Node(value: 2)
        let copy = node
        node.child?.value = 3
        #expect(copy.child?.value == 2)
        #expect(node.child?.value == 3)
        #expect(Every.Node().child == nil)
    }

    @Test func `enums keep numbers they do not know`() {
        #expect(Every.Colour(rawValue: 7) == .darkBlue)
        #expect(Every.Colour(rawValue: 8) == .unrecognized(8))
        #expect(Every.Colour.unrecognized(8).protoName == nil)
        #expect(Every.Colour.darkBlue.protoName == "COLOUR_DARK_BLUE")
        #expect(Every.Colour.allCases == [.unspecified, .red, .darkBlue])
    }

    @Test func `errors name the byte and the field`() throws {
        let inner = WireBytes.delimited(5, [0x61, 0xFF])
        let bytes = WireBytes.tag(1, 0) + [1] + WireBytes.delimited(18, inner)
        let error = try #require(refusal(Every.Singular.self, bytes))
        #expect(
            error.description
                == "cadre.testing.v1.Node.leaf: invalid UTF-8 in a string at byte 8")
    }
}
