import Coordination
import JSON
import Testing

@Suite struct ConditionTests {
    @Test(arguments: [
        ("a=1", "a = 1"),
        ("(a = 1 or b = 2) and c", "(a = 1 OR b = 2) AND c"),
        ("a or b and not c", "a OR b AND NOT c"),
        ("((a and b) and c)", "a AND b AND c"),
        ("x not in ('q', \"r\" , 1e2,null)", "NOT x IN (\"q\", \"r\", 100, null)"),
        ("x not between 1 and 2 and y", "NOT x BETWEEN 1 AND 2 AND y"),
        ("steps.a-b.output[0].v >= 1.50", "steps.a-b.output[0].v >= 1.5"),
        ("['in'].x and in.x", "[\"in\"].x AND [\"in\"].x"),
        ("exists (a['b c'])", "EXISTS a[\"b c\"]"),
        ("start>2026-01-31t12:00:00.250+02:00", "start > 2026-01-31T10:00:00.25Z"),
        ("état = 'ouvert'", "état = \"ouvert\""),
        ("NOT NOT true", "NOT NOT true"),
    ])
    func `conditions have one canonical text`(text: String, canonical: String) throws {
        #expect(try Condition(parsing: text).description == canonical)
    }

    @Test(arguments: [
        ("", "character 1: expected a path or a literal, found the end"),
        ("a =", "character 4: expected a path or a literal, found the end"),
        ("a == 1", "character 3: write = for equality, not =="),
        ("a <> 1", "character 3: write != for inequality, not <>"),
        ("a && b", "character 3: write AND, not &"),
        ("!a", "character 1: write NOT, or != for inequality, not !"),
        ("${a} = 1", "character 1: write paths without ${ }"),
        ("a b", "character 3: expected AND, OR or the end, found 'b'"),
        ("(a = 1", "character 7: expected ')', found the end"),
        ("a in 1", "character 6: expected '(' after IN, found '1'"),
        ("a in (1 2)", "character 9: expected ',' or ')', found '2)'"),
        ("a between 1", "character 12: expected AND and the upper bound of BETWEEN, found the end"),
        ("a not = 1", "character 7: expected IN, BETWEEN or STARTS_WITH after NOT, found '='"),
        ("exists 1", "character 8: expected a path after EXISTS, found '1'"),
        ("a = 'b", "character 5: a string that is not closed; expected '"),
        ("a = 01", "character 5: expected a number, such as -1.5e3, found '01'"),
        ("a = 1e999", "character 5: a number that no double can hold"),
        ("a. = 1", "character 3: expected a name after '.'"),
        ("a[x]", "character 3: expected an element number or a quoted name after '['"),
        (
            "3",
            """
            character 2: expected a comparison (= != < <= > >= IN BETWEEN STARTS_WITH) of the \
            literal, found the end
            """
        ),
        (
            "t = 2026-02-30T00:00:00Z",
            """
            character 5: expected a timestamp of RFC 3339, such as 2026-01-31T12:00:00Z, found \
            '2026-02-30T00:00:00Z'
            """
        ),
        (
            "t = 2026-01-31",
            """
            character 5: expected a timestamp of RFC 3339, such as 2026-01-31T12:00:00Z, found \
            '2026-01-31'
            """
        ),
        ("a = #", "character 5: no part of a condition begins with '#'"),
    ])
    func `errors say where, what was expected and what was found`(
        text: String, message: String
    ) {
        let error = #expect(throws: ConditionError.self) { try Condition(parsing: text) }
        #expect(error?.description == message)
    }

    @Test func `size and depth are bounded`() throws {
        let long = String(repeating: "x", count: 16 * 1_024 + 1)
        #expect(throws: ConditionError.self) { try Condition(parsing: long) }
        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth)
        }
        #expect(throws: Never.self) { try Condition(parsing: nested(64)) }
        #expect(throws: ConditionError.self) { try Condition(parsing: nested(65)) }
        let negated = String(repeating: "NOT ", count: 65) + "a"
        #expect(throws: ConditionError.self) { try Condition(parsing: negated) }
        func list(_ count: Int) -> String {
            "a IN (" + repeatElement("1", count: count).joined(separator: ",") + ")"
        }
        #expect(throws: Never.self) { try Condition(parsing: list(998)) }
        let error = #expect(throws: ConditionError.self) { try Condition(parsing: list(999)) }
        #expect(error?.message == "more than 1000 operators and operands")
    }

    @Test func `paths are listed once, in order`() throws {
        let condition = try Condition(
            parsing: "b.x = a AND NOT (EXISTS c OR a IN (1, d)) AND e BETWEEN b.x AND f")
        #expect(condition.paths.map(\.description) == ["b.x", "a", "c", "d", "e", "f"])
    }

    @Test(
        arguments: [
            ("x.big = 9007199254740993", true), ("x.big = 9007199254740992", false),
            ("x.big > 9007199254740992.0", true), ("x.big < 9.1e15", true),
            ("x.at = 2026-01-31T12:00:00Z", true), ("x.at < 2026-01-31T12:00:00.000001Z", true),
            ("x.at BETWEEN 2026-01-31T11:59:59Z AND 2026-01-31T13:00:00+00:00", true),
            ("2026-01-31T12:00:00Z <= x.at", true), ("x.big > 2026-01-31T12:00:00Z", nil),
            ("x.word != 2026-01-31T12:00:00Z", true), ("x.word < 2026-01-31T12:00:00Z", nil),
            ("x.composed = x.decomposed", false), ("x.composed > x.decomposed", true),
            ("x.list = x.list", nil), ("x.list != 1", true), ("EXISTS x.list", true),
            ("x.none = null AND NOT EXISTS x.none", true), ("NOT x.none = 1", nil),
            ("x.none != x.none", nil), ("null = null", true), ("x.word > null", nil),
            ("x.huge > 1e308", true), ("x.huge = x.huger", true),
        ] as [(String, Bool?)])
    func `values compare exactly and within their kind`(text: String, expected: Bool?) throws {
        let world = try JSONDocument(
            parsing: """
                {"big": 9007199254740993, "at": "2026-01-31T13:00:00+01:00", "word": "w",
                 "composed": "é", "decomposed": "e\u{301}", "list": [1], "none": null,
                 "huge": 1e400, "huger": 1e500}
                """)
        var scope = JSONScope(roots: ["x": world])
        #expect(try Condition(parsing: text).evaluate(in: &scope) == expected)
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("1969-12-31T23:59:59.5Z", -500), ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ] as [(String, Int64)])
    func `timestamps are read as RFC 3339 and written back`(text: String, millis: Int64) throws {
        let read = try #require(Timestamp(rfc3339: text))
        #expect(read.millis == millis)
        #expect(read == Timestamp(millis: millis))
        #expect(Timestamp(rfc3339: read.description) == read)
    }

    @Test(arguments: [
        "", "2026", "2026-01-01", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00", "0000-01-01T00:00:00+00:01",
        "2026-01-01T00:00:00Zx",
    ])
    func `what is no timestamp is refused`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }
}
