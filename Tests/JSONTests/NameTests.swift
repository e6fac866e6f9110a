import JSON
import Testing

/// Names of members are compared by their bytes, however alike they look.
@Suite struct NameTests {
    /// `é` as one scalar, and as a letter and its accent.
    private static let (one, two) = ("\u{E9}", "e\u{301}")

    /// An object with both names, behind so many others that it gets an index.
    private func object(_ others: Int) throws -> JSONDocument {
        let members =
            (0..<others).map { "\"m\($0)\":0" } + ["\"\(Self.one)\":1", "\"\(Self.two)\":2"]
        return try JSONDocument(parsing: "{\(members.joined(separator: ","))}")
    }

    @Test func `steps whose names only look alike do not meet in a table`() {
        let steps = [Self.one, Self.two].map { JSONPathExpression.Step.name($0) }
        #expect(steps[0] != steps[1] && steps[0].hashValue != steps[1].hashValue)
        let again = String(decoding: Array(Self.two.utf8), as: UTF8.self)
        let same = JSONPathExpression.Step.name(again)
        #expect(same == steps[1] && same.hashValue == steps[1].hashValue)
    }

    @Test func `two names that only look alike are two names in a template`() throws {
        let template = try JSONTemplate(
            parsing: Array(#"["${input.\#(Self.one)}","${input.\#(Self.two)}"]"#.utf8))
        #expect(template.references.count == 2 && template.occurrences == [1, 1])
        let input = try object(0).root
        let made = try template.render { input.at($0.steps.dropFirst()) }
        #expect(String(decoding: made, as: UTF8.self) == "[1,2]")
    }

    @Test func `two names that only look alike are two names in a look-up`() throws {
        var lookup = try JSONLookup(object(2))
        for _ in 0..<20 {
            #expect(lookup.at([.name(Self.one)])?.int64 == 1)
            #expect(lookup.at([.name(Self.two)])?.int64 == 2)
        }
    }

    @Test(arguments: [0, 100])
    func `two names that only look alike are two names for a decoder`(others: Int) throws {
        struct Both: Decodable {
            let one: Int
            let two: Int
            let names: Int

            struct Key: CodingKey {
                let stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }

            init(from decoder: any Decoder) throws {
                let members = try decoder.container(keyedBy: Key.self)
                one = try members.decode(Int.self, forKey: Key(stringValue: "\u{E9}"))
                two = try members.decode(Int.self, forKey: Key(stringValue: "e\u{301}"))
                names = members.allKeys.count
            }
        }
        let both = try JSONCoding.decode(Both.self, from: object(others).bytes)
        #expect(both.one == 1 && both.two == 2 && both.names == others + 2)
    }

    @Test(arguments: [0, 100])
    func `two names that only look alike are two names for an encoder`(others: Int) throws {
        struct Both: Encodable {
            let others: Int

            func encode(to encoder: any Encoder) throws {
                var members = encoder.container(keyedBy: Key.self)
                for number in 0..<others { try members.encode(0, forKey: Key("m\(number)")) }
                try members.encode(1, forKey: Key("\u{E9}"))
                try members.encode(2, forKey: Key("e\u{301}"))
            }

            struct Key: CodingKey {
                let stringValue: String
                var intValue: Int? { nil }
                init(_ name: String) { stringValue = name }
                init?(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }
        }
        #expect(try JSONCoding.encode(Both(others: others)) == object(others).bytes)
    }

    @Test func `two names that only look alike are two definitions, and two members`() throws {
        let text = ##"""
            {"$defs": {"\##(Self.one)": {"const": 1}, "\##(Self.two)": {"const": 2}},
             "properties": {"\##(Self.one)": {"$ref": "#/$defs/\##(Self.one)"},
                            "\##(Self.two)": {"$ref": "#/$defs/\##(Self.two)"}}}
            """##
        let schema = try JSONSchema(parsing: Array(text.utf8))
        #expect(try schema.faults(of: object(0).root).isEmpty)
        let swapped = try JSONDocument(parsing: #"{"\#(Self.one)": 2, "\#(Self.two)": 1}"#)
        #expect(schema.faults(of: swapped.root).count == 2)
    }

    @Test func `canonical members stand in the order of UTF-16, the last of a name alone`() throws {
        let names = [
            "\u{FFFF}", "\u{10000}", "\u{E000}", "\u{D7FF}", "\u{10FFFF}", Self.one, Self.two, "e",
            "", "\u{EFFF}", "\u{E000}\u{10000}", "\u{E000}\u{F000}", "a\u{10000}", "a\u{FF00}",
        ]
        let members = names.map { "\"\($0)\":0" } + names.reversed().map { "\"\($0)\":1" }
        let document = try JSONDocument(parsing: "{\(members.joined(separator: ","))}")
        let expected = names.sorted { $0.utf16.lexicographicallyPrecedes($1.utf16) }
            .map { "\"\($0)\":1" }.joined(separator: ",")
        #expect(document.root.canonicalBytes == Array("{\(expected)}".utf8))
    }
}
