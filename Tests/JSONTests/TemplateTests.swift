import JSON
import Testing

@Suite struct TemplateTests {
    private let values = try! JSONDocument(
        parsing: #"""
            {"input": {"symbol": "BTC\"USDT", "limit": 1.50, "none": null, "on": true},
             "steps": {"fetch": {"output": {"items": [{"x": 1}, [2, 3]]}}}}
            """#
    ).root

    private func render(_ text: String) throws -> String {
        let template = try JSONTemplate(parsing: Array(text.utf8))
        return String(decoding: try template.render { values.at($0) }, as: UTF8.self)
    }

    @Test(arguments: [
        (#""${input.limit}""#, "1.50"),
        (#""${steps.fetch.output}""#, #"{"items": [{"x": 1}, [2, 3]]}"#),
        (
            #"{"a": "${input.none}", "b": ["${input.on}", "${steps.fetch.output.items[1]}"]}"#,
            #"{"a":null,"b":[true,[2, 3]]}"#
        ),
        (#""pair ${input.symbol}!""#, #""pair BTC\"USDT!""#),
        (#""${input.limit} of ${steps.fetch.output.items[0]}""#, #""1.50 of {\"x\": 1}""#),
        (#""${input.none}${input.on}""#, #""nulltrue""#),
        (
            #"["$${input.symbol}", "$", "$$", "a$b", "$$${x}", "{x}", "${input.on}"]"#,
            #"["${input.symbol}","$","$$","a$b","$${x}","{x}",true]"#
        ),
        (
            #"{"n": 1.50, "s": "\u0041", "k\u0041": "${input[\"limit\"]}"}"#,
            #"{"n":1.50,"s":"\u0041","kA":1.50}"#
        ),
        (#"{ "as" : "it is" }"#, #"{ "as" : "it is" }"#),
    ])
    func `holes are filled with values or text`(template: String, result: String) throws {
        #expect(try render(template) == result)
    }

    @Test(arguments: [#"["${input}","${input}","${input}"]"#, #""x${input}${input}${input}""#])
    func `a result over its limit is refused while it grows`(text: String) throws {
        let value = try JSONDocument(parsing: "\"" + String(repeating: "v", count: 998) + "\"").root
        let template = try JSONTemplate(parsing: Array(text.utf8))
        #expect(template.occurrences == [3])
        let length = try template.render { _ in value }.count
        #expect(try template.render(maxBytes: length) { _ in value }.count == length)
        for limit in [length - 1, 1_500, 0] {
            #expect(throws: TemplateRenderingError.tooLarge(maxBytes: limit)) {
                try template.render(maxBytes: limit) { _ in value }
            }
        }
    }

    @Test func `references are listed once, in the order of the template`() throws {
        let template = try JSONTemplate(
            parsing: Array(#"["${steps.b.output}", {"x": "${input.y} ${steps.b.output}"}]"#.utf8))
        #expect(template.references.map(\.description) == ["steps.b.output", "input.y"])
        #expect(template.references.map(\.root) == ["steps", "input"])
    }

    @Test(
        arguments: [
            (#" "${steps.fetch.output}" "#, "steps.fetch.output"), (#""${input}""#, "input"),
            (#""${input} ""#, nil), (#"["${input}"]"#, nil), (#""${a}${b}""#, nil), (#""a""#, nil),
            ("1", nil),
            (#""$${input}""#, nil),
        ] as [(String, String?)])
    func `a template of one whole reference is told apart`(text: String, path: String?) throws {
        let template = try JSONTemplate(parsing: Array(text.utf8))
        #expect(template.wholeReference?.description == path)
    }

    @Test func `every bad string is named with its place`() {
        let text =
            #"{"a": "${", "b": ["ok", "${x..y}"], "c": {"${k}": 1}, "d": "${}", "e": "${input.ok}"}"#
        do throws(JSONTemplateError) {
            _ = try JSONTemplate(parsing: Array(text.utf8))
            Issue.record("accepted")
        } catch {
            #expect(
                error.problems.map(\.description) == [
                    #"a: "${" is not closed by '}'"#,
                    #"b[1]: path "x..y", character 3: expected a name"#,
                    #"c["${k}"]: a member name must not refer"#,
                    #"d: path "", character 1: expected a name"#,
                ])
        }
    }

    @Test func `a template that is no JSON says where`() {
        do throws(JSONTemplateError) {
            _ = try JSONTemplate(parsing: Array(#"{"a": ${x}}"#.utf8))
            Issue.record("accepted")
        } catch {
            #expect(
                error.description
                    == "line 1, column 7 (byte 6): expected a value, found '$'")
        }
    }

    @Test func `all references without a value are named`() throws {
        let template = try JSONTemplate(
            parsing: Array(#"["${input.symbol}", "${input.a}", "x ${steps.b.output[0]}"]"#.utf8))
        do throws(TemplateRenderingError) {
            _ = try template.render { values.at($0) }
            Issue.record("rendered")
        } catch {
            #expect(error.description == "no value for ${input.a}, ${steps.b.output[0]}")
        }
    }
}
