import JSON
import Testing

/// Accepted and refused texts, after the families of RFC 8259's sections.
@Suite struct GrammarTests {
    @Test(arguments: [
        "null", "true", "false", "0", "-0", "1", "-1", "10", "123456789012345678901234567890",
        "0.5", "-0.0", "1e5", "1E5", "1e+5", "1e-5", "1.25e-07", "0e0", "0E+0", "1e400",
        "\"\"", "\"a\"", "\"\u{7F}\"", "\"\u{80}\"", "\"\u{7FF}\"", "\"\u{800}\"", "\"\u{FFFF}\"",
        "\"\u{10000}\"", "\"\u{10FFFF}\"", "\"\u{FEFF}\"", "\"\u{2028}\"", "\"'\"",
        #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u00e9\u00C9""#, #""\ud83d\ude00""#,
        #""\uD800\uDC00""#, #""\uDBFF\uDFFF""#, #""\ud7ff\ue000\uffff""#, #""\\u""#, #""\\\\""#,
        "[]", "[ ]", "[1]", "[1,2]", "[[],{}]", "[null,true,\"\",0]", " [ 1 , 2 ] ",
        "{}", "{ }", "{\"\":0}", "{\"a\":1,\"a\":2}", "{\"a\" : {\"b\" : [ ] } }",
        "\t\n\r 1\t\n\r ", "[[[[[[[[[[]]]]]]]]]]",
    ])
    func `a valid text is accepted and kept`(text: String) throws {
        let document = try JSONDocument(parsing: text)
        #expect(document.bytes == Array(text.utf8))
        #expect(document.root.rawText == text.trimmed)
    }

    @Test(arguments: [
        "", " ", "\n", "nul", "nulll", "True", "NaN", "Infinity", "-Infinity", "undefined", "'a'",
        "00", "01", "-01", "-", "+1", ".5", "-.5", "1.", "1.e5", "1e", "1e+", "1e-", "1ee5", "0x1",
        "1 2", "1_000", "1,", "--1", "1.2.3", "1e1.5", "-a", "2.e3", "0e", "0e+",
        "\"", "\"a", "\"\\", "\"\\\"", "\"\\a\"", "\"\\x41\"", "\"\\u\"", "\"\\u12\"",
        "\"\\u12G4\"",
        "\"\\U0041\"", "\"\\u 041\"", "\"\t\"", "\"\n\"", "\"\u{0}\"", "\"\u{1F}\"", "\"\\\u{0}\"",
        "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1:2]", "[1}", "[\"a\"", "[\"a", "[[]",
        "[]]",
        "{", "}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,\"a\":1}",
        "{\"a\" 1}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "{\"a\":1", "{\"a\"", "{\"a\":",
        "{\"a\"::1}",
        "{\"a\":1}}", "{\"a\",1}", "{null:1}", "[\"a\":1]", "// c\n1", "1 // c", "/* c */ 1", "1 #",
        "\u{FEFF}1", "\u{A0}1", "1\u{A0}", "1\u{0}", "\u{0}", "\u{C}1", "\u{B}1", "é", "[é]",
        "<null>",
    ])
    func `a text outside the grammar is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSONDocument(parsing: text) }
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80],
            [0xE0, 0x9F, 0xBF], [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xE2, 0x82, 0x28],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x28, 0x80],
            [0xF0, 0x9F, 0x98, 0x28], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFC], [0xFE], [0xFF],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused in strings and names`(bytes: [UInt8]) {
        let quoted = [0x22] + bytes + [0x22]
        for text in [quoted, [0x7B] + quoted + Array(":1}".utf8), [0x22] + bytes] {
            do throws(JSONError) {
                _ = try JSONDocument(parsing: text)
                Issue.record("accepted \(text)")
            } catch {
                #expect(error.code == .encoding)
            }
        }
    }

    @Test(arguments: [
        #""\ud800""#, #""\udc00""#, #""\ud800\ud800""#, #""\ud800a""#, #""\udbff\n""#,
        #""\ud83d\u0041""#, #""\udfff\ud800""#, #""\uD800\\uDC00""#,
    ])
    func `escaped surrogates that form no pair are refused`(text: String) {
        do throws(JSONError) {
            _ = try JSONDocument(parsing: text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.code == .encoding)
            #expect(error.message == "an escaped surrogate is not part of a pair")
        }
    }

    @Test(arguments: [
        (0, "1", "[]"), (1, "[1]", "[[]]"), (3, "[{\"a\":[]}]", "[[[[]]]]"),
    ])
    func `nesting is accepted up to the limit and refused beyond`(
        depth: Int, accepted: String, refused: String
    ) throws {
        let limits = JSONLimits(maxDepth: depth)
        _ = try JSONDocument(parsing: accepted, limits: limits)
        do throws(JSONError) {
            _ = try JSONDocument(parsing: refused, limits: limits)
            Issue.record("accepted \(refused)")
        } catch {
            #expect(error.code == .tooDeep)
            #expect(error.position?.byteOffset == depth)
        }
    }

    @Test func `a hundred thousand open brackets are refused without using the stack`() {
        let text = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(throws: JSONError.self) { try JSONDocument(parsing: text) }
        #expect(throws: JSONError.self) {
            try JSONDocument(parsing: text, limits: JSONLimits(maxDepth: .max))
        }
    }

    @Test func `a text over the size limit is refused, one at the limit is not`() throws {
        _ = try JSONDocument(parsing: "[1,2]", limits: JSONLimits(maxBytes: 5))
        do throws(JSONError) {
            _ = try JSONDocument(parsing: "[1,23]", limits: JSONLimits(maxBytes: 5))
            Issue.record("accepted")
        } catch {
            #expect(error.code == .tooLarge)
            #expect(error.description == "the text has 6 bytes, the limit is 5")
        }
    }

    @Test(arguments: [
        ("", "line 1, column 1 (byte 0): expected a value, found the end of the text"),
        ("{\n  \"é\": x}", "line 2, column 8 (byte 10): expected a value, found 'x'"),
        ("[1,\n2,\n]", "line 3, column 1 (byte 7): expected a value, found ']'"),
        (
            "{\"a\":1,}",
            "line 1, column 8 (byte 7): expected a member name in double quotes, found '}'"
        ),
        ("{\"a\" 1}", "line 1, column 6 (byte 5): expected ':' after a member name, found '1'"),
        ("[1 2]", "line 1, column 4 (byte 3): expected ',' or ']', found '2'"),
        ("{\"a\":1]", "line 1, column 7 (byte 6): expected ',' or '}', found ']'"),
        ("[1]]", "line 1, column 4 (byte 3): expected the end of the text, found ']'"),
        ("nope", "line 1, column 1 (byte 0): expected a value, found a word that is not 'null'"),
        ("-x", "line 1, column 2 (byte 1): expected a digit after '-', found 'x'"),
        ("012", "line 1, column 2 (byte 1): a number must not have leading zeros"),
        (
            "\"a\u{1}\"",
            "line 1, column 3 (byte 2): a control character in a string must be escaped"
        ),
        ("\"abc", "line 1, column 5 (byte 4): the text ends inside a string"),
        ("\u{FEFF}1", "line 1, column 1 (byte 0): expected a value, found a byte order mark"),
        ("[\u{C}]", "line 1, column 2 (byte 1): expected a value, found byte 0x0C"),
    ])
    func `an error says where, what was expected and what was found`(text: String, message: String)
    {
        do throws(JSONError) {
            _ = try JSONDocument(parsing: text)
            Issue.record("accepted \(text)")
        } catch {
            #expect(error.description == message)
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        let isSpace: (Character) -> Bool = {
            $0.unicodeScalars.allSatisfy(" \t\r\n".unicodeScalars.contains)
        }
        return String(drop(while: isSpace).reversed().drop(while: isSpace).reversed())
    }
}
