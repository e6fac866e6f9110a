import JSON
import Testing

@Suite struct PathTests {
    @Test(
        arguments: [
            ("x", [.name("x")]),
            (
                "fetch.output.items[0].x",
                [.name("fetch"), .name("output"), .name("items"), .index(0), .name("x")]
            ),
            ("[3]", [.index(3)]), ("[3][4].a", [.index(3), .index(4), .name("a")]),
            ("a-b_c.ö:1", [.name("a-b_c"), .name("ö:1")]),
            (#"a["b.c"][1]"#, [.name("a"), .name("b.c"), .index(1)]),
            (#"["\"]\u0041\\"].x"#, [.name("\"]A\\"), .name("x")]), (#"[""]"#, [.name("")]),
        ] as [(String, [JSONPathExpression.Step])])
    func `a path is parsed into its steps and written back`(
        text: String, steps: [JSONPathExpression.Step]
    ) throws {
        let path = try JSONPathExpression(parsing: text)
        #expect(path.steps == steps)
        #expect(try JSONPathExpression(parsing: path.description) == path)
    }

    @Test(arguments: [
        ("", "character 1: expected a name"), (".", "character 1: expected a name"),
        ("a.", "character 3: expected a name"), ("a..b", "character 3: expected a name"),
        ("a b", "character 2: expected '.' or '['"), ("a[0]b", "character 5: expected '.' or '['"),
        ("a[", "character 3: expected an element number or a quoted name after '['"),
        ("a[-1]", "character 3: expected an element number or a quoted name after '['"),
        (
            "a[99999999999999999999]",
            "character 3: expected an element number or a quoted name after '['"
        ),
        ("a[1", "character 4: expected ']'"), ("a[1x]", "character 4: expected ']'"),
        (#"a["b""#, "character 6: expected ']'"),
        (#"a["b]"#, "character 3: a quoted name is not a JSON string"),
        (#"a["\x"]"#, "character 3: a quoted name is not a JSON string"),
        ("${a}", "character 1: expected a name"), ("a.$b", "character 3: expected a name"),
    ])
    func `a text that is no path is refused with the place of the mistake`(
        text: String, message: String
    ) {
        do throws(JSONError) {
            _ = try JSONPathExpression(parsing: text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.message.hasSuffix(message), "\(error)")
        }
    }

    @Test(
        arguments: [
            ("a.b[1].c", "7"), ("a", #"{"b":[0,{"c":7}]}"#), ("a.b[2]", nil), ("a.x", nil),
            ("a[0]", nil), ("a.b.c", nil), ("a.b[0].c", nil), ("not a path", nil),
        ] as [(String, String?)])
    func `a path leads to the value or to nothing`(path: String, raw: String?) throws {
        let root = try JSONDocument(parsing: #"{"a":{"b":[0,{"c":7}]}}"#).root
        #expect(root.at(path)?.rawText == raw)
    }
}
