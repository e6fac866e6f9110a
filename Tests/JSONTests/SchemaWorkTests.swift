import Testing

@testable import JSON

/// What a check costs is paid for before it is done, however the schema leads there.
@Suite struct SchemaWorkTests {
    private func faults(_ schema: String, _ value: String, maxWork: Int = 5_000_000) throws
        -> [JSONFault]
    {
        let document = try JSONDocument(parsing: value)
        return try JSONSchema(parsing: Array(schema.utf8)).faults(
            of: document.root, maxWork: maxWork)
    }

    private func list(_ text: String, _ count: Int) -> String {
        "[" + repeatElement(text, count: count).joined(separator: ",") + "]"
    }

    private func isTooMuch(_ faults: [JSONFault]) -> Bool {
        faults.contains { $0.message.contains("too much work") }
    }

    @Test func `a long number costs work at every schema it meets`() throws {
        let number = String(repeating: "1", count: 100_000)
        let integer = #"{"type":"integer"}"#
        let often = #"{"allOf":\#(list(integer, 800))}"#
        #expect(try isTooMuch(faults(often, number, maxWork: 200_000)))
        let seldom = #"{"allOf":\#(list(integer, 10))}"#
        #expect(try faults(seldom, number, maxWork: 200_000).isEmpty)
    }

    @Test func `required names cost work at every object`() throws {
        let names = (0..<6_500).map { "\"n\($0)\"" }.joined(separator: ",")
        let schema = #"{"items":{"anyOf":[{"required":[\#(names)]},{}]}}"#
        #expect(try isTooMuch(faults(schema, list("{}", 10_000))))
        #expect(try faults(schema, list("{}", 100)).isEmpty)
    }

    @Test func `a long member name costs work at every object schema it meets`() throws {
        let value = "{\"" + String(repeating: "a", count: 400_000) + "\":1}"
        let schema = #"{"allOf":\#(list(#"{"additionalProperties":true}"#, 200))}"#
        #expect(try isTooMuch(faults(schema, value)))
    }

    @Test func `values that are compared cost work for their bytes and their number`() throws {
        let value = list("[]", 100_000)
        #expect(try isTooMuch(faults(#"{"uniqueItems":true}"#, value, maxWork: 150_000)))
        #expect(try isTooMuch(faults(#"{"const":1}"#, value, maxWork: 150_000)))
    }

    /// As many as a payload of 2 MiB holds, at a tenth of the size.
    @Test func `a long list of choices is no hostile value`() throws {
        let flags = #"{"items":{"enum":[0,1]}}"#
        #expect(try faults(flags, list("1", 100_000), maxWork: 500_000).isEmpty)
        let sides = #"{"items":{"enum":["buy","sell"]}}"#
        #expect(try faults(sides, list(#""sell""#, 28_000), maxWork: 500_000).isEmpty)
    }

    @Test func `the canonical form is made once for all choices of a value`() throws {
        let text = "\"" + String(repeating: "a", count: 100_000) + "\""
        let schema = #"{"anyOf":\#(list(#"{"enum":[1,"b"]}"#, 1_000))}"#
        let found = try faults(schema, text, maxWork: 150_000)
        #expect(found.map(\.message) == ["fits none of the 1000 schemas of anyOf"])
    }

    @Test(
        arguments: [
            ("0", true), ("-0.0", true), ("1.0", true), ("1.5", false), ("1.50e1", true),
            ("1.55e1", false), ("120e-1", true), ("125e-1", false), ("0.00e-9", true),
            ("1e400", true), ("1e-400", false), ("0.001E+3", true), ("0.0012E+3", false),
            ("1e99999999999999999999", true), ("100e-99999999999999999999", false),
            ("-12e-0", true), ("10.10", false), ("-100E-2", true),
        ] as [(String, Bool)])
    func `a number is an integer by its value, in whatever notation`(
        number: String, isInteger: Bool
    ) throws {
        #expect(try faults(#"{"type":"integer"}"#, number).isEmpty == isInteger)
    }

    @Test func `schemas on a circle, and behind one, are found`() {
        func node(_ parts: Int...) -> SchemaNode {
            var node = SchemaNode()
            node.allOf = parts
            return node
        }
        #expect([node(1, 2), node(2), node()].inCircles.isEmpty)
        #expect([node(1), node(2), node(1, 3), node()].inCircles == [1, 2, 3])
        #expect([node(0)].inCircles == [0])
        #expect([SchemaNode]().inCircles.isEmpty)
    }

    @Test(arguments: ["a~01", "a~1b", "~0", "\u{338}x", "~00", "e\u{301}", "~2"])
    func `a reference reaches a definition of any name`(escaped: String) throws {
        let names = [
            "a~01": "a~1", "a~1b": "a/b", "~0": "~", "~00": "~0", "~2": "~2",
        ]
        let name = names[escaped] ?? escaped
        let schema = ##"{"$ref":"#/$defs/\##(escaped)","$defs":{"\##(name)":{"type":"null"}}}"##
        #expect(try faults(schema, "1").count == 1)
        #expect(try faults(schema, "null").isEmpty)
    }
}
