import Foundation
import JSON
import Testing

@Suite struct SchemaTests {
    /// `Tests/Conformance/vectors/make_json_schema.py` asked the Python package jsonschema.
    @Test func `random schemas fit what Python's jsonschema says`() throws {
        let folder = (0..<2).reduce(URL(fileURLWithPath: #filePath)) { url, _ in
            url.deletingLastPathComponent()
        }
        let file = folder.appending(path: "Conformance/vectors/json_schema.jsonl")
        let lines = try String(decoding: Data(contentsOf: file), as: UTF8.self).split(
            separator: "\n")
        var counts = [0, 0]
        for (number, line) in lines.enumerated() {
            let document = try JSONDocument(parsing: String(line)).root
            let schema = try JSONSchema(#require(document["schema"]))
            for (index, name) in ["fit", "unfit"].enumerated() {
                for value in try #require(document[name]).elements {
                    let faults = schema.faults(of: value)
                    #expect(faults.isEmpty == (index == 0), "line \(number + 1): \(value)")
                    for fault in faults { #expect(isPointer(fault.pointer, into: value)) }
                    counts[index] += 1
                }
            }
        }
        #expect(lines.count == 600 && counts.allSatisfy { $0 > 1_500 }, "\(counts)")
    }

    private func isPointer(_ pointer: String, into value: JSONView) -> Bool {
        var view = value
        for step in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            let name = step.split(separator: "~1", omittingEmptySubsequences: false).map {
                $0.split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~")
            }.joined(separator: "/")
            guard let inner = view[name] ?? Int(step).flatMap({ view[$0] }) else { return false }
            view = inner
        }
        return true
    }

    @Test(
        arguments: [
            (#"{"type":"integer"}"#, "1.5", ["is a number; must be integer"]),
            (
                #"{"type":["string","null"],"minLength":1}"#, "[]",
                ["is an array; must be null or string"]
            ),
            (#"{"enum":["a",1,null]}"#, "2", [#"must be one of "a", 1, null"#]),
            (#"{"const":{"a":1}}"#, #"{"a":2}"#, [#"must be {"a":1}"#]),
            (
                #"{"minimum":0,"items":{"exclusiveMaximum":3}}"#, "[1,3,5]",
                ["/1: must be less than 3", "/2: must be less than 3"]
            ),
            (#"{"minLength":3}"#, #""é€""#, ["has 2 characters; at least 3"]),
            (
                #"{"maxItems":1,"uniqueItems":true}"#, "[1,2,1.0]",
                [
                    "has 3 elements; at most 1", "elements 0 and 2 are equal; all must differ",
                ]
            ),
            (
                #"{"properties":{"a/b":{"type":"null"}},"required":["x","y"],"additionalProperties":false}"#,
                #"{"a/b":1,"z":2,"y":3}"#,
                [
                    "/a~1b: is a number; must be null",
                    "/z: is not among the members that may be here",
                    "/y: is not among the members that may be here", "lacks the member x",
                ]
            ),
            (
                #"{"anyOf":[{"type":"null"},{"minimum":9}]}"#, "1",
                ["fits none of the 2 schemas of anyOf"]
            ),
            (
                #"{"oneOf":[{"type":"number"},{"minimum":0},true]}"#, "1",
                ["fits the schemas 0 and 1 of oneOf; exactly one must"]
            ),
            (#"{"not":{"type":"number"}}"#, "1", ["must not fit the schema of not"]),
            (
                #"{"if":{"minimum":5},"then":{"maximum":6},"else":{"const":0}}"#, "7",
                ["must be at most 6"]
            ),
            ("false", "1", ["must not be here: the schema is false"]),
            (
                #"{"minimum":9007199254740993}"#, "9007199254740992",
                ["must be at least 9007199254740993"]
            ),
            (#"{"maximum":1e400}"#, "1e401", ["must be at most 1e400"]),
        ] as [(String, String, [String])])
    func `faults say where and what would be right`(
        schema: String, value: String, faults: [String]
    ) throws {
        let schema = try JSONSchema(parsing: Array(schema.utf8))
        let document = try JSONDocument(parsing: value)
        #expect(schema.faults(of: document.root).map(\.description) == faults)
    }

    @Test func `everything wrong with a schema is named at once`() {
        let text = #"""
            {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": "a*",
             "properties": {"a": {"format": "email", "type": "int"}, "b": 3},
             "allOf": [], "items": {"$ref": "#/$defs/none", "$defs": {}, "minLength": -1},
             "enum": [], "required": ["a", 1], "uniqueItems": 1, "minimum": "0", "$dynamicRef": "#"}
            """#
        let error = #expect(throws: JSONSchemaError.self) {
            try JSONSchema(parsing: Array(text.utf8))
        }
        #expect(
            error?.faults.map(\.pointer) == [
                "/$schema", "/pattern", "/properties/a/format", "/properties/a/type",
                "/properties/b", "/allOf", "/items/$defs", "/items/minLength", "/enum", "/required",
                "/uniqueItems", "/minimum", "/$dynamicRef", "/items/$ref",
            ])
        #expect(error?.faults.allSatisfy { !$0.message.isEmpty } == true)
    }

    @Test(arguments: [
        ##"{"$ref":"#"}"##, ##"{"not":{"$ref":"#"}}"##,
        ##"{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"}]},"b":{"allOf":[{"$ref":"#/$defs/a"}]}}}"##,
    ])
    func `schemas that lead back to themselves are refused`(text: String) {
        let error = #expect(throws: JSONSchemaError.self) {
            try JSONSchema(parsing: Array(text.utf8))
        }
        #expect(
            error?.faults.first?.message == "leads back to itself without going into the value")
    }

    @Test func `circles that go into the value end with it`() throws {
        let schema = try JSONSchema(
            parsing: Array(
                ##"{"$defs":{"tree":{"properties":{"kids":{"items":{"$ref":"#/$defs/tree"}}},"additionalProperties":false}},"$ref":"#/$defs/tree"}"##
                    .utf8))
        let good = try JSONDocument(parsing: #"{"kids":[{"kids":[]},{}]}"#)
        let bad = try JSONDocument(parsing: #"{"kids":[{"kids":[{"x":1}]}]}"#)
        #expect(schema.faults(of: good.root).isEmpty)
        #expect(schema.faults(of: bad.root).map(\.pointer) == ["/kids/0/kids/0/x"])
    }

    /// Each definition asks the next one twice: 2^40 checks without a bound.
    @Test func `work is bounded, also where a schema doubles it`() throws {
        let definitions = (0..<40).map { index in
            ##""d\##(index)":{"allOf":[{"$ref":"#/$defs/d\##(index + 1)"},{"$ref":"#/$defs/d\##(index + 1)"}]}"##
        }
        let text =
            ##"{"not":{"not":{"$ref":"#/$defs/d0"}},"$defs":{\##(definitions.joined(separator: ",")),"d40":true}}"##
        let schema = try JSONSchema(parsing: Array(text.utf8))
        let value = try JSONDocument(parsing: "1")
        let faults = schema.faults(of: value.root, maxWork: 10_000)
        #expect(faults.count == 1 && faults[0].message.contains("too much work"), "\(faults)")
    }

    @Test func `size and depth are bounded`() throws {
        let many = (0..<2_000).map { "\"p\($0)\":{}" }.joined(separator: ",")
        #expect(throws: JSONSchemaError.self) {
            try JSONSchema(parsing: Array("{\"properties\":{\(many)}}".utf8))
        }
        let unknown = (0..<500).map { "\"k\($0)\":1" }.joined(separator: ",")
        let error = #expect(throws: JSONSchemaError.self) {
            try JSONSchema(parsing: Array("{\(unknown)}".utf8))
        }
        #expect(error?.faults.count == JSONSchema.maxFaults)

        let strict = try JSONSchema(parsing: Array(#"{"items":{"type":"null"}}"#.utf8))
        let wrong = try JSONDocument(
            parsing: "[" + repeatElement("1", count: 10_000).joined(separator: ",") + "]")
        #expect(strict.faults(of: wrong.root).count == JSONSchema.maxFaults)

        let chain = (0..<1_000).map { "\"d\($0)\":{\"$ref\":\"#/$defs/d\($0 + 1)\"}" }
        let long = try JSONSchema(
            parsing: Array(
                "{\"$ref\":\"#/$defs/d0\",\"$defs\":{\(chain.joined(separator: ",")),\"d1000\":{}}}"
                    .utf8))
        #expect(long.faults(of: wrong.root).map(\.message).first?.contains("too much") == true)
    }

    @Test(arguments: [11, 12] as [UInt64])
    func `random JSON as a schema is compiled or refused with pointers`(seed: UInt64) throws {
        var generator = RandomText(seed: seed)
        for _ in 0..<1_000 {
            let text = generator.value()
            let value = try JSONDocument(parsing: generator.value())
            do throws(JSONSchemaError) {
                _ = try JSONSchema(parsing: Array(text.utf8)).faults(of: value.root)
            } catch {
                #expect(!error.faults.isEmpty, "seed \(seed): \(text)")
            }
        }
    }
}
